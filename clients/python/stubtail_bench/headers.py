"""Request headers in HPACK: written out once on a connection, then named by their index.

That is what real clients do. An encoder belongs to one connection, as the table of its peer does.
"""

from collections.abc import Sequence

Header = tuple[str, str]

# Places of names in the static table (RFC 7541, appendix A).
_STATIC_NAMES = {":authority": 1, ":path": 4, "content-type": 31, "user-agent": 58}
_FIRST_INDEX = 62  # of the dynamic table, where the newest entry is
_ENTRY_BYTES = 32  # that an entry costs on top of its text (RFC 7541, 4.1)
_TABLE_BYTES = 4_096  # of a peer's table where it says nothing else, and all that is used of it
_POST = (":method", "POST")
_SCHEMES = {False: (":scheme", "http"), True: (":scheme", "https")}
_STATIC = {_POST: b"\x83", _SCHEMES[False]: b"\x86", _SCHEMES[True]: b"\x87"}
_ALWAYS: tuple[Header, ...] = (
    ("content-type", "application/grpc"),
    ("user-agent", "stubtail-bench"),
    ("te", "trailers"),
)


def request_headers(
    path: str,
    metadata: Sequence[Header] = (),
    *,
    tls: bool = False,
    authority: str = "localhost",
) -> tuple[Header, ...]:
    """All headers of a call; gateways choose a server by its `authority`."""
    named = (":authority", authority)
    return (_POST, _SCHEMES[tls], (":path", path), named, *_ALWAYS, *metadata)


class HeaderTable:
    """The peer's dynamic table as it is after all blocks so far."""

    def __init__(self) -> None:
        self._entries: list[Header] = []  # oldest first
        self._bytes = 0
        self._room = _TABLE_BYTES  # that the peer believes us to use
        self.changes = 0  # so far; a block encoded before one names wrong indexes now

    def encode(self, headers: Sequence[Header], table_bytes: int = _TABLE_BYTES) -> bytes:
        """The block of a request; what the table does not have yet is added while it fits.

        Args:
            headers: Of the request.
            table_bytes: Of the peer's table.
        """
        room = min(table_bytes, _TABLE_BYTES)
        block = []
        if room != self._room:  # a peer with a smaller table must be told so (RFC 7541, 4.2)
            if self._entries:
                block.append(_integer(0x20, 5, 0))  # and forgets all that would not fit
                self._entries.clear()
                self._bytes = 0
            block.append(_integer(0x20, 5, room))
            self._room = room
            self.changes += 1
        for name, value in headers:
            if (name, value) in _STATIC:
                block.append(_STATIC[name, value])
                continue
            if (name, value) in self._entries:
                newer = len(self._entries) - 1 - self._entries.index((name, value))
                block.append(_integer(0x80, 7, _FIRST_INDEX + newer))
                continue
            size = len(name) + len(value) + _ENTRY_BYTES
            fits = self._bytes + size <= room
            known = _STATIC_NAMES.get(name, 0)
            block.append(_integer(0x40, 6, known) if fits else _integer(0x00, 4, known))
            if not known:
                block.append(_string(name))
            block.append(_string(value))
            if fits:
                self._entries.append((name, value))
                self._bytes += size
                self.changes += 1
        return b"".join(block)


def _integer(pattern: int, bits: int, value: int) -> bytes:
    """An integer after the high bits of `pattern` (RFC 7541, 5.1)."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([pattern | value])
    encoded = [pattern | limit]
    value -= limit
    while value >= 128:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def _string(text: str) -> bytes:
    raw = text.encode()
    return _integer(0x00, 7, len(raw)) + raw
