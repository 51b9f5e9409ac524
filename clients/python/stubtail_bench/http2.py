"""The client's half of gRPC over HTTP/2 without a socket: bytes in, replies out, cheap per call.

Only what a load generator needs: requests are encoded before the clock starts, replies are counted
by their END_STREAM and believed only with `grpc-status: 0`. Header blocks are decoded by `hpack`
once; the same bytes mean the same headers until the peer's dynamic table changes.
"""

from operator import is_not
from struct import Struct
from urllib.parse import unquote

import grpc
import hpack

DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE = 0, 1, 3, 4, 5
PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
CANCEL = 8  # the error code of a stream that its client gave up

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
OK = "OK"
_NO_STATUS = "HTTP without a status"
_HEALTHY = "HTTP 200"  # what the headers before an answer say
PREFIX_BYTES = 5  # gRPC's frame before each message

_FRAME = Struct(">IBI")  # (length << 8 | kind), flags, stream id
_SETTING = Struct(">HI")
_UINT32 = Struct(">I")
_HEADER_TABLE_SIZE, _ENABLE_PUSH, _MAX_STREAMS, _INITIAL_WINDOW = 1, 2, 3, 4
_DEFAULT_WINDOW = 65_535
_FRAME_END = 1 << 24  # bytes, the first number that no frame has
_STREAM_WINDOW = 1 << 24  # bytes of one reply before the peer must wait
_STREAM_TURN = _STREAM_WINDOW // 2  # after so many it may send as many more
_CONNECTION_WINDOW = 1 << 30  # bytes of all replies; topped up at half of it
_MOST_BLOCKS = 1_000  # remembered header blocks; a healthy peer sends two
_STATUS_NAMES = {str(code.value[0]): code.name for code in grpc.StatusCode}

Reply = tuple[int, str, bytes]
"""Stream id, outcome (`OK`, or the status with its message), body (5-byte prefix and message)."""


class ProtocolError(Exception):
    """The peer sent what this client does not understand, or allows too little to measure it."""


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """One HTTP/2 frame in wire form."""
    return _FRAME.pack(len(payload) << 8 | kind, flags, stream_id) + payload


def frame_start(length: int, kind: int, flags: int) -> bytes:
    """The five bytes of a frame before its stream id."""
    return _FRAME.pack(length << 8 | kind, flags, 0)[:5]


