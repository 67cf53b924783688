"""OpenID Connect: who the person is that consented, signed so that a client can check it."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from qbo_client.emulator.grants import Tokens

SUBJECT = "00000000-0000-4000-8000-000000000001"
KEY_ID = "emulator-1"
LIFE = timedelta(hours=1)
_EXPONENT, _BITS = 65537, 2048
_CLAIMS: Mapping[str, Mapping[str, Any]] = {
    "openid": {"sub": SUBJECT},
    "email": {"email": "emulator@example.com", "emailVerified": True},
    "profile": {"givenName": "Emma", "familyName": "Lator"},
    "phone": {"phoneNumber": "+1 555 0100", "phoneNumberVerified": True},
    "address": {"address": {"streetAddress": "1 Emulated Street", "locality": "Emulation", "country": "US"}},
}


def userinfo(scope: str) -> dict[str, Any]:
    """What each scope lets an application know."""
    asked = scope.split()
    return {claim: value for name, claims in _CLAIMS.items() if name in asked for claim, value in claims.items()}


class Identity:
    """Signs with a key of its own, made when first needed and gone with the process."""

    @cached_property
    def _key(self) -> RSAPrivateKey:
        return generate_private_key(_EXPONENT, _BITS)

    def token(self, *, issuer: str, audience: str, tokens: Tokens, now: datetime) -> str:
        claims = {
            "iss": issuer,
            "sub": SUBJECT,
            "aud": [audience],
            "iat": int(now.timestamp()),
            "exp": int((now + LIFE).timestamp()),
            "auth_time": int(now.timestamp()),
            "realmid": tokens.realm_id,
        }
        if tokens.nonce is not None:
            claims["nonce"] = tokens.nonce
        signed = f"{_part({'alg': 'RS256', 'kid': KEY_ID, 'typ': 'JWT'})}.{_part(claims)}"
        return f"{signed}.{_text(self._key.sign(signed.encode(), PKCS1v15(), SHA256()))}"

    def jwks(self) -> dict[str, Any]:
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID}
        return {"keys": [{**key, "n": _number(numbers.n), "e": _number(numbers.e)}]}


def _part(value: Mapping[str, Any]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
