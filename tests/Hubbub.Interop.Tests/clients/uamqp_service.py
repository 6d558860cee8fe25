"""A service on Debian's python3-uamqp, the way of Microsoft's AMQP page: ask the hub, follow its redirect, read.

First it attaches to /messages/events/ConsumerGroups/{group}/Partitions/{partition} on the hub by SASL PLAIN, catches the
redirect, then authenticates at the redirected address by CBS with the policy's key and reads there.

Request: host, ca, policy, key, partition, count; optional group, filter, quietMs (stop when nothing came for so long),
tokenSeconds, resource, address, redirectKey (the key used for CBS), webSocket.
Prints "redirect", "message" lines, "done"; or one "error" (stage "hub" or "events", name, condition, description).
"""
import shim
import uamqp
from uamqp import address, authentication, constants, errors


def source_of(uri, selector):
    source = address.Source(uri)
    if selector:
        source.set_filter(selector.encode())
    return source


def emit_error(stage, failure):
    shim.emit("error", stage=stage, name=type(failure).__name__,
              condition=getattr(failure, "condition", None) or getattr(failure, "status_code", None),
              description=getattr(failure, "description", None) or str(failure))


def emit_message(message):
    annotations = {shim.text(key): value for key, value in (message.annotations or {}).items()}
    properties = {shim.text(key): value for key, value in (message.application_properties or {}).items()}
    data = b"".join(message.get_data())
    fields = message.properties
    shim.emit("message", body=data.decode("utf-8", "replace"), size=len(data), annotations=annotations,
              annotationTypes={key: type(value).__name__ for key, value in annotations.items()}, properties=properties,
              messageId=fields.message_id, correlationId=fields.correlation_id, contentType=fields.content_type,
              contentEncoding=fields.content_encoding, userId=fields.user_id)


def ask_hub(ask, uri, transport):
    """The redirect that the hub answers with, or None after an error line."""
    host = ask["host"]
    token = shim.sas_token(ask.get("resource", host), ask["key"], ask["policy"], ask.get("tokenSeconds", 3600))
    auth = authentication.SASLPlain(host, ask.get("user", f"{ask['policy']}@sas.root.{host}"), token,
                                    port=443 if ask.get("webSocket") else 5671, verify=ask["ca"], transport_type=transport)
    client = uamqp.ReceiveClient(source_of(uri, ask.get("filter")), auth=auth, timeout=5000)
    try:
        client.receive_message_batch(max_batch_size=1)
        shim.emit("error", stage="hub", name="NoRedirect", condition=None, description="the hub served the link itself")
    except errors.LinkRedirect as redirect:
        shim.emit("redirect", hostname=redirect.hostname, networkHost=redirect.network_host, port=redirect.port,
                  address=redirect.address)
        return redirect
    except (errors.AMQPError, TimeoutError, ValueError) as failure:
        emit_error("hub", failure)
    finally:
        client.close()
    return None


def read(ask, redirect, transport):
    location = redirect.address.decode()
    auth = authentication.SASTokenAuth.from_shared_access_key(
        location, ask["policy"], ask.get("redirectKey", ask["key"]), verify=ask["ca"], transport_type=transport)
    client = uamqp.ReceiveClient(source_of(location, ask.get("filter")), auth=auth,
                                 timeout=ask.get("quietMs", 5000), shutdown_after_timeout=False)
    received = 0
    try:
        while received < ask["count"]:
            batch = client.receive_message_batch(max_batch_size=min(100, ask["count"] - received))
            if not batch:
                break
            for message in batch:
                emit_message(message)
            received += len(batch)
        shim.emit("done", received=received)
    except (errors.AMQPError, TimeoutError, ValueError) as failure:
        emit_error("events", failure)
    finally:
        client.close()


def main():
    ask = shim.request()
    transport = constants.TransportType.AmqpOverWebsocket if ask.get("webSocket") else constants.TransportType.Amqp
    path = ask.get("address") or "/messages/events/ConsumerGroups/{}/Partitions/{}".format(
        ask.get("group", "$Default"), ask["partition"])
    redirect = ask_hub(ask, f"amqps://{ask['host']}{path}", transport)
    if redirect:
        read(ask, redirect, transport)


main()
