"""Answers that are kept for a while: bounded in number, bytes and age; pure.

What was used longest ago goes first. The time is passed in: monotonic seconds.
"""

from collections import OrderedDict
from typing import Final, NamedTuple

ENTRY_BYTES: Final = 256  # a key, its place in the order, and the objects around an answer


class Kept(NamedTuple):
    """One answer and when it was made."""

    value: bytes
    made_s: float


class Store:
    """Answers by their keys.

    Args:
        ttl_s: how long one is kept, seconds.
        entries_max: how many are kept.
        bytes_max: of all together, what is around them included.
        entry_bytes_max: of one; a larger one is not kept.
    """

    def __init__(
        self, *, ttl_s: float, entries_max: int, bytes_max: int, entry_bytes_max: int
    ) -> None:
        self._ttl_s = ttl_s
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self._entry_bytes_max = entry_bytes_max
        self._entries: OrderedDict[bytes, Kept] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes, now_s: float, max_age_s: float | None = None) -> bytes | None:
        """The answer, if it is young enough for the settings and for this caller."""
        kept = self._entries.get(key)
        if kept is None:
            return None
        age_s = now_s - kept.made_s
        if age_s >= self._ttl_s:
            self._drop(key)
            return None
        if max_age_s is not None and age_s > max_age_s:
            return None
        self._entries.move_to_end(key)
        return kept.value

    def put(self, key: bytes, value: bytes, now_s: float) -> bool:
        """Keeps an answer in place of an older one; whether it is small enough."""
        if key in self._entries:
            self._drop(key)
        if len(value) > self._entry_bytes_max or len(value) + ENTRY_BYTES > self._bytes_max:
            return False
        self._entries[key] = Kept(value, now_s)
        self.size_bytes += len(value) + ENTRY_BYTES
        while len(self._entries) > self._entries_max or self.size_bytes > self._bytes_max:
            self._drop(next(iter(self._entries)))
        return True

    def _drop(self, key: bytes) -> None:
        self.size_bytes -= len(self._entries.pop(key).value) + ENTRY_BYTES
