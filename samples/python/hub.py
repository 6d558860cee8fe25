"""What the Python samples share: connection strings from the environment, and tokens."""
import base64
import hashlib
import hmac
import os
import time
import urllib.parse

from uamqp import authentication

# The hub's own CA; without it the system's are trusted.
CA = os.environ.get("HUBBUB_CA")


def fields(variable):
    """A connection string's parts as a dictionary."""
    text = os.environ.get(variable) or exit(f"Set {variable}; samples/README.md says how.")
    return dict(part.split("=", 1) for part in text.split(";"))


def sas_token(resource, key, policy=None, seconds=3600):
    """Signed with the decoded key over the encoded resource and the time at which it expires."""
    resource = urllib.parse.quote_plus(resource)
    expiry = int(time.time()) + seconds
    signature = hmac.new(base64.b64decode(key), f"{resource}\n{expiry}".encode(), hashlib.sha256).digest()
    token = f"SharedAccessSignature sr={resource}&sig={urllib.parse.quote_plus(base64.b64encode(signature))}&se={expiry}"
    return token + (f"&skn={policy}" if policy else "")


class Service:
    """A service's host and its SASL PLAIN credentials."""

    def __init__(self):
        parts = fields("SERVICE_CONNECTION_STRING")
        self.host, self.policy, self.key = parts["HostName"], parts["SharedAccessKeyName"], parts["SharedAccessKey"]
        self.name = self.host.split(".")[0]

    def auth(self):
        token = sas_token(self.host, self.key, self.policy)
        return authentication.SASLPlain(self.host, f"{self.policy}@sas.root.{self.name}", token, verify=CA)


class Device:
    """A device's host, id and SASL PLAIN credentials."""

    def __init__(self):
        parts = fields("DEVICE_CONNECTION_STRING")
        self.host, self.id, self.key = parts["HostName"], parts["DeviceId"], parts["SharedAccessKey"]
        self.name = self.host.split(".")[0]

    def auth(self):
        token = sas_token(f"{self.host}/devices/{self.id}", self.key)
        return authentication.SASLPlain(self.host, f"{self.id}@sas.{self.name}", token, verify=CA)
