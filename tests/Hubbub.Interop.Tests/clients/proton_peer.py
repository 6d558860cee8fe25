"""Apache Qpid Proton (Debian's python3-qpid-proton) as a plain AMQP 1.0 peer: one connection a role, SASL PLAIN.

Request: scenario; url, ca (TLS when present); device {id, key, resource}, policy {name, key, resource}; events (the
entity's address without partition), partition; maxFrame; scenario's own fields. Every scenario prints "sent" lines
(id, outcome, condition), "received" lines (id, deviceId, size, sha256, sequence, offset) and "done" or "error".
"""
import time

import shim
from proton import ConnectionException, Delivery, Described, Message, ProtonException, SSLDomain, symbol, ulong
from proton.reactor import Container, LinkOption
from proton.utils import BlockingConnection, LinkDetached


class Selector(LinkOption):
    """A receiver whose source carries the hub's selector, as Event Hubs clients write it."""
    def __init__(self, selector):
        self.selector = selector

    def apply(self, link):
        if self.selector:
            name = symbol("apache.org:selector-filter:string")
            link.source.filter.put_dict({name: Described(ulong(0x468C00000004), self.selector)})


class Peer:
    def __init__(self, ask):
        self.ask = ask
        self.connections = []

    def connect(self, user, token, **options):
        domain = None
        if self.ask.get("ca"):
            domain = SSLDomain(SSLDomain.MODE_CLIENT)
            domain.set_trusted_ca_db(self.ask["ca"])
            domain.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME)
        container = Container()
        connection = BlockingConnection(
            self.ask["url"], timeout=self.ask.get("timeoutSeconds", 20), container=container, ssl_domain=domain,
            user=user, password=token, allowed_mechs="PLAIN", sasl_enabled=True, allow_insecure_mechs=True,
            max_frame_size=self.ask.get("maxFrame"), **options)
        self.connections.append(connection)
        return connection

    def device(self, **options):
        device = self.ask["device"]
        token = shim.sas_token(device["resource"], device["key"])
        return self.connect(f"{device['id']}@sas.{self.ask['hub']}", token, **options)

    def service(self, **options):
        policy = self.ask["policy"]
        token = shim.sas_token(policy["resource"], policy["key"], policy["name"])
        return self.connect(f"{policy['name']}@sas.root.{self.ask['hub']}", token, **options)

    def telemetry(self):
        return f"/devices/{self.ask['device']['id']}/messages/events"

    def partition(self):
        return f"{self.ask['events']}/ConsumerGroups/$Default/Partitions/{self.ask['partition']}"

    def close(self):
        for connection in self.connections:
            try:
                connection.close()
            except Exception:  # a connection that the peer has closed already is what some scenarios want
                pass


def send(sender, identity, data):
    """One message, and how the hub settled it: outcome and, when refused, the condition."""
    message = Message(id=identity, body=data, inferred=True, content_type="application/octet-stream",
                      properties={"id": identity})
    try:
        delivery = sender.link.send(message)
        sender.connection.wait(lambda: delivery.settled, msg=f"sending {identity}")
    except LinkDetached as gone:
        shim.emit("sent", id=identity, outcome="detached", condition=gone.condition)
        return
    condition = delivery.remote.condition
    outcome = {Delivery.ACCEPTED: "accepted", Delivery.REJECTED: "rejected"}.get(delivery.remote_state, "other")
    shim.emit("sent", id=identity, outcome=outcome, condition=condition.name if condition else None,
              description=condition.description if condition else None)
    delivery.settle()


def emit_received(message):
    annotations = {str(key): value for key, value in (message.annotations or {}).items()}
    data = bytes(message.body) if message.body is not None else b""
    shim.emit("received", id=message.id, deviceId=annotations.get("iothub-connection-device-id"), size=len(data),
              sha256=shim.sha256(data), sequence=annotations.get("x-opt-sequence-number"),
              offset=annotations.get("x-opt-offset"), properties=message.properties)


def receive(receiver, count):
    last = None
    for _ in range(count):
        message = receiver.receive()
        if receiver.fetcher.unsettled:
            receiver.accept()
        emit_received(message)
        last = message
    return last


def after(sequence):
    return f"amqp.annotation.x-opt-sequence-number > '{sequence}'"


