"""Just enough HTTP/2 to misbehave: requests that are reset at once, and what the server says."""

import socket
import struct
from typing import Final, NamedTuple

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0x1, 0x3, 0x4, 0x7
END_HEADERS: Final = 0x4
CANCEL: Final = 0x8
FRAME_HEAD_BYTES: Final = 9


class Frame(NamedTuple):
    """One frame: its type, stream and payload."""

    kind: int
    stream: int
    payload: bytes


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """The bytes of a frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def request_head(path: str, authority: str) -> bytes:
    """The header block of a gRPC call, in literals that need no table (RFC 7541, 6.2.2)."""
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": authority,
        "content-type": "application/grpc",
        "te": "trailers",
    }
    return b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields.items())


def _text(text: str) -> bytes:
    assert len(text) < 127
    return bytes([len(text)]) + text.encode()


def reset_calls(address: str, path: str, count: int, timeout_s: float = 5.0) -> list[Frame]:
    """Starts so many calls on one connection, each cancelled at once, in one write.

    Returns:
        All frames until the server closes the connection or is silent for `timeout_s`.
    """
    host, _, port = address.rpartition(":")
    head = request_head(path, address)
    sent = [PREFACE, frame(SETTINGS, 0, 0)]
    for number in range(count):
        stream = 2 * number + 1
        sent.append(frame(HEADERS, END_HEADERS, stream, head))
        sent.append(frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL)))
    with socket.create_connection((host, int(port)), timeout_s) as peer:
        peer.sendall(b"".join(sent))
        return list(_frames(peer))


def _frames(peer: socket.socket) -> list[Frame]:
    data = b""
    try:
        while part := peer.recv(65536):
            data += part
    except (TimeoutError, ConnectionResetError):
        pass  # silent, or closed while we still had something to say
    found = []
    while len(data) >= FRAME_HEAD_BYTES:
        size = int.from_bytes(data[:3], "big")
        stream = int.from_bytes(data[5:9], "big")
        end = FRAME_HEAD_BYTES + size
        found.append(Frame(data[3], stream, data[FRAME_HEAD_BYTES:end]))
        data = data[end:]
    return found
