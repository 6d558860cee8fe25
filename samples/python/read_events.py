"""A service reads what devices sent: it asks the hub, follows the redirect, and reads every partition from its start."""
import uamqp
from uamqp import address, authentication, errors

import hub

FILTER = b"amqp.annotation.x-opt-offset > '-1'"
service = hub.Service()


def source(uri):
    result = address.Source(uri)
    result.set_filter(FILTER)
    return result


def redirect_of(partition):
    uri = f"amqps://{service.host}/messages/events/ConsumerGroups/$Default/Partitions/{partition}"
    client = uamqp.ReceiveClient(source(uri), auth=service.auth())
    try:
        client.receive_message_batch(max_batch_size=1)
    except errors.LinkRedirect as redirect:
        return redirect.address.decode()
    finally:
        client.close()


left = 3
for partition in range(4):
    location = redirect_of(partition)
    auth = authentication.SASTokenAuth.from_shared_access_key(location, service.policy, service.key, verify=hub.CA)
    client = uamqp.ReceiveClient(source(location), auth=auth, timeout=1000, shutdown_after_timeout=False)
    while left > 0:
        batch = client.receive_message_batch(max_batch_size=left)
        if not batch:
            break
        for message in batch:
            left -= 1
            number = message.annotations[b"x-opt-sequence-number"]
            device = message.annotations[b"iothub-connection-device-id"].decode()
            print(f"event {partition}/{number} of {device}: {b''.join(message.get_data()).decode()}", flush=True)
    client.close()
