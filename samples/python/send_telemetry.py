"""A device sends telemetry."""
import json
import uuid

import uamqp

from hub import Device

device = Device()
client = uamqp.SendClient(f"amqps://{device.host}/devices/{device.id}/messages/events", auth=device.auth())
for temperature in (21, 22, 23):
    properties = uamqp.message.MessageProperties(
        message_id=str(uuid.uuid4()), content_type="application/json;charset=utf-8")
    client.queue_message(uamqp.Message(
        json.dumps({"temperature": temperature}).encode(), properties=properties,
        application_properties={"alert": "true" if temperature > 22 else "false"}))
for result in client.send_all_messages():
    print("failed" if result == uamqp.constants.MessageState.SendFailed else "sent", flush=True)
