"""Issuers of tokens for tests: their keys, what they publish and what they sign."""

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from stubtail.access.jwks import KeySet, parse_keys

ISSUER = "https://idp.example"
AUDIENCE = "stubtail"
ALGORITHMS = ("ES256", "RS256", "EdDSA")
_MAKERS: dict[str, Any] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


class Signer:
    """One key of an issuer."""

    def __init__(self, algorithm: str = "ES256", key_id: str = "k1") -> None:
        self.algorithm = algorithm
        self.key_id = key_id
        self.private = _MAKERS[algorithm]()

    def published(self, **more: Any) -> dict[str, Any]:
        """The public key as a JWK."""
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        public: Any = algorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.key_id, "use": "sig", **more}

    def token(self, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token that is good for an hour, but for what the claims say; None leaves one out."""
        now = time.time()
        said = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "alice",
            "iat": now,
            "exp": now + 3600,
            "scope": "openid stubtail:predict stubtail:read",
            **claims,
        }
        body = {name: value for name, value in said.items() if value is not None}
        kid: dict[str, Any] = {"kid": self.key_id} if self.key_id else {}
        return jwt.encode(
            body, self.private, algorithm=self.algorithm, headers={**kid, **(headers or {})}
        )


def document(*signers: Signer) -> bytes:
    """What an issuer with these keys publishes."""
    return json.dumps({"keys": [signer.published() for signer in signers]}).encode()


def key_set(*signers: Signer) -> KeySet:
    """These keys as a server knows them."""
    keys = KeySet(every_s=300.0, pause_s=30.0)
    keys.replace(parse_keys(document(*signers), ALGORITHMS))
    return keys
