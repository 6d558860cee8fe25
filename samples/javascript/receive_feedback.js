// A service learns how its commands ended.
'use strict';
const { Client } = require('azure-iothub');
const setting = require('./settings');

async function main() {
  const client = Client.fromConnectionString(setting('SERVICE_CONNECTION_STRING'));
  await client.open();
  const { result: receiver } = await client.getFeedbackReceiver();
  const message = await new Promise((resolve) => receiver.on('message', resolve));
  for (const record of JSON.parse(message.getData())) {
    console.log(`feedback ${record.originalMessageId}: ${record.statusCode} by ${record.deviceId}`);
  }
  await receiver.complete(message);
  await client.close();
}

main().catch((error) => { console.error(error); process.exitCode = 1; });
