"""Streams of language models as bytes: what came of one, over HTTP/1.1 or gRPC, without a socket.

Every piece of the upstream of this benchmark is a time of 20 digits and a blank, so a reader finds
the pieces without parsing JSON or protobuf, and costs next to nothing beside what is measured.
"""

import re
from struct import Struct
from typing import Final, Protocol

import hpack

from benchmarks.errors import WrongAnswerError
from stubtail.v1 import llm_pb2
from stubtail_bench.headers import HeaderTable, request_headers
from stubtail_bench.http2 import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
)

STAMP: Final = re.compile(rb"(\d{20}) ")
STAMP_BYTES: Final = 21
CHAT_PATH: Final = "/stubtail.v1.LlmService/Chat"
STREAM_PATH: Final = "/stubtail.v1.LlmService/ChatStream"
QUESTION: Final = "Say what time it is."
_FRAME: Final = Struct(">IBI")
_UINT32: Final = Struct(">I")
_INITIAL_WINDOW: Final = 4
_HEAD_BYTES: Final = 8192  # of a reply: status and headers
_WINDOW: Final = 1 << 24  # bytes of one stream before the peer must wait
_CONNECTION_WINDOW: Final = 1 << 30


class Seen:
    """What came of one answer.

    Attributes:
        ages_ns: of each piece, from its sending by the upstream to its arrival here.
        first_ns: when the first piece came; 0 before it.
        gap_ns: the longest time between the arrivals of two pieces.
        ended: whether it is over.
        ok: whether its end was that of a complete answer.
        why: what the server said where it was not.
    """

    __slots__ = ("_last_ns", "_rest", "ages_ns", "ended", "first_ns", "gap_ns", "ok", "why")

    def __init__(self) -> None:
        self.ages_ns: list[int] = []
        self.first_ns = self._last_ns = self.gap_ns = 0
        self._rest = b""
        self.ended = self.ok = False
        self.why = ""

    def take(self, data: bytes, now_ns: int) -> None:
        """The next bytes, which came at that time."""
        data = self._rest + data
        at = 0
        for found in STAMP.finditer(data):
            self.ages_ns.append(now_ns - int(found[1]))
            at = found.end()
        if at:
            if self._last_ns:
                self.gap_ns = max(self.gap_ns, now_ns - self._last_ns)
            self.first_ns = self.first_ns or now_ns
            self._last_ns = now_ns
        self._rest = data[max(at, len(data) - STAMP_BYTES) :]

    def end(self, *, ok: bool, why: str = "") -> None:
        """It is over."""
        self.ended, self.ok, self.why = True, ok, why


class Wire(Protocol):
    """One connection without its socket."""

    def ask(self, model: str, *, stream: bool) -> tuple[Seen, bytes]:
        """Another call: what will come of it, and the bytes to send."""

    def feed(self, data: bytes, now_ns: int) -> bytes:
        """Takes what came at that time; what to send because of it."""


class HttpWire:
    """OpenAI's chat completions over HTTP/1.1: one call at a time.

    Args:
        model_prefix: before the names of models, for proxies that route by them.
        key: shown to the server; empty for none.
    """

    def __init__(self, model_prefix: str = "", key: str = "") -> None:
        self._prefix = model_prefix
        self._key = key
        self._seen = Seen()
        self._received = b""

    def ask(self, model: str, *, stream: bool) -> tuple[Seen, bytes]:
        """As `Wire`; the call before must have ended."""
        wants = ',"stream":true,"stream_options":{"include_usage":true}' if stream else ""
        body = (
            f'{{"model":"{self._prefix}{model}","messages":[{{"role":"user",'
            f'"content":"{QUESTION}"}}]{wants}}}'
        ).encode()
        lines = ["POST /v1/chat/completions HTTP/1.1", "Host: localhost"]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += [f"Authorization: Bearer {self._key}"] if self._key else []
        self._seen, self._received = Seen(), b""
        return self._seen, "\r\n".join([*lines, "", ""]).encode() + body

    def feed(self, data: bytes, now_ns: int) -> bytes:
        """As `Wire`."""
        seen = self._seen
        seen.take(data, now_ns)
        received = self._received + data
        if len(received) > 2 * _HEAD_BYTES and self._chunked:
            # Of a stream only the head and the end matter, wherever reads cut them.
            received = received[:_HEAD_BYTES] + received[-_HEAD_BYTES:]
        self._received = received
        head, gap, body = self._received.partition(b"\r\n\r\n")
        if not gap:
            return b""
        complete = head.startswith(b"HTTP/1.1 200")
        if self._chunked:
            if self._received.endswith(b"0\r\n\r\n"):
                seen.end(ok=complete and b"[DONE]" in self._received)
            return b""
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        if length is not None and len(body) >= int(length[1]):
            seen.end(ok=complete)
        return b""

    @property
    def _chunked(self) -> bool:
        return b"chunked" in self._received[:_HEAD_BYTES].lower()


