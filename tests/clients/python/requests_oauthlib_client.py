"""requests-oauthlib as a client: both secrets, errors. It knows no introspection and no metadata."""

from raises import raises, version_of

version_of("requests-oauthlib")

# snippet: requests-oauthlib
import os

from oauthlib.oauth2 import BackendApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

client = BackendApplicationClient(os.environ["CLIENT_ID"], scope=["invoices.read"])
session = OAuth2Session(client=client)
session.fetch_token(
    os.environ["ISSUER"] + "/token",
    auth=HTTPBasicAuth(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]),
)
answer = session.get(os.environ["API"])
# end
assert answer.status_code == 200, answer.text
assert answer.json()["scope"] == "invoices.read"
assert session.token["expires_in"] == 3600 and session.token["token_type"] == "Bearer"

TOKEN_ENDPOINT = os.environ["ISSUER"] + "/token"


def session_for(scope=None):
    return OAuth2Session(client=BackendApplicationClient(os.environ["CLIENT_ID"], scope=scope))


# The secret in the body.
post = session_for(["invoices.read", "invoices.write"])
token = post.fetch_token(
    TOKEN_ENDPOINT, client_secret=os.environ["CLIENT_SECRET"], include_client_id=True
)
assert sorted(token["scope"]) == ["invoices.read", "invoices.write"], token["scope"]

# Revocation, of which it knows how to make the request.
url, headers, body = client.prepare_token_revocation_request(
    os.environ["ISSUER"] + "/revoke", session.token["access_token"]
)
basic = HTTPBasicAuth(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])
import requests

assert requests.post(url, data=body, headers=headers, auth=basic).status_code == 200
assert session.get(os.environ["API"]).status_code == 401

# Errors.
from oauthlib.oauth2 import (
    InvalidClientError,
    InvalidScopeError,
    TokenExpiredError,
    UnsupportedGrantTypeError,
)
from oauthlib.oauth2 import LegacyApplicationClient

with raises(InvalidClientError):
    session_for().fetch_token(TOKEN_ENDPOINT, auth=HTTPBasicAuth(os.environ["CLIENT_ID"], "wrong"))
with raises(InvalidClientError):
    session_for().fetch_token(TOKEN_ENDPOINT, client_secret="wrong", include_client_id=True)
with raises(InvalidScopeError, "invoices.delete"):
    session_for(["invoices.delete"]).fetch_token(TOKEN_ENDPOINT, auth=basic)
with raises(UnsupportedGrantTypeError, "client_credentials"):
    password = OAuth2Session(client=LegacyApplicationClient(os.environ["CLIENT_ID"]))
    password.fetch_token(TOKEN_ENDPOINT, username="a", password="b", auth=basic)
# There is no refresh token: it says that the token has expired, and the caller fetches another.
with raises(TokenExpiredError):
    expired = session_for()
    expired.token = {**token, "expires_at": 1, "expires_in": -1}
    expired.get(os.environ["API"])
