# A service in the middle of a call chain, in Python (3.9 or later): it verifies the token that it is called with, exchanges
# it for one for the next service, and calls that one on behalf of its caller. Without NEXT it is the last of the chain.

import base64
import hashlib
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

TOKEN_SERVER = os.environ["TOKEN_SERVER"]
CLIENT_ID = os.environ["CLIENT_ID"]
CLIENT_SECRET = os.environ["CLIENT_SECRET"]
AUDIENCE = os.environ["AUDIENCE"]
TARGET = os.environ.get("TARGET", "")
NEXT = os.environ.get("NEXT", "")

# snippet: python
credentials = base64.b64encode(f"{quote(CLIENT_ID, '')}:{quote(CLIENT_SECRET, '')}".encode()).decode()
exchanged = {}


def on_behalf_of(token):
    """A token for the next service, in the place of the caller's."""
    key = hashlib.sha256(token.encode()).digest()
    known, until = exchanged.get(key, (None, 0))
    if until > time.monotonic():
        return known
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "audience": TARGET,
    }
    headers = {"Authorization": f"Basic {credentials}"}
    with urlopen(Request(f"{TOKEN_SERVER}/token", urlencode(form).encode(), headers)) as response:
        answer = json.load(response)
    # The oldest one goes, so that the memory has a bound.
    if len(exchanged) >= 10_000:
        exchanged.pop(next(iter(exchanged)), None)
    exchanged[key] = (answer["access_token"], time.monotonic() + answer["expires_in"] - 10)
    return answer["access_token"]
# end


def get(url, token):
    try:
        with urlopen(Request(url, headers={"Authorization": f"Bearer {token}"})) as response:
            return response.status, response.read()
    except HTTPError as error:
        return error.code, error.read()


class Service(BaseHTTPRequestHandler):
    def do_GET(self):
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        status, body = get(f"{TOKEN_SERVER}/verify?audience={quote(AUDIENCE, '')}", token)
        if status == 200 and NEXT:
            try:
                status, body = get(NEXT, on_behalf_of(token))
            except HTTPError as error:
                status, body = 502, error.read()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Service)
print("ready", flush=True)
server.serve_forever()
