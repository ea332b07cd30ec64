"""A platform whose workload logs in with a token: its keys and its signature by OpenSSL. Knows nothing of the service."""

import base64
import json
import subprocess
import time

from machinery import Failure

KEYS = {"ES256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "RS256": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*command, data=b""):
    done = subprocess.run(["openssl", *command], input=data, capture_output=True, check=False)
    if done.returncode:
        raise Failure(f"openssl {command[0]}: {done.stderr.decode()}")
    return done.stdout


class Platform:
    """An issuer with one key."""

    def __init__(self, folder, alg, issuer):
        self.alg, self.issuer = alg, issuer
        self.key = folder / f"platform-{alg}.pem"
        self.key.write_bytes(openssl("genpkey", *KEYS[alg]))
        self.key.chmod(0o600)

    def jwks(self):
        if self.alg == "RS256":
            text = openssl("rsa", "-in", str(self.key), "-modulus", "-noout").decode()
            modulus = bytes.fromhex(text.strip().partition("=")[2])
            key = {"kty": "RSA", "n": encoded(modulus), "e": "AQAB"}
        else:
            # A public key in DER ends with the point: 04, x, y.
            point = openssl("pkey", "-in", str(self.key), "-pubout", "-outform", "DER")[-64:]
            key = {"kty": "EC", "crv": "P-256", "x": encoded(point[:32]), "y": encoded(point[32:])}
        return json.dumps({"keys": [{**key, "kid": "bench", "alg": self.alg, "use": "sig"}]})

    def sign(self, subject, audience):
        """A token of an hour."""
        now = int(time.time())
        header = {"alg": self.alg, "kid": "bench", "typ": "JWT"}
        claims = {"iss": self.issuer, "sub": subject, "aud": audience, "iat": now, "exp": now + 3_600}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
        signature = openssl("dgst", "-sha256", "-sign", str(self.key), data=signed.encode())
        if self.alg == "ES256":
            signature = raw(signature)
        return f"{signed}.{encoded(signature)}"


def raw(der):
    """An ECDSA signature in DER as JWS has it (RFC 7518 section 3.4): r and s, 32 bytes each."""
    numbers, at = [], 2
    for _ in range(2):
        length = der[at + 1]
        number = int.from_bytes(der[at + 2:at + 2 + length], "big")
        numbers.append(number.to_bytes(32, "big"))
        at += 2 + length
    return b"".join(numbers)
