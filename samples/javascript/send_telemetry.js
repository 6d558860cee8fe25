// A device sends telemetry.
'use strict';
const { Client, Message } = require('azure-iot-device');
const { Amqp } = require('azure-iot-device-amqp');
const setting = require('./settings');

async function main() {
  const client = Client.fromConnectionString(setting('DEVICE_CONNECTION_STRING'), Amqp);
  for (const temperature of [21, 22, 23]) {
    const message = new Message(JSON.stringify({ temperature }));
    message.contentType = 'application/json';
    message.contentEncoding = 'utf-8';
    message.properties.add('alert', temperature > 22 ? 'true' : 'false');
    await client.sendEvent(message);
    console.log('sent');
  }
  await client.close();
}

main().catch((error) => { console.error(error); process.exitCode = 1; });
