"""Server-sent events from bytes, piece by piece; pure.

Follows the parsing rules of the HTML standard (section 9.2) for what language model providers
send: lines end with LF, CRLF or CR, `data:` lines of one event are joined by LF, comments and other
fields but `event` are dropped. An event without its blank line at the end of the stream is none.
"""

from typing import NamedTuple

BOM = b"\xef\xbb\xbf"


class EventTooLargeError(ValueError):
    """An event is larger than the bound."""


class ServerEvent(NamedTuple):
    """One event: its type (empty where none was given) and its data."""

    kind: bytes
    data: bytes


class EventParser:
    """Takes bytes as they come, in any pieces; the events are the same however they were cut.

    Args:
        event_bytes_max: largest event, and largest line, bytes.
    """

    def __init__(self, event_bytes_max: int) -> None:
        self._event_bytes_max = event_bytes_max
        self._tail: list[bytes] = []  # the line that has not ended, in pieces
        self._tail_bytes = 0
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._kind = b""
        self._started = False
        self._after_cr = False  # the last line ended with CR: an LF that follows belongs to it

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """The events that end in this piece.

        Raises:
            EventTooLargeError: an event or a line is larger than the bound.
        """
        if self._started and piece[:6] == b"data: " and self._is_whole(piece):
            return [ServerEvent(b"", piece[6:-2])]
        if self._after_cr and piece:
            self._after_cr = False
            if piece[:1] == b"\n":
                piece = piece[1:]
        if b"\n" not in piece and b"\r" not in piece:
            # Joined only where the line ends: a huge line in small pieces must not cost its square.
            self._keep(piece)
            return []
        text = b"".join((*self._tail, piece))
        self._tail, self._tail_bytes = [], 0
        if not self._started:
            self._started = True
            text = text.removeprefix(BOM)
        if b"\r" in text:
            self._after_cr = text.endswith(b"\r")
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = text.split(b"\n")
        self._keep(rest)
        events: list[ServerEvent] = []
        for line in lines:
            self._take(line, events)
        return events

    def _is_whole(self, piece: bytes) -> bool:
        """Whether a piece is one event of one line, as most are, and nothing has begun before it.

        What begins with `data: ` cannot be the LF of a CR before it.
        """
        if not piece.endswith(b"\n\n") or piece.find(b"\n") != len(piece) - 2 or b"\r" in piece:
            return False
        if self._tail or self._data or self._kind or len(piece) > self._event_bytes_max:
            return False
        self._after_cr = False
        return True

    def _take(self, line: bytes, events: list[ServerEvent]) -> None:
        if not line:
            if self._data:
                events.append(ServerEvent(self._kind, b"\n".join(self._data)))
            self._data, self._data_bytes, self._kind = [], 0, b""
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            value = value.removeprefix(b" ")
            self._data_bytes += len(value) + 1
            self._check(self._data_bytes)
            self._data.append(value)
        elif name == b"event":
            self._check(len(value))
            self._kind = value.removeprefix(b" ")

    def _keep(self, piece: bytes) -> None:
        self._tail_bytes += len(piece)
        self._check(self._tail_bytes)
        if piece:
            self._tail.append(piece)

    def _check(self, size_bytes: int) -> None:
        if size_bytes > self._event_bytes_max:
            raise EventTooLargeError(f"an event has more than {self._event_bytes_max} bytes")
