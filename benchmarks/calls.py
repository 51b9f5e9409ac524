"""Pools of gRPC calls, encoded into HTTP/2 frames before the clock starts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stubtail_bench.http2 import DATA, END_HEADERS, END_STREAM, HEADERS, frame_start

_MAX_FRAME = 16_384  # every peer must accept this much


@dataclass(frozen=True, slots=True)
class Request:
    """One call in wire form: `pieces` joined by the four bytes of the stream id.

    Attributes:
        pieces: Frames cut where each frame's stream id belongs.
        size: Bytes that count against the peer's flow-control windows.
    """

    pieces: tuple[bytes, ...]
    size: int

    def wire(self, stream_id: int) -> bytes:
        """The frames of this call on `stream_id`."""
        return stream_id.to_bytes(4, "big").join(self.pieces)


def encode_request(block: bytes, message: bytes) -> Request:
    """A HEADERS frame with `block`, and `message` in as many DATA frames as it needs."""
    body = b"\0" + len(message).to_bytes(4, "big") + message
    chunks = [body[at : at + _MAX_FRAME] for at in range(0, len(body), _MAX_FRAME)]
    pieces = [frame_start(len(block), HEADERS, END_HEADERS), block]
    for number, chunk in enumerate(chunks, start=1):
        pieces[-1] += frame_start(len(chunk), DATA, END_STREAM if number == len(chunks) else 0)
        pieces.append(chunk)
    return Request(tuple(pieces), len(body))


class Calls:
    """A pool of encoded calls of one method, to be sent in turn.

    A connection's first call (`opening`) puts its headers into the peer's dynamic table, so that
    every later one names them by index, as real clients do.
    """

    def __init__(
        self,
        path: str,
        messages: Iterable[bytes],
        *,
        extra: Sequence[tuple[str, str]] = (),
        spelled: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Encodes `messages` for the method `path`, with request metadata.

        What is `spelled` out stands in every call, as grpc-core sends what it does not know.
        """
        self.path = path
        self.messages = list(messages)
        opening, steady = header_blocks(path, extra)
        literal = b"".join(b"\x00" + _string(name) + _string(value) for name, value in spelled)
        opening, steady = opening + literal, steady + literal
        self.opening = encode_request(opening, self.messages[0])
        self.requests = [encode_request(steady, message) for message in self.messages]


def header_blocks(path: str, extra: Sequence[tuple[str, str]] = ()) -> tuple[bytes, bytes]:
    """The HPACK blocks of a connection's first call and of all later ones."""
    static = b"\x83\x86"  # :method POST, :scheme http
    entries = [
        b"\x44" + _string(path),  # :path; the low bits are the name's place in the static table
        b"\x41" + _string("localhost"),  # :authority
        b"\x5f" + _string("application/grpc"),  # content-type
        b"\x7a" + _string("stubtail-benchmarks"),  # user-agent
        b"\x40" + _string("te") + _string("trailers"),
        *(b"\x40" + _string(name) + _string(value) for name, value in extra),
    ]
    newest = 62  # the first index after the static table
    indexes = range(newest + len(entries) - 1, newest - 1, -1)
    return static + b"".join(entries), static + bytes(0x80 | index for index in indexes)


def _string(text: str) -> bytes:
    raw = text.encode()
    if len(raw) < 127:
        return bytes([len(raw)]) + raw
    rest, prefix = len(raw) - 127, bytearray([127])  # an integer with a prefix of 7 bits, RFC 7541
    while rest > 127:
        prefix.append(0x80 | rest & 0x7F)
        rest >>= 7
    prefix.append(rest)
    return bytes(prefix) + raw