class Connection:
    """What one connection knows of its peer. `out` collects the frames that must be sent.

    Attributes:
        ready: Whether the peer's settings have arrived.
        window: Bytes of DATA that the peer takes now.
        max_streams: Calls that the peer takes at once.
        header_table_bytes: That the peer remembers of headers.
        last_stream: After GOAWAY the last stream that the peer will answer, else None.
    """

    def __init__(self) -> None:
        settings = b"".join(
            _SETTING.pack(*pair) for pair in ((_ENABLE_PUSH, 0), (_INITIAL_WINDOW, _STREAM_WINDOW))
        )
        grow = _UINT32.pack(_CONNECTION_WINDOW - _DEFAULT_WINDOW)
        self.out = [PREFACE, frame(SETTINGS, 0, 0, settings), frame(WINDOW_UPDATE, 0, 0, grow)]
        self.ready = False
        self.window = _DEFAULT_WINDOW
        self.stream_window = _DEFAULT_WINDOW
        self.max_streams = 1 << 31
        self.header_table_bytes = 4_096
        self.last_stream: int | None = None
        self._rest = b""
        self._received = 0
        self._bodies: dict[int, bytes | bytearray] = {}
        self._odd: dict[int, str] = {}  # answers that are not of gRPC, such as a gateway's own
        self._decoder = hpack.Decoder()
        self._known: dict[bytes, str] = {}
        self._usual: _Usual | None = None
        self._initial = b""

    def feed(self, data: bytes) -> list[Reply]:
        """Takes what the socket gave and returns the calls that ended in it.

        Raises:
            ProtocolError: The peer uses a part of HTTP/2 that no gRPC server needs.
        """
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        replies: list[Reply] = []
        while end - at >= 9:
            if self._usual is not None:
                before = len(replies)
                at = self._usual.take(data, at, replies)
                self._count((len(replies) - before) * self._usual.body_bytes)
                if end - at < 9:
                    break
            word, flags, stream_id = _FRAME.unpack_from(data, at)
            start = at + 9
            stop = start + (word >> 8)
            if stop > end:
                break
            kind = word & 0xFF
            if kind == DATA:
                self._take_body(stream_id, flags, data[start:stop], replies)
            elif kind == HEADERS:
                self._take_headers(stream_id, flags, data[start:stop], replies)
            else:
                self._control(kind, flags, stream_id, data[start:stop], replies)
            at = stop
        self._rest = data[at:]
        return replies

    def _take_body(self, stream_id: int, flags: int, body: bytes, replies: list[Reply]) -> None:
        if flags:
            if flags & PADDED:
                raise ProtocolError("padded DATA frame")
            self._bodies.pop(stream_id, None)
            replies.append((stream_id, self._odd.pop(stream_id, "ended without a status"), body))
            return
        before = self._bodies.get(stream_id)
        if before is None:
            self._bodies[stream_id] = body
        else:
            self._append(stream_id, before, body)
        self._count(len(body))

    def _append(self, stream_id: int, before: bytes | bytearray, body: bytes) -> None:
        """Takes one more piece of a reply; the peer may send as many as it has."""
        turns = len(before) // _STREAM_TURN
        if isinstance(before, bytes):
            before = self._bodies[stream_id] = bytearray(before)
        before += body
        if len(before) // _STREAM_TURN > turns:
            self.out.append(frame(WINDOW_UPDATE, 0, stream_id, _UINT32.pack(_STREAM_TURN)))

    def _count(self, size: int) -> None:
        """Counts bytes of replies; the peer may send as many more when half of them are used."""
        self._received += size
        if self._received > _CONNECTION_WINDOW // 2:
            self.out.append(frame(WINDOW_UPDATE, 0, 0, _UINT32.pack(self._received)))
            self._received = 0

    def _take_headers(self, stream_id: int, flags: int, block: bytes, replies: list[Reply]) -> None:
        outcome = self._known.get(block) or self._decode(block, flags)
        if not flags & END_STREAM:
            self._initial = block
            if outcome != _HEALTHY:  # nor is OK one before the end: only trailers are believed
                self._odd[stream_id] = _NO_STATUS if outcome == OK else outcome
            return
        body = bytes(self._bodies.pop(stream_id, b""))
        odd = self._odd.pop(stream_id, "") if self._odd else ""
        if odd and outcome == _NO_STATUS:
            outcome = odd
        replies.append((stream_id, outcome, body))
        usual = outcome == OK and len(body) < _FRAME_END
        if usual and block in self._known and self._initial in self._known:
            self._usual = _Usual(self._initial, len(body), block)

    def _decode(self, block: bytes, flags: int) -> str:
        """The outcome that a header block states; remembers it when decoding it changed nothing."""
        if flags & (PADDED | PRIORITY) or not flags & END_HEADERS:
            raise ProtocolError("padded, prioritised or continued HEADERS frame")
        before = tuple(self._decoder.header_table.dynamic_entries)
        headers = {str(name): str(value) for name, value in self._decoder.decode(block)}
        after = tuple(self._decoder.header_table.dynamic_entries)
        changed = len(before) != len(after) or any(map(is_not, before, after))
        if changed or len(self._known) >= _MOST_BLOCKS:
            self._known.clear()  # indexes may point elsewhere from now on
            self._usual = None
        outcome = _outcome(headers)
        if not changed:
            self._known[block] = outcome
        return outcome

    def _control(
        self, kind: int, flags: int, stream_id: int, payload: bytes, replies: list[Reply]
    ) -> None:
        if kind == SETTINGS and not flags & ACK:
            self._apply_settings(payload)
        elif kind == PING and not flags & ACK:
            self.out.append(frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE and stream_id == 0:
            self.window += _UINT32.unpack(payload)[0]
        elif kind == RST_STREAM:
            self._bodies.pop(stream_id, None)
            self._odd.pop(stream_id, None)
            replies.append((stream_id, f"RST_STREAM {_UINT32.unpack(payload)[0]}", b""))
        elif kind == GOAWAY:
            self.last_stream = _UINT32.unpack_from(payload)[0]
        elif kind in {PUSH_PROMISE, CONTINUATION}:
            raise ProtocolError(f"frame of kind {kind}")

    def _apply_settings(self, payload: bytes) -> None:
        for identifier, value in _SETTING.iter_unpack(payload):
            if identifier == _HEADER_TABLE_SIZE:
                if value < 1024:
                    raise ProtocolError(f"the peer remembers only {value} bytes of headers")
                self.header_table_bytes = value
            elif identifier == _MAX_STREAMS:
                self.max_streams = value
            elif identifier == _INITIAL_WINDOW:
                self.stream_window = value
        self.out.append(frame(SETTINGS, ACK, 0))
        self.ready = True

    def cancel(self, stream_id: int) -> None:
        """Tells the peer that nobody waits for this stream."""
        self._bodies.pop(stream_id, None)
        self._odd.pop(stream_id, None)
        self.out.append(frame(RST_STREAM, 0, stream_id, _UINT32.pack(CANCEL)))


class _Usual:
    """The shape of the last OK reply, to take the next ones of the same shape in one step each.

    It halves the cost of a reply. Anything that differs in one byte is left to the careful way.
    """

    def __init__(self, initial: bytes, body_bytes: int, trailers: bytes) -> None:
        head, tail = len(initial), len(trailers)
        layout = Struct(f">5sI{head + 5}sI{body_bytes}s5sI{tail}s")
        self._unpack = layout.unpack_from
        self._size = layout.size
        self.body_bytes = body_bytes
        self._first = frame_start(head, HEADERS, END_HEADERS)
        self._second = initial + frame_start(body_bytes, DATA, 0)
        self._third = frame_start(tail, HEADERS, END_HEADERS | END_STREAM)
        self._trailers = trailers

    def take(self, data: bytes, at: int, replies: list[Reply]) -> int:
        """Takes replies from `data` while they have this shape; where the rest begins."""
        unpack, size, first, second = self._unpack, self._size, self._first, self._second
        third, trailers = self._third, self._trailers
        last = len(data) - size
        while at <= last:
            one, stream, two, same, body, three, also, four = unpack(data, at)
            if (
                four != trailers
                or two != second
                or one != first
                or three != third
                or not stream == same == also
            ):
                break
            replies.append((stream, OK, body))
            at += size
        return at


def _outcome(headers: dict[str, str]) -> str:
    status = headers.get("grpc-status")
    if status is None:
        return f"HTTP {headers[':status']}" if ":status" in headers else _NO_STATUS
    if status == "0":
        return OK
    name = _STATUS_NAMES.get(status, f"status {status}")
    return f"{name}: {unquote(headers.get('grpc-message', ''))}"
