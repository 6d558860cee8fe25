// Connection strings come from the environment; samples/README.md says how.
'use strict';

module.exports = (name) => {
  if (process.env[name]) return process.env[name];
  console.error(`Set ${name}; samples/README.md says how.`);
  process.exit(1);
};
