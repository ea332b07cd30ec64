"""PyJWT in a microservice, which knows the JWKS only."""

from raises import raises, version_of

version_of("PyJWT")

# snippet: pyjwt
import os

import jwt

issuer = os.environ["ISSUER"]
jwks = jwt.PyJWKClient(issuer + "/.well-known/jwks.json")


def verify(token):
    key = jwks.get_signing_key_from_jwt(token)
    if jwt.get_unverified_header(token).get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("not an access token")
    return jwt.decode(
        token,
        key,
        algorithms=[os.environ["SIGNING_ALG"]],
        issuer=issuer,
        audience=os.environ["AUDIENCE"],
        options={"require": ["exp", "iss", "aud", "sub", "client_id"]},
    )


claims = verify(os.environ["TOKEN"])
# end
assert claims["client_id"] == claims["sub"] == os.environ["CLIENT_ID"]
assert claims["scope"].split() == ["invoices.read", "invoices.write"]

with raises(jwt.InvalidAudienceError):
    verify(os.environ["TOKEN_FOR_ANOTHER"])
with raises(jwt.InvalidSignatureError):
    verify(os.environ["TOKEN_FORGED"])
with raises(jwt.PyJWKClientError, "signing key"):
    verify(jwt.encode(claims, "a secret that the verifier does not know", "HS256", {"typ": "at+jwt", "kid": "x"}))
# Under our own public key as if it were a secret.
kid = jwt.get_unverified_header(os.environ["TOKEN"])["kid"]
with raises(jwt.InvalidTokenError):
    verify(jwt.encode(claims, "the published key, as if it were secret", "HS256", {"typ": "at+jwt", "kid": kid}))
with raises(jwt.InvalidTokenError, "not an access token"):
    verify(os.environ["TOKEN_OF_ANOTHER_TYPE"])
