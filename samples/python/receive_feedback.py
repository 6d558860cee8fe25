"""A service learns how its commands ended."""
import json

import uamqp

from hub import Service

FEEDBACK = b"application/vnd.microsoft.iothub.feedback.json"
service = Service()
client = uamqp.ReceiveClient(f"amqps://{service.host}/messages/serviceBound/feedback", auth=service.auth())
for message in client.receive_message_batch(max_batch_size=1):
    if message.properties.content_type != FEEDBACK:
        continue
    for record in json.loads(b"".join(message.get_data())):
        print(f"feedback {record['originalMessageId']}: {record['statusCode']} by {record['deviceId']}", flush=True)
client.close()
