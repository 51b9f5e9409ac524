"""A provider of language models that answers at once or at a pace.

It speaks OpenAI's chat completions over HTTP/1.1 and does nothing else, so that it costs next to
nothing. What a request gets is in the name of its model: `now` is an answer at once, and a stream
of `pace-<chunks>-<a second>` has a first piece at once and then one at each beat. Each piece is the
monotonic clock at its sending, in nanoseconds: whoever reads it on the same machine knows its age.
"""

import asyncio
import json
import re
import time
from typing import Final, cast

try:
    import uvloop
except ImportError:  # not on every platform
    uvloop = None

HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
MODEL: Final = re.compile(rb'"model": ?"(?:[\w-]+/)?(now|pace-(\d+)-(\d+))"')
STREAM: Final = re.compile(rb'"stream": ?true')
NAMES: Final = (
    b'"id":"chatcmpl-benchmark","object":"chat.completion.chunk","created":1700000000,'
    b'"model":"paced",'
)
USAGE: Final = {"prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16}


def event(choice: bytes) -> bytes:
    """One event as a chunk of the body."""
    body = b"data: {" + NAMES + b'"choices":[' + choice + b"]}\n\n"
    return b"%x\r\n%b\r\n" % (len(body), body)


# As long as the clock has 19 digits, every piece has one length: the frame around it is constant.
_BEFORE, _AFTER = event(
    b'{"index":0,"delta":{"content":"%b "},"finish_reason":null}' % (b"#" * 20)
).split(b"#" * 20)
_ROLE: Final = event(b'{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}')
_STOP: Final = event(b'{"index":0,"delta":{},"finish_reason":"stop"}')


def tail(chunks: int) -> bytes:
    """The end of a stream: reason, usage, [DONE], and the end of the body."""
    usage = {**USAGE, "completion_tokens": chunks}
    counts = b"data: {" + NAMES + b'"choices":[],"usage":' + json.dumps(usage).encode() + b"}\n\n"
    done = b"data: [DONE]\n\n"
    return (
        _STOP + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in (counts, done)) + b"0\r\n\r\n"
    )


def piece() -> bytes:
    """A piece that carries the time."""
    return _BEFORE + b"%020d" % time.monotonic_ns() + _AFTER


def whole() -> bytes:
    """An answer at once, which carries the time as well."""
    document = {
        "id": "chatcmpl-benchmark",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "now",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": f"{time.monotonic_ns():020d} "},
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    }
    body = json.dumps(document).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Provider(asyncio.Protocol):
    """One connection: request after request."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._beat: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The caller has come."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller has gone; nothing more is said."""
        del exc
        self._transport = None
        if self._beat is not None:
            self._beat.cancel()

    def data_received(self, data: bytes) -> None:
        """A part of a request, or all of it."""
        self._received += data
        head, gap, body = self._received.partition(b"\r\n\r\n")
        found = LENGTH.search(head)
        if not gap or found is None or len(body) < int(found[1]):
            return
        self._received = b""
        assert self._transport is not None
        model = MODEL.search(body)
        if model is None:
            self._transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        elif STREAM.search(body) is None:
            self._transport.write(whole())
        else:
            chunks, rate = (int(model[2]), int(model[3])) if model[2] else (4, 0)
            self._stream(chunks, 1 / rate if rate else 0.0)

    def _stream(self, chunks: int, gap_s: float) -> None:
        transport = self._transport
        assert transport is not None
        if not gap_s:
            transport.write(HEAD + _ROLE + b"".join(piece() for _ in range(chunks)) + tail(chunks))
            return
        transport.write(HEAD + _ROLE + piece())
        self._wait(1, chunks, asyncio.get_running_loop().time(), gap_s)

    def _wait(self, told: int, chunks: int, begun_s: float, gap_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._beat = loop.call_at(begun_s + told * gap_s, self._tell, told, chunks, begun_s, gap_s)

    def _tell(self, told: int, chunks: int, begun_s: float, gap_s: float) -> None:
        if self._transport is None:
            return
        if told == chunks:
            self._transport.write(tail(chunks))
            return
        self._transport.write(piece())
        self._wait(told + 1, chunks, begun_s, gap_s)


async def serve() -> None:
    """Serves until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Provider, "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    print(f"ready on 127.0.0.1:{port}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Runs it, on uvloop where there is one."""
    factory = uvloop.new_event_loop if uvloop is not None else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve())


if __name__ == "__main__":
    main()
