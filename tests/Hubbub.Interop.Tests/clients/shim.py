"""What every Python client script here shares: the request on standard input, JSON lines on standard output, SAS tokens.

A script reads one JSON object (one line) from standard input and prints one JSON object a line. What a peer refuses is data:
it is printed as an "error" line and the script goes on or ends with exit code 0. Only a broken script ends otherwise.
"""
import base64
import hashlib
import hmac
import json
import sys
import time
import urllib.parse


def request():
    return json.loads(sys.stdin.readline())


def emit(event, **fields):
    print(json.dumps({"event": event, **fields}, default=text), flush=True)


def text(value):
    """Bytes, UUIDs and enums of the libraries as text."""
    return value.decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else str(value)


def sha256(data):
    return hashlib.sha256(bytes(data)).hexdigest()


def body(index, size):
    """The same bytes in every language: `index` in decimal and a colon, then a repeated alphabet, `size` bytes in all."""
    head = f"{index}:".encode()
    alphabet = b"abcdefghijklmnopqrstuvwxyz"
    tail = alphabet * (size // len(alphabet) + 1)
    return (head + tail)[:size]


def sas_token(resource, key, policy=None, seconds=3600):
    """An IoT Hub token: signed with the base64-decoded key over the encoded resource as it stands in the token."""
    encoded = urllib.parse.quote(resource, safe="")
    expiry = int(time.time() + seconds)
    signature = hmac.new(base64.b64decode(key), f"{encoded}\n{expiry}".encode(), hashlib.sha256).digest()
    token = f"SharedAccessSignature sr={encoded}&sig={urllib.parse.quote(base64.b64encode(signature), safe='')}&se={expiry}"
    return token + (f"&skn={policy}" if policy else "")
