"""joserfc in a microservice, which knows the JWKS only."""

from raises import raises, version_of

version_of("joserfc")

# snippet: joserfc
import os

import requests
from joserfc import jwt
from joserfc.jwk import KeySet

issuer = os.environ["ISSUER"]
# Fetch it again when a token names a `kid` that is not in it, but not more often than once a minute.
keys = KeySet.import_key_set(requests.get(issuer + "/.well-known/jwks.json").json())
rules = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": issuer},
    aud={"essential": True, "value": os.environ["AUDIENCE"]},
    exp={"essential": True},
)


def verify(text):
    token = jwt.decode(text, keys, algorithms=[os.environ["SIGNING_ALG"]])
    if token.header.get("typ") != "at+jwt":
        raise ValueError("not an access token")
    rules.validate(token.claims)
    return token.claims


claims = verify(os.environ["TOKEN"])
# end
assert claims["client_id"] == claims["sub"] == os.environ["CLIENT_ID"]
assert claims["scope"].split() == ["invoices.read", "invoices.write"]

from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidClaimError, JoseError
from joserfc.jwk import OctKey

with raises(InvalidClaimError, "aud"):
    verify(os.environ["TOKEN_FOR_ANOTHER"])
with raises(BadSignatureError):
    verify(os.environ["TOKEN_FORGED"])
with raises(ValueError, "not an access token"):
    verify(os.environ["TOKEN_OF_ANOTHER_TYPE"])
kid = keys.keys[0].kid
with raises(JoseError):
    secret = OctKey.import_key("the published key, as if it were secret")
    verify(jwt.encode({"alg": "HS256", "typ": "at+jwt", "kid": kid}, claims, secret))
# Seen when it is over.
later = jwt.JWTClaimsRegistry(now=claims["exp"] + 60)
with raises(ExpiredTokenError):
    later.validate(claims)
