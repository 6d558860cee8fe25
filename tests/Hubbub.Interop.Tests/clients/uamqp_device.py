"""A device on Debian's python3-uamqp: SASL PLAIN with a SAS token, then telemetry, as Microsoft's AMQP page shows it.

Request: host, ca, deviceId, key; optional user, resource (what the token is for), address, tokenSeconds, webSocket,
batched (one transfer in message format 0x80013700), messages: [{id, body, contentType, contentEncoding, correlationId,
properties}]. Prints "sent" (id, state) a message, or one "error" (name, condition, description).
"""
import shim
import uamqp
from uamqp import authentication, constants, errors


def message_of(spec):
    properties = uamqp.message.MessageProperties(message_id=spec.get("id"))
    properties.content_type = spec.get("contentType")
    properties.content_encoding = spec.get("contentEncoding")
    properties.correlation_id = spec.get("correlationId")
    return uamqp.Message(spec.get("body", "").encode(), properties=properties,
                         application_properties=spec.get("properties") or None)


def main():
    ask = shim.request()
    host, device = ask["host"], ask["deviceId"]
    user = ask.get("user") or f"{device}@sas.{host}"
    token = shim.sas_token(ask.get("resource", f"{host}/devices/{device}"), ask["key"],
                           seconds=ask.get("tokenSeconds", 3600))
    transport = constants.TransportType.AmqpOverWebsocket if ask.get("webSocket") else constants.TransportType.Amqp
    auth = authentication.SASLPlain(host, user, token, port=443 if ask.get("webSocket") else 5671,
                                    verify=ask["ca"], transport_type=transport)
    target = f"amqps://{host}" + ask.get("address", f"/devices/{device}/messages/events")
    client = uamqp.SendClient(target, auth=auth, error_policy=errors.ErrorPolicy(max_retries=0))
    try:
        if ask.get("batched"):
            client.send_message(uamqp.message.BatchMessage(data=[message_of(spec) for spec in ask["messages"]]))
            shim.emit("sent", id="batch", state="SendComplete")
        else:
            messages = [message_of(spec) for spec in ask["messages"]]
            client.queue_message(*messages)
            states = client.send_all_messages(close_on_done=False)
            for spec, message, state in zip(ask["messages"], messages, states):
                failure = message._response if state == constants.MessageState.SendFailed else None
                shim.emit("sent", id=spec.get("id"), state=state.name, condition=getattr(failure, "condition", None))
    except (errors.AMQPError, TimeoutError, ValueError) as failure:
        shim.emit("error", name=type(failure).__name__, condition=getattr(failure, "condition", None),
                  description=getattr(failure, "description", None) or str(failure))
    finally:
        client.close()


main()
