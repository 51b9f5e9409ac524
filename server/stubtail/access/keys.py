"""API keys: how they look, how they are kept, and how one is recognised; pure.

A key is `stk_<id>_<secret>`: the id finds the entry, the secret has 256 random bits. Only its
SHA-256 is kept. A slow hash would defend guessable passwords; against 256 bits it adds nothing but
50 ms to a call.
"""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from math import inf
from typing import Final, Generic, TypeVar

PREFIX: Final = "stk_"
_KEY: Final = re.compile(rb"stk_([a-z0-9]{8})_[A-Za-z0-9_-]{43}")
_HASH: Final = re.compile(r"([a-z0-9]{8}):([0-9a-f]{64})")
_ID_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_NOBODY: Final = sha256(b"no key has this hash").digest()

Owner = TypeVar("Owner")


@dataclass(frozen=True, slots=True)
class KeyHash:
    """What is kept of a key: its id and the SHA-256 of all of it."""

    key_id: str
    digest: bytes

    def __str__(self) -> str:
        return f"{self.key_id}:{self.digest.hex()}"


def new_key() -> tuple[str, KeyHash]:
    """A new key, to be shown once, and what is kept of it."""
    key_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(8))
    key = f"{PREFIX}{key_id}_{secrets.token_urlsafe(32)}"
    return key, KeyHash(key_id, sha256(key.encode()).digest())


def parse_hash(text: str) -> KeyHash:
    """What `stubtail keys new` printed for the settings.

    Raises:
        ValueError: it does not look like that; the text is not repeated, as it may be a key.
    """
    found = _HASH.fullmatch(text)
    if found is None:
        raise ValueError("the hash of a key is <id>:<64 hex digits>, as `stubtail keys new` prints")
    return KeyHash(found[1], bytes.fromhex(found[2]))


def looks_like_key(credential: bytes) -> bool:
    """Whether it is to be read as a key rather than as a token."""
    return credential.startswith(b"stk_")


class KeyRing(Generic[Owner]):
    """All keys, by their ids.

    Args:
        entries: for each owner the hashes of its live keys and the second at which they end
            (of the clock that `find` is asked with; infinite for never).
    """

    def __init__(self, entries: Iterable[tuple[Owner, Sequence[KeyHash], float]]) -> None:
        by_id: dict[bytes, tuple[bytes, Owner, float]] = {}
        for owner, hashes, ends_s in entries:
            for one in hashes:
                by_id[one.key_id.encode()] = (one.digest, owner, ends_s)
        self._by_id: Mapping[bytes, tuple[bytes, Owner, float]] = by_id

    def find(self, key: bytes) -> tuple[Owner, float] | None:
        """The owner of a key and when it ends; None for what is no key of this ring.

        An id that is not known and a secret that is wrong take the same steps, so that the time
        does not tell which ids there are.
        """
        found = _KEY.fullmatch(key)
        key_id = found[1] if found is not None else b""
        digest, owner, ends_s = self._by_id.get(key_id, (_NOBODY, None, inf))
        same = compare_digest(sha256(key).digest(), digest)
        return (owner, ends_s) if same and owner is not None else None
