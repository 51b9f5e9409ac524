"""Keys and tokens for benchmarks of access, and the settings of a server that knows them."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from stubtail.access.keys import new_key

ISSUER, AUDIENCE = "https://idp.example", "stubtail"


class Credentials:
    """Keys and tokens with the settings of a server that knows them.

    Args:
        folder: for the files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        private = ec.generate_private_key(ec.SECP256R1())
        self._stranger = ec.generate_private_key(ec.SECP256R1())
        self._private = private
        public: Any = jwt.get_algorithm_by_name("ES256").to_jwk(private.public_key(), as_dict=True)
        jwks = folder / "jwks.json"
        jwks.write_text(json.dumps({"keys": [{**public, "kid": "k1", "use": "sig"}]}))
        (self.key, kept), (self.other, other), (self.past, past) = (new_key() for _ in range(3))
        self._callers = f"""
[access.keys.good]
hashes = ["{kept}"]
tenant = "good"
scopes = ["stubtail:predict", "stubtail:read"]
[access.keys.flood]
hashes = ["{other}"]
tenant = "flood"
scopes = ["stubtail:predict"]
[access.keys.past]
hashes = ["{past}"]
expires = "2020-01-31"
[access.issuers.corp]
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
tenant = "good"
jwks_file = {json.dumps(str(jwks))}
"""

    def token(self, *, forged: bool = False, **claims: Any) -> str:
        """A token; `forged` signs it with another key than the issuer's."""
        body = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": time.time() + 3600}
        body |= {"scope": "openid profile stubtail:predict stubtail:read", **claims}
        key = self._stranger if forged else self._private
        return jwt.encode(body, key, algorithm="ES256", headers={"kid": "k1"})

    def config(self, quota: float = 0.0) -> Path:
        """The settings; `quota` is that of the tenant `flood`, calls a second."""
        path = self._folder / "stubtail.toml"
        limits = f"[access.tenants.flood]\ncalls_per_s = {quota:.1f}\nburst = 10\n" if quota else ""
        path.write_text(self._callers + limits)
        return path
