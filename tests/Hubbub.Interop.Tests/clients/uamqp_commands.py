"""Commands on Debian's python3-uamqp, as Microsoft's AMQP page shows them: every role on a client of its own.

Request: role, host, ca, port; and by role
  send      policy, key, messages: [{id, to, body, ack, expiresMs}]: a service at /messages/devicebound; prints "sent" a message
  receive   deviceId, key, count, settle (accept, reject, release): a device at its devicebound link; prints "command" lines
  feedback  policy, key, count: a service at /messages/serviceBound/feedback; prints "feedback" a record
  outcome   deviceId, key, outcomes: [{id, outcome}]: a device that sends to /messages/serviceBound/feedback; prints "sent"
Prints one "error" (name, condition, description) when the hub refuses the link.
"""
import json

import shim
import uamqp
from uamqp import authentication, constants, errors


def plain(ask, user, resource, policy=None):
    token = shim.sas_token(resource, ask["key"], policy)
    return authentication.SASLPlain(ask["host"], user, token, port=ask["port"], verify=ask["ca"])


def service(ask):
    return plain(ask, f"{ask['policy']}@sas.root.{ask['host']}", ask["host"], ask["policy"])


def device(ask):
    return plain(ask, f"{ask['deviceId']}@sas.{ask['host']}", f"{ask['host']}/devices/{ask['deviceId']}")


def send_all(ask, auth, address, messages, ids):
    client = uamqp.SendClient(f"amqps://{ask['host']}{address}", auth=auth, error_policy=errors.ErrorPolicy(max_retries=0))
    try:
        client.queue_message(*messages)
        states = client.send_all_messages(close_on_done=False)
        for name, message, state in zip(ids, messages, states):
            failure = message._response if state == constants.MessageState.SendFailed else None
            shim.emit("sent", id=name, state=state.name, condition=getattr(failure, "condition", None))
    finally:
        client.close()


def send(ask):
    messages = []
    for spec in ask["messages"]:
        properties = uamqp.message.MessageProperties(message_id=spec["id"], to=spec["to"])
        if spec.get("expiresMs"):
            properties.absolute_expiry_time = spec["expiresMs"]
        messages.append(uamqp.Message(spec.get("body", "").encode(), properties=properties,
                                      application_properties={"iothub-ack": spec.get("ack", "full"), "unit": "°C"}))
    send_all(ask, service(ask), "/messages/devicebound", messages, [spec["id"] for spec in ask["messages"]])


def outcome(ask):
    messages = [uamqp.Message(b"", properties=uamqp.message.MessageProperties(correlation_id=spec["id"]),
                              application_properties={"iothub-outcome": spec["outcome"]}) for spec in ask["outcomes"]]
    send_all(ask, device(ask), "/messages/serviceBound/feedback", messages, [spec["id"] for spec in ask["outcomes"]])


def receive_all(ask, auth, address, take):
    client = uamqp.ReceiveClient(f"amqps://{ask['host']}{address}", auth=auth, timeout=5000, prefetch=ask["count"],
                                 auto_complete=False, shutdown_after_timeout=False)
    received = 0
    try:
        while received < ask["count"]:
            batch = client.receive_message_batch(max_batch_size=ask["count"] - received)
            if not batch:
                break
            for message in batch:
                received += take(message)
        client.do_work()
    finally:
        client.close()
    shim.emit("done", received=received)


def receive(ask):
    def take(message):
        annotations = {shim.text(key): value for key, value in (message.annotations or {}).items()}
        properties = {shim.text(key): shim.text(value) for key, value in (message.application_properties or {}).items()}
        shim.emit("command", messageId=message.properties.message_id, to=message.properties.to,
                  body=b"".join(message.get_data()).decode(), annotations=annotations, properties=properties,
                  tag=message.delivery_tag.hex() if getattr(message, "delivery_tag", None) else None)
        {"accept": message.accept, "reject": message.reject, "release": message.release}[ask["settle"]]()
        return 1
    receive_all(ask, device(ask), f"/devices/{ask['deviceId']}/messages/devicebound", take)


def feedback(ask):
    def take(message):
        records = json.loads(b"".join(message.get_data()))
        for record in records:
            shim.emit("feedback", contentType=message.properties.content_type, userId=message.properties.user_id, **record)
        message.accept()
        return len(records)
    receive_all(ask, service(ask), "/messages/serviceBound/feedback", take)


def main():
    ask = shim.request()
    try:
        {"send": send, "receive": receive, "feedback": feedback, "outcome": outcome}[ask["role"]](ask)
    except (errors.AMQPError, TimeoutError, ValueError) as failure:
        shim.emit("error", name=type(failure).__name__, condition=getattr(failure, "condition", None),
                  description=getattr(failure, "description", None) or str(failure))


main()
