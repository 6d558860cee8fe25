"""A service sends a command to a device and asks to be told how it ended."""
import uuid

import uamqp

from hub import Device, Service

service, device = Service(), Device()
properties = uamqp.message.MessageProperties(
    message_id=str(uuid.uuid4()), to=f"/devices/{device.id}/messages/devicebound")
message = uamqp.Message(b"restart", properties=properties, application_properties={"iothub-ack": "full", "delay": "5s"})
client = uamqp.SendClient(f"amqps://{service.host}/messages/devicebound", auth=service.auth())
client.queue_message(message)
for result in client.send_all_messages():
    print("failed" if result == uamqp.constants.MessageState.SendFailed else f"sent {properties.message_id.decode()}", flush=True)
