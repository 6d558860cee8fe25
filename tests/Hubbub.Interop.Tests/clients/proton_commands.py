"""A device's commands on Apache Qpid Proton (Debian's python3-qpid-proton), with every settle mode and outcome.

Request: url, ca (TLS when present), hub, device {id, key, resource}, address, send (unsettled, settled or mixed), receive
(first or second), outcomes: what is said of each delivery in turn (accepted, rejected, released, failed, undeliverable,
modified). Prints "attached" (send, receive: the hub's modes), "command" a delivery, "answered" (state, settled) where the
hub answers an outcome, and "done" or "error".
"""
import shim
from proton import Delivery, Link, ProtonException, SSLDomain
from proton.reactor import Container, LinkOption
from proton.utils import BlockingConnection

SEND = {"unsettled": Link.SND_UNSETTLED, "settled": Link.SND_SETTLED, "mixed": Link.SND_MIXED}
RECEIVE = {"first": Link.RCV_FIRST, "second": Link.RCV_SECOND}


class Modes(LinkOption):
    def __init__(self, ask):
        self.ask = ask

    def apply(self, link):
        link.snd_settle_mode = SEND[self.ask["send"]]
        link.rcv_settle_mode = RECEIVE[self.ask["receive"]]


def name_of(modes, value):
    return next((name for name, mode in modes.items() if mode == value), str(value))


def connect(ask):
    domain = None
    if ask.get("ca"):
        domain = SSLDomain(SSLDomain.MODE_CLIENT)
        domain.set_trusted_ca_db(ask["ca"])
        domain.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME)
    device = ask["device"]
    return BlockingConnection(
        ask["url"], timeout=15, container=Container(), ssl_domain=domain, user=ask["user"],
        password=shim.sas_token(device["resource"], device["key"]), allowed_mechs="PLAIN", sasl_enabled=True,
        allow_insecure_mechs=True)


def settle(connection, delivery, outcome, second):
    """Tells the outcome; with the second mode the delivery stays open until the hub has settled it."""
    if outcome == "accepted":
        delivery.update(Delivery.ACCEPTED)
    elif outcome == "rejected":
        delivery.update(Delivery.REJECTED)
    elif outcome == "released":
        delivery.update(Delivery.RELEASED)
    else:
        delivery.local.failed = outcome == "failed"
        delivery.local.undeliverable = outcome == "undeliverable"
        delivery.update(Delivery.MODIFIED)
    if second:
        connection.wait(lambda: delivery.settled, msg=f"the answer to {outcome}")
        shim.emit("answered", state=str(delivery.remote_state), settled=delivery.settled)
    delivery.settle()


def main():
    ask = shim.request()
    connection = None
    try:
        connection = connect(ask)
        # The blocking fetcher would settle by itself what it hands out.
        receiver = connection.create_receiver(ask["address"], credit=10, options=Modes(ask))
        link = receiver.link
        shim.emit("attached", send=name_of(SEND, link.remote_snd_settle_mode), receive=name_of(RECEIVE, link.remote_rcv_settle_mode))
        for outcome in ask["outcomes"]:
            connection.wait(lambda: receiver.fetcher.has_message, msg="a command")
            message, delivery = receiver.fetcher.incoming.popleft()
            annotations = {str(key): value for key, value in message.annotations.items()}
            shim.emit("command", id=message.id, body=bytes(message.body).decode(), to=message.address, settled=delivery.settled,
                      deliveryCount=int(annotations["iothub-deliverycount"]), properties=message.properties,
                      types={key: type(value).__name__ for key, value in annotations.items()}, tag=str(delivery.tag))
            if not delivery.settled:
                settle(connection, delivery, outcome, ask["receive"] == "second")
        shim.emit("done")
    except ProtonException as failure:
        shim.emit("error", name=type(failure).__name__, condition=getattr(failure, "condition", None), description=str(failure))
    finally:
        if connection:
            connection.close()


main()
