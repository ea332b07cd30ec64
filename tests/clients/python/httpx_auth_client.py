"""httpx-auth as a client: the one method that it knows, errors."""

from raises import raises, version_of

version_of("httpx-auth")

# snippet: httpx-auth
import os

import httpx
from httpx_auth import OAuth2ClientCredentials

auth = OAuth2ClientCredentials(
    os.environ["ISSUER"] + "/token",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    scope="invoices.read",
)
# Fetches a token at the first request, and again when it is about to expire.
with httpx.Client(auth=auth) as session:
    answer = session.get(os.environ["API"])
# end
assert answer.status_code == 200, answer.text
assert answer.json()["scope"] == "invoices.read"
assert httpx.get(os.environ["API"], auth=auth).json()["jti"] == answer.json()["jti"], "kept"

from httpx_auth import InvalidGrantRequest


def asks(**changes):
    asked = {"client_id": os.environ["CLIENT_ID"], "client_secret": os.environ["CLIENT_SECRET"], **changes}
    return httpx.get(os.environ["API"], auth=OAuth2ClientCredentials(os.environ["ISSUER"] + "/token", **asked))


# Every scope, and a further parameter.
assert asks().json()["scope"] == "invoices.read invoices.write"
assert asks(scope=["invoices.read", "invoices.write"]).json()["scope"] == "invoices.read invoices.write"
assert asks(audience="https://shipping.example.com").json()["aud"] == "https://shipping.example.com"

# Errors.
with raises(InvalidGrantRequest, "invalid_client: "):
    asks(client_secret="wrong")
with raises(InvalidGrantRequest, "invalid_scope: ", "invoices.delete"):
    asks(scope="invoices.delete")
with raises(InvalidGrantRequest, "invalid_target: "):
    asks(audience="https://other.example.com")
