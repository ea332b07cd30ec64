"""Django in a microservice: a middleware that judges tokens with PyJWT, as Django has no resource server of its own."""

from raises import version_of

version_of("Django")

import os

import django
from django.conf import settings
from django.http import JsonResponse
from django.test import RequestFactory

settings.configure(
    ALLOWED_HOSTS=["testserver"],
    TOKEN_ISSUER=os.environ["ISSUER"],
    TOKEN_AUDIENCE=os.environ["AUDIENCE"],
    TOKEN_ALGORITHM=os.environ["SIGNING_ALG"],
)
django.setup()

# snippet: django
import jwt
from django.conf import settings
from django.http import JsonResponse

# Made once: it fetches the keys again when a token names one that it does not know.
keys = jwt.PyJWKClient(settings.TOKEN_ISSUER + "/.well-known/jwks.json")


def verify(token):
    if jwt.get_unverified_header(token).get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("not an access token")
    return jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=[settings.TOKEN_ALGORITHM],
        issuer=settings.TOKEN_ISSUER,
        audience=settings.TOKEN_AUDIENCE,
        options={"require": ["exp", "iss", "aud", "sub", "client_id"]},
    )


class AccessTokenMiddleware:
    """Sets `request.claims`, or answers 401."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise jwt.InvalidTokenError("no access token")
            request.claims = verify(token)
        except jwt.PyJWTError:
            return JsonResponse({"error": "invalid_token"}, status=401, headers={"WWW-Authenticate": "Bearer"})
        return self.get_response(request)
# end


def invoices(request):
    return JsonResponse({"client": request.claims["client_id"], "scope": request.claims["scope"]})


def ask(authorization):
    headers = {"Authorization": authorization} if authorization else {}
    return AccessTokenMiddleware(invoices)(RequestFactory().get("/invoices", headers=headers))


good = ask("Bearer " + os.environ["TOKEN"])
assert good.status_code == 200, good.content
assert os.environ["CLIENT_ID"].encode() in good.content and b"invoices.read" in good.content
for name in ["TOKEN_FOR_ANOTHER", "TOKEN_FORGED", "TOKEN_OF_ANOTHER_TYPE"]:
    refused = ask("Bearer " + os.environ[name])
    assert refused.status_code == 401, name
    assert refused["WWW-Authenticate"] == "Bearer"
for nothing in ["", "Bearer", "Bearer x", "Basic " + os.environ["TOKEN"]]:
    assert ask(nothing).status_code == 401, nothing
