"""A provider of language models that fails in every way that one can: the model names the fault.

It speaks HTTP over plain sockets, so that it can break every rule, and notes every request and
what became of its connection. `tests/llm_scripts.py` has the ways.
"""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

WORDS = ("Grey ", "gulls ", "glide ", "over ", "Gdańsk.")
TEXT = "".join(WORDS)
USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 5,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
STOP_S = 10.0
HEARD_S = 5.0


class _Reader(asyncio.StreamReader):
    """Tells when the other side has gone, whether or not anybody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.gone.set()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self.gone.set()


class Talk:
    """One request, and what becomes of it.

    Attributes:
        model: what was asked for.
        body: the request.
        headers: those of the request, by lower-case name.
        gone: set when the connection has ended.
        said: set when the script has said all but what it holds back.
        heard: set by a test that has received what was said.
    """

    def __init__(
        self,
        body: dict[str, Any],
        headers: dict[str, str],
        reader: _Reader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.model = str(body["model"])
        self.body = body
        self.headers = headers
        self.user = body.get("user") or body.get("metadata", {}).get("user_id")
        self.streams = bool(body.get("stream"))
        self.gone = threading.Event()
        self.said = threading.Event()
        self.heard = threading.Event()
        self.arrived_s = time.monotonic()
        self.gone_s = 0.0
        self._reader = reader
        self._writer = writer

    async def raw(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: str = "200 OK", kind: str = "text/event-stream") -> None:
        """Sends the head of a chunked reply."""
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Transfer-Encoding: chunked"]
        await self.raw("\r\n".join([*lines, "", ""]).encode())

    async def piece(self, data: bytes) -> None:
        """Sends one piece of a chunked body."""
        await self.raw(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def named(self, kind: str, **document: Any) -> None:
        """Sends one event that has a type, as Anthropic does."""
        data = json.dumps({"type": kind, **document}, ensure_ascii=False).encode()
        await self.piece(b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n")

    async def event(self, document: object) -> None:
        """Sends one event."""
        await self.piece(b"data: " + json.dumps(document, ensure_ascii=False).encode() + b"\n\n")

    async def delta(self, text: str | None = None, finish: str | None = None, **more: Any) -> None:
        """Sends one chunk of a completion."""
        await self.event(self.chunk(text, finish, **more))

    def chunk(self, text: str | None = None, finish: str | None = None, **more: Any) -> Any:
        """One chunk of a completion."""
        delta = more if text is None else {"content": text, **more}
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "up-1", "model": f"{self.model}-0613", "choices": [choice]}

    async def begin(self, words: int = len(WORDS)) -> None:
        """Sends the head, the chunk without content that many begin with, and some words."""
        await self.head()
        await self.delta(role="assistant", content=None)
        for word in WORDS[:words]:
            await self.delta(word)

    async def usage(self, **more: Any) -> None:
        """Sends the chunk with the token counts."""
        await self.event({"choices": [], "usage": USAGE, **more})

    async def done(self) -> None:
        """Ends the stream as it should be ended."""
        await self.piece(b"data: [DONE]\n\n")
        await self.end()

    async def end(self) -> None:
        """Ends the chunked body."""
        await self.raw(b"0\r\n\r\n")

    async def json(self, document: object, status: str = "200 OK", *more: str) -> None:
        """Sends a whole reply."""
        await self.sized(json.dumps(document).encode(), status, *more)

    async def sized(self, body: bytes, status: str = "200 OK", *more: str, extra: int = 0) -> None:
        """Sends a body of known length; `extra` bytes of it never come."""
        lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", *more]
        lines += [f"Content-Length: {len(body) + extra}", "", ""]
        await self.raw("\r\n".join(lines).encode() + body)

    async def whole(
        self, text: str | None = TEXT, finish: str | None = "stop", **more: Any
    ) -> None:
        """Sends a whole answer."""
        choice = {"index": 0, "message": {"content": text, **more}, "finish_reason": finish}
        document = {"id": "up-1", "model": f"{self.model}-0613", "choices": [choice]}
        await self.json({**document, "usage": USAGE})

    async def silence(self) -> None:
        """Says nothing until the other side goes."""
        self.said.set()
        await self._reader.gone.wait()

    async def comments(self) -> None:
        """Sends comments until the other side goes."""
        self.said.set()
        while not self._reader.gone.is_set():
            await self.piece(b": still here\n\n")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._reader.gone.wait(), 0.02)

    async def leave(self) -> None:
        """Closes the connection where a body should have gone on."""
        self._writer.close()

    async def until_heard(self) -> None:
        """Waits for the test: a reset overtakes what has not been read."""
        self.said.set()
        await asyncio.to_thread(self.heard.wait, HEARD_S)

    def reset(self) -> None:
        """Drops the connection without a word."""
        self._writer.transport.abort()


Script = Callable[[Talk], Awaitable[None]]


class LlmUpstream:
    """Serves scripts on a thread of its own. A model `name@3` runs the script `name`.

    Args:
        scripts: by their names.
        notes: keeps every request, as tests want it; without, any number can come.
    """

    def __init__(self, scripts: Mapping[str, Script], *, notes: bool = True) -> None:
        self._scripts = scripts
        self._notes = notes
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.talks: list[Talk] = []
        self.connections = 0
        self.failing: set[str] = set()  # models that answer 500, whatever their script
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(STOP_S)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(STOP_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_S)
        self._loop.close()

    @property
    def base_url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self.port}/v1"

    def of(self, user: str) -> list[Talk]:
        """The requests with this `end_user`, in their order."""
        return [talk for talk in self.talks.copy() if talk.user == user]

    async def _start(self) -> None:
        self._server = await self._loop.create_server(self._protocol, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _protocol(self) -> asyncio.StreamReaderProtocol:
        reader = _Reader()

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = self._loop.create_task(self._serve(reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return asyncio.StreamReaderProtocol(reader, connected, loop=self._loop)

    async def _serve(self, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        talks: list[Talk] = []
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    talk = await self._read(reader, writer)
                    if self._notes:
                        talks.append(talk)
                        self.talks.append(talk)
                    await self._script(talk.model)(talk)
                    talk.said.set()
        finally:
            writer.close()
            self.connections -= 1
            for talk in talks:
                talk.gone_s = time.monotonic()
                talk.gone.set()

    async def _read(self, reader: _Reader, writer: asyncio.StreamWriter) -> Talk:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        verb, path, _ = head[0].split()
        assert verb == "POST"
        assert path.removeprefix("/v1/") in {"chat/completions", "embeddings", "messages"}
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        return Talk(json.loads(body), headers, reader, writer)

    def _script(self, model: str) -> Script:
        return _fail if model in self.failing else self._scripts[model.partition("@")[0]]


async def _fail(talk: Talk) -> None:
    await talk.json({"error": {"code": "down"}}, "500 Internal Server Error")