def transfer(peer, ask):
    """Messages of the given sizes out and back again, in frames no larger than maxFrame both ways."""
    sender = peer.device().create_sender(peer.telemetry())
    for index, size in enumerate(ask["sizes"]):
        send(sender, f"{ask['prefix']}-{index}", shim.body(index, size))
    receiver = peer.service().create_receiver(
        peer.partition(), credit=ask.get("credit", 50), options=Selector(after(ask["afterSequence"])))
    receive(receiver, ask["expected"])


def drain(peer, ask):
    """Credit that finds nothing is handed back when drained; credit that finds something is used first."""
    service = peer.service()
    receiver = service.create_receiver(peer.partition(), credit=0, options=Selector(after(ask["afterSequence"])))
    receiver.link.drain(10)
    service.wait(lambda: receiver.link.credit == 0, msg="draining nothing")
    shim.emit("drained", credit=receiver.link.credit, received=0)
    sender = peer.device().create_sender(peer.telemetry())
    for index in range(3):
        send(sender, f"{ask['prefix']}-{index}", shim.body(index, 100))
    receiver.link.drain(10)
    receive(receiver, 3)
    service.wait(lambda: receiver.link.credit == 0, msg="draining three")
    shim.emit("drained", credit=receiver.link.credit, received=3)
    send(sender, f"{ask['prefix']}-3", shim.body(3, 100))
    receiver.link.flow(1)
    receive(receiver, 1)


def reattach(peer, ask):
    """A link is detached and attached again by the same name, on the same session and on a new connection."""
    device = peer.device()
    for attempt in range(3):
        sender = device.create_sender(peer.telemetry(), name="the-sender")
        send(sender, f"{ask['prefix']}-{attempt}", shim.body(attempt, 50))
        sender.close()
    service = peer.service()
    position = ask["afterSequence"]
    for _ in range(3):
        receiver = service.create_receiver(peer.partition(), name="the-reader", credit=1, options=Selector(after(position)))
        position = receive(receiver, 1).annotations[symbol("x-opt-sequence-number")]
        receiver.close()
    service.close()
    send(device.create_sender(peer.telemetry(), name="the-sender"), f"{ask['prefix']}-3", shim.body(3, 50))
    receive(peer.service().create_receiver(peer.partition(), name="the-reader", options=Selector(after(position))), 1)


def heartbeat(peer, ask):
    """Silence for longer than this side's idle time-out: only the hub's empty frames keep the connection."""
    device = peer.device(heartbeat=ask["idleSeconds"])
    sender = device.create_sender(peer.telemetry())
    send(sender, f"{ask['prefix']}-0", shim.body(0, 10))
    started = time.monotonic()
    try:
        device.wait(lambda: time.monotonic() - started > ask["silentSeconds"], timeout=ask["silentSeconds"] + 5)
    except ConnectionException as lost:
        shim.emit("error", name="ConnectionException", condition=None, description=str(lost))
        return
    send(sender, f"{ask['prefix']}-1", shim.body(1, 10))


def links(peer, ask):
    """Many links of one session, each with its own name and credit."""
    device = peer.device()
    senders = [device.create_sender(peer.telemetry(), name=f"link-{index}") for index in range(ask["links"])]
    for index, sender in enumerate(senders):
        send(sender, f"{ask['prefix']}-{index}", shim.body(index, 64))
    receive(peer.service().create_receiver(peer.partition(), credit=ask["links"],
                                           options=Selector(after(ask["afterSequence"]))), ask["links"])


def refuse(peer, ask):
    """Attach to what this device may not have; the answer is a detach with a condition."""
    device = peer.device()
    for location in ask["addresses"]:
        try:
            device.create_sender(location)
            shim.emit("attached", address=location)
        except LinkDetached as refused:
            shim.emit("refused", address=location, condition=refused.condition,
                      description=refused.link.remote_condition.description)
    send(device.create_sender(peer.telemetry()), f"{ask['prefix']}-0", shim.body(0, 10))


def main():
    ask = shim.request()
    peer = Peer(ask)
    try:
        scenarios = {"transfer": transfer, "drain": drain, "reattach": reattach, "heartbeat": heartbeat, "links": links,
                     "refuse": refuse}
        scenarios[ask["scenario"]](peer, ask)
        shim.emit("done")
    except ProtonException as failure:
        shim.emit("error", name=type(failure).__name__, condition=getattr(failure, "condition", None),
                  description=str(failure))
    finally:
        peer.close()


main()
