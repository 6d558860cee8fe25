"""A device receives a command and completes it: uamqp accepts what it hands out."""
import uamqp

from hub import Device

device = Device()
client = uamqp.ReceiveClient(
    f"amqps://{device.host}/devices/{device.id}/messages/devicebound", auth=device.auth(), prefetch=1)
for message in client.receive_message_batch(max_batch_size=1):
    print(f"command {message.properties.message_id.decode()}: {b''.join(message.get_data()).decode()}", flush=True)
client.close()
