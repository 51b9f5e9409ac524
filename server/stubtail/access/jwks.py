"""The keys that an issuer publishes (RFC 7517), and when to ask for them again; pure."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from jwt import PyJWK
from jwt.exceptions import PyJWTError

DOCUMENT_BYTES_MAX: Final = 256 * 1024  # a set has a few keys of some hundred bytes
KEYS_MAX: Final = 64
KEY_ID_CHARACTERS_MAX: Final = 256
# Which algorithms a kind of key can have (RFC 7518, 8037); symmetric ones are never published.
_OF_KIND: Final = {
    ("RSA", ""): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key and the algorithms that its issuer signs with it."""

    key: Any
    algorithms: Collection[str]


def parse_keys(document: bytes, algorithms: Collection[str]) -> dict[str, PublicKey]:
    """The keys of a set, by their ids, that fit one of the algorithms; others are passed over.

    Raises:
        ValueError: it is no set of keys, or none of them can be used.
    """
    if len(document) > DOCUMENT_BYTES_MAX:
        raise ValueError(f"the set of keys has more than {DOCUMENT_BYTES_MAX} bytes")
    try:
        entries = json.loads(document)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("it is no JSON object with `keys`") from error
    if not isinstance(entries, list):
        raise ValueError("`keys` is no list")  # noqa: TRY004 - it is the document's value
    keys: dict[str, PublicKey] = {}
    for entry in entries[:KEYS_MAX]:
        key = _parse_key(entry, algorithms) if isinstance(entry, dict) else None
        if key is not None:
            keys[str(entry.get("kid", ""))[:KEY_ID_CHARACTERS_MAX]] = key
    if not keys:
        raise ValueError(f"it has no key for {', '.join(sorted(algorithms))}")
    return keys


def _parse_key(entry: Mapping[str, Any], algorithms: Collection[str]) -> PublicKey | None:
    kind = (str(entry.get("kty")), "" if entry.get("kty") == "RSA" else str(entry.get("crv")))
    usable = [name for name in _OF_KIND.get(kind, ()) if name in algorithms]
    if "alg" in entry:
        usable = [name for name in usable if name == entry["alg"]]
    if not usable or entry.get("use", "sig") != "sig":
        return None
    try:
        return PublicKey(PyJWK(dict(entry), algorithm=usable[0]).key, tuple(usable))
    except (PyJWTError, ValueError, TypeError):
        return None


class KeySet:
    """The keys of one issuer as they are known; old ones stay when new ones cannot be had.

    Args:
        every_s: how old they may become before they are asked for again.
        pause_s: least time between two requests, whoever wants one: tokens with invented key ids
            must not become requests.
    """

    def __init__(self, every_s: float, pause_s: float) -> None:
        self._every_s = every_s
        self._pause_s = pause_s
        self._keys: Mapping[str, PublicKey] = {}
        self._asked_s = -inf
        self._wanted = False

    def find(self, key_id: str) -> PublicKey | None:
        """The key of that id; without an id, the only key. Notes that an unknown one is wanted."""
        keys = self._keys
        if not key_id and len(keys) == 1:
            return next(iter(keys.values()))
        key = keys.get(key_id)
        if key is None:
            self._wanted = True
        return key

    def wait_s(self, now: float) -> float:
        """How long until the keys are to be asked for; 0 for now."""
        gap_s = self._pause_s if self._wanted or not self._keys else self._every_s
        return max(self._asked_s + max(gap_s, self._pause_s) - now, 0.0)

    def asked(self, now: float) -> None:
        """A request is made now, however it ends."""
        self._asked_s = now
        self._wanted = False

    def replace(self, keys: Mapping[str, PublicKey]) -> None:
        """The issuer published these; what it no longer does is not accepted any more."""
        self._keys = keys