class GrpcWire:
    """LlmService over HTTP/2: many calls at a time.

    Args:
        model_prefix: before the names of models.
    """

    def __init__(self, model_prefix: str = "") -> None:
        self._prefix = model_prefix
        self._table = HeaderTable()
        self._decoder = hpack.Decoder()
        self._next = 1
        self._open: dict[int, Seen] = {}
        self._rest = b""
        self._taken = 0
        settings = frame(SETTINGS, 0, 0, b"\0" + bytes([_INITIAL_WINDOW]) + _UINT32.pack(_WINDOW))
        grow = _UINT32.pack(_CONNECTION_WINDOW - 65_535)
        self._hello = PREFACE + settings + frame(WINDOW_UPDATE, 0, 0, grow)

    def ask(self, model: str, *, stream: bool) -> tuple[Seen, bytes]:
        """As `Wire`."""
        message = llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_USER, text=QUESTION)
        request = llm_pb2.ChatRequest(model=f"{self._prefix}{model}", messages=[message])
        payload = request.SerializeToString()
        body = b"\0" + len(payload).to_bytes(4, "big") + payload
        block = self._table.encode(request_headers(STREAM_PATH if stream else CHAT_PATH))
        seen, number = Seen(), self._next
        self._open[number] = seen
        self._next += 2
        sent, self._hello = self._hello, b""
        sent += frame(HEADERS, END_HEADERS, number, block)
        return seen, sent + frame(DATA, END_STREAM, number, body)

    def feed(self, data: bytes, now_ns: int) -> bytes:
        """As `Wire`."""
        data = self._rest + data
        at, size, out = 0, len(data), b""
        while size - at >= 9:
            word, flags, number = _FRAME.unpack_from(data, at)
            start, stop = at + 9, at + 9 + (word >> 8)
            if stop > size:
                break
            kind = word & 0xFF
            if kind == DATA:
                self._open[number].take(data[start:stop], now_ns)
                self._taken += stop - start
            else:
                out += self._control(kind, flags, number, data[start:stop])
            at = stop
        self._rest = data[at:]
        if out:
            out, self._hello = self._hello + out, b""  # a server may speak before its first call
        if self._taken > _CONNECTION_WINDOW // 2:
            out += frame(WINDOW_UPDATE, 0, 0, _UINT32.pack(self._taken))
            self._taken = 0
        return out

    def _control(self, kind: int, flags: int, number: int, payload: bytes) -> bytes:
        if kind == HEADERS:
            headers = {str(name): str(value) for name, value in self._decoder.decode(payload)}
            if flags & END_STREAM:
                why = headers.get("grpc-message", "")
                self._open.pop(number).end(ok=headers.get("grpc-status") == "0", why=why)
        elif kind == RST_STREAM:
            self._open.pop(number).end(ok=False, why="reset")
        elif kind == SETTINGS and not flags & ACK:
            return frame(SETTINGS, ACK, 0)
        elif kind == PING and not flags & ACK:
            return frame(PING, ACK, 0, payload)
        elif kind == GOAWAY:
            raise WrongAnswerError("the server closes the connection")
        return b""
