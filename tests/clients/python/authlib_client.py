"""Authlib as a client: both secrets and a key, token exchange, errors, metadata, introspection, revocation."""

from raises import raises, version_of

version_of("Authlib")

# snippet: authlib
import os

from authlib.integrations.requests_client import OAuth2Session

session = OAuth2Session(
    os.environ["CLIENT_ID"],
    os.environ["CLIENT_SECRET"],
    token_endpoint=os.environ["ISSUER"] + "/token",
    grant_type="client_credentials",
    scope="invoices.read",
)
session.fetch_token()

# Sends the token, and fetches a new one when it has expired.
answer = session.get(os.environ["API"])
# end
assert answer.status_code == 200, answer.text
assert answer.json()["scope"] == "invoices.read"
assert session.token["token_type"] == "Bearer" and not session.token.is_expired()

ISSUER = os.environ["ISSUER"]
TOKEN_ENDPOINT = ISSUER + "/token"

# An expired token is replaced without a word.
old = session.token["access_token"]
session.token = {**session.token, "expires_at": 1}
assert session.get(os.environ["API"]).status_code == 200
assert session.token["access_token"] != old

# The secret in the body, every scope.
post = OAuth2Session(
    os.environ["CLIENT_ID"],
    os.environ["CLIENT_SECRET"],
    token_endpoint_auth_method="client_secret_post",
    revocation_endpoint_auth_method="client_secret_post",
)
token = post.fetch_token(TOKEN_ENDPOINT, grant_type="client_credentials")
assert token["scope"] == "invoices.read invoices.write"

# A token for one of several audiences.
token = post.fetch_token(TOKEN_ENDPOINT, grant_type="client_credentials", audience="https://shipping.example.com")
assert session.introspect_token(ISSUER + "/introspect", token=token["access_token"]).json()["active"]

# snippet: authlib-key
from pathlib import Path

from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey

key = ECKey.import_key(Path(os.environ["CLIENT_KEY_FILE"]).read_text())
session = OAuth2Session(
    os.environ["KEY_CLIENT_ID"],
    key,
    token_endpoint=os.environ["ISSUER"] + "/token",
    token_endpoint_auth_method=PrivateKeyJWT(alg="ES256"),
    grant_type="client_credentials",
)
session.fetch_token()
# end
assert session.token["scope"] == "invoices.read"
first = session.token["access_token"]
assert session.fetch_token()["access_token"] != first, "each assertion is a new one"

# snippet: authlib-exchange
service = OAuth2Session(
    os.environ["SERVICE_ID"],
    os.environ["SERVICE_SECRET"],
    token_endpoint=os.environ["ISSUER"] + "/token",
)
exchanged = service.fetch_token(
    grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token=os.environ["TOKEN"],
    subject_token_type="urn:ietf:params:oauth:token-type:access_token",
    audience=os.environ["NEXT_AUDIENCE"],
)
# end
assert exchanged["scope"] == "invoices.read", exchanged
assert exchanged["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
claims = service.get(os.environ["API"]).json()
assert (claims["sub"], claims["client_id"]) == (os.environ["CLIENT_ID"], os.environ["SERVICE_ID"]), claims
assert claims["act"] == {"sub": os.environ["SERVICE_ID"]} and claims["aud"] == os.environ["NEXT_AUDIENCE"]

# Errors.
from authlib.integrations.base_client.errors import OAuthError

with raises(OAuthError, "invalid_scope", "invoices.delete"):
    post.fetch_token(TOKEN_ENDPOINT, grant_type="client_credentials", scope="invoices.delete")
with raises(OAuthError, "invalid_target"):
    post.fetch_token(TOKEN_ENDPOINT, grant_type="client_credentials", audience="https://other.example.com")
with raises(OAuthError, "invalid_target", "no exchange rule"):
    service.fetch_token(
        grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token=os.environ["TOKEN"],
        subject_token_type="urn:ietf:params:oauth:token-type:access_token",
        audience="https://other.example.com",
    )
with raises(OAuthError, "unsupported_grant_type"):
    post.fetch_token(TOKEN_ENDPOINT, grant_type="password", username="a", password="b")
for method in ["client_secret_basic", "client_secret_post"]:
    stranger = OAuth2Session(os.environ["CLIENT_ID"], "wrong", token_endpoint_auth_method=method)
    with raises(OAuthError, "invalid_client"):
        stranger.fetch_token(TOKEN_ENDPOINT, grant_type="client_credentials")
wrong_key = OAuth2Session(
    os.environ["KEY_CLIENT_ID"],
    ECKey.generate_key("P-256"),
    token_endpoint_auth_method=PrivateKeyJWT(TOKEN_ENDPOINT, alg="ES256"),
)
with raises(OAuthError, "invalid_client"):
    wrong_key.fetch_token(TOKEN_ENDPOINT, grant_type="client_credentials")

# The metadata is what its own checks take, at both paths. All but one: it wants response types, which are of an
# authorization endpoint, and there is none.
import requests
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

documents = []
for suffix in ["oauth-authorization-server", "openid-configuration"]:
    url = get_well_known_url(ISSUER, external=True, suffix=suffix)
    documents.append(AuthorizationServerMetadata(requests.get(url).json()))
metadata, openid = documents
# What readers of that path insist on is there too.
more = {"subject_types_supported": ["public"], "id_token_signing_alg_values_supported": [os.environ["SIGNING_ALG"]]}
assert openid == {**metadata, **more}
for check in ["issuer", "token_endpoint", "jwks_uri", "grant_types_supported",
              "token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported",
              "introspection_endpoint", "introspection_endpoint_auth_methods_supported",
              "revocation_endpoint", "revocation_endpoint_auth_methods_supported"]:
    getattr(metadata, f"validate_{check}")()
assert metadata["issuer"] == ISSUER and metadata["token_endpoint"] == TOKEN_ENDPOINT

# Introspection and revocation, by the endpoints of the metadata.
token = post.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")["access_token"]
seen = post.introspect_token(metadata["introspection_endpoint"], token=token).json()
assert seen["active"] and seen["client_id"] == os.environ["CLIENT_ID"], seen
assert post.revoke_token(metadata["revocation_endpoint"], token=token).status_code == 200
assert post.introspect_token(metadata["introspection_endpoint"], token=token).json() == {"active": False}
