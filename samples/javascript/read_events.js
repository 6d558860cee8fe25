// A service reads what devices sent, from all partitions, beginning with the oldest event that is kept.
'use strict';
const { EventHubConsumerClient, earliestEventPosition } = require('@azure/event-hubs');
const setting = require('./settings');

async function main() {
  const client = new EventHubConsumerClient('$Default', setting('EVENTHUB_CONNECTION_STRING'));
  let left = 3;
  await new Promise((resolve, reject) => {
    client.subscribe({
      processEvents: async (events, context) => {
        for (const event of events) {
          const text = Buffer.isBuffer(event.body) ? event.body.toString() : JSON.stringify(event.body);
          const device = event.systemProperties['iothub-connection-device-id'];
          console.log(`event ${context.partitionId}/${event.sequenceNumber} of ${device}: ${text}`);
          if (--left === 0) resolve();
        }
      },
      processError: async (error) => reject(error),
    }, { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1 });
  });
  await client.close();
}

main().catch((error) => { console.error(error); process.exitCode = 1; });
