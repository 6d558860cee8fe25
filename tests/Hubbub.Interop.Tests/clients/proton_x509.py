"""Apache Qpid Proton with a client certificate: TLS says who it is, SASL is EXTERNAL, ANONYMOUS or left out.

Request: url, ca, certificate and key (files), address; mechanism: "EXTERNAL", "ANONYMOUS" or null; hold: wait for the
hub to end the link. Prints "sent" (outcome), then with hold "detached" (condition), or "refused" (condition) instead.
"""
import shim
from proton import ConnectionException, Delivery, Message, ProtonException, SSLDomain
from proton.reactor import Container
from proton.utils import BlockingConnection, LinkDetached


def main():
    ask = shim.request()
    domain = SSLDomain(SSLDomain.MODE_CLIENT)
    domain.set_trusted_ca_db(ask["ca"])
    domain.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME)
    domain.set_credentials(ask["certificate"], ask["key"], None)
    mechanism = ask.get("mechanism")
    connection = None
    try:
        connection = BlockingConnection(
            ask["url"], timeout=20, container=Container(), ssl_domain=domain, sasl_enabled=mechanism is not None,
            allowed_mechs=mechanism)
        sender = connection.create_sender(ask["address"])
        delivery = sender.link.send(Message(body=b"x", inferred=True))
        connection.wait(lambda: delivery.settled, msg="sending")
        shim.emit("sent", outcome="accepted" if delivery.remote_state == Delivery.ACCEPTED else str(delivery.remote_state))
        if ask.get("hold"):
            connection.wait(lambda: False, timeout=30, msg="the end of the link")
    except LinkDetached as gone:
        shim.emit("refused", condition=gone.condition, description=str(gone))
    except (ConnectionException, ProtonException) as failure:
        shim.emit("refused", condition=None, description=str(failure))
    finally:
        if connection is not None:
            try:
                connection.close()
            except ProtonException:  # what the hub has closed already
                pass


main()
