// A service sends a command to a device and asks to be told how it ended.
'use strict';
const { randomUUID } = require('node:crypto');
const { Client } = require('azure-iothub');
const { Message } = require('azure-iot-common');
const setting = require('./settings');

async function main() {
  const deviceId = /DeviceId=([^;]+)/.exec(setting('DEVICE_CONNECTION_STRING'))[1];
  const client = Client.fromConnectionString(setting('SERVICE_CONNECTION_STRING'));
  await client.open();
  const message = new Message('restart');
  message.messageId = randomUUID();
  message.ack = 'full';
  message.properties.add('delay', '5s');
  await client.send(deviceId, message);
  console.log(`sent ${message.messageId}`);
  await client.close();
}

main().catch((error) => { console.error(error); process.exitCode = 1; });
