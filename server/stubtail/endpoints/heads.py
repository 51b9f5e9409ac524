"""Head cache: what a request says before its rows is parsed once, then recognised by its bytes.

A protobuf message is parsed from left to right, and serialisers write the rows last. Two requests
whose bytes are equal up to and including the length of that last field differ in nothing but the
rows. So the plan made from one serves the other exactly; a hit costs a slice and a dict look-up
instead of a parse and a validation (figures in ARCHITECTURE.md).
"""

from typing import Generic, TypeVar

ENTRIES_MAX = 4096  # a few hundred bytes each; an adversary can only cost us misses
HEAD_BYTES_MAX = 1024  # a longer head is rare and not worth its memory

Plan = TypeVar("Plan")


class HeadCache(Generic[Plan]):
    """Plans by the bytes of the head.

    Any thread may use it: a writer at worst loses what another wrote, and everything that is found
    is checked in full.
    """

    __slots__ = ("_head_bytes", "_plans")

    def __init__(self) -> None:
        self._head_bytes: dict[int, int] = {}  # by length of the request: where its rows begin
        self._plans: dict[bytes, tuple[int, Plan]] = {}  # with the length of the whole request

    @property
    def size(self) -> int:
        """How many heads are known."""
        return len(self._plans)

    def find(self, payload: bytes) -> tuple[Plan, bytes] | None:
        """The plan and the bytes of the rows, or None when the head is not known."""
        head_bytes = self._head_bytes.get(len(payload))
        if head_bytes is None:
            return None
        known = self._plans.get(payload[:head_bytes])
        # A head says how long its rows are. Heads for other numbers of rows can be as long as this
        # one, so a request of the wrong length must not pass for one of theirs.
        if known is None or known[0] != len(payload):
            return None
        return known[1], payload[head_bytes:]

    def remember(self, payload: bytes, rows_bytes: int, plan: Plan) -> None:
        """Keeps the plan of a request that ends with `rows_bytes` bytes of rows."""
        head_bytes = len(payload) - rows_bytes
        if head_bytes > HEAD_BYTES_MAX:
            return
        if len(self._plans) >= ENTRIES_MAX or len(self._head_bytes) >= ENTRIES_MAX:
            self.clear()
        self._head_bytes[len(payload)] = head_bytes
        self._plans[payload[:head_bytes]] = (len(payload), plan)

    def clear(self) -> None:
        """Forgets everything."""
        self._head_bytes = {}
        self._plans = {}
