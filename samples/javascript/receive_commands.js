// A device receives a command and completes it. It may reject or abandon it instead.
'use strict';
const { Client } = require('azure-iot-device');
const { Amqp } = require('azure-iot-device-amqp');
const setting = require('./settings');

async function main() {
  const client = Client.fromConnectionString(setting('DEVICE_CONNECTION_STRING'), Amqp);
  await client.open();
  const message = await new Promise((resolve) => client.on('message', resolve));
  console.log(`command ${message.messageId}: ${message.getData()}`);
  await client.complete(message);
  await client.close();
}

main().catch((error) => { console.error(error); process.exitCode = 1; });
