"""The proxy to language models: requests to providers that answer, and answers of hostile ones.

Whatever a provider sends, a call ends in time with a status that is no defect, an answer is
complete or says that it is not, the key is nowhere in an error, and nothing of the call is left.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any, Final

from stubtail.config import Secret, Settings, load
from stubtail.errors import CallError, Code
from stubtail.llm.guard import Guard
from stubtail.llm.proxy import Proxy
from stubtail.v1 import llm_pb2
from tests.fuzz.llm_replies import HELD_OPEN, KEY, replies
from tests.fuzz.rpcs import ViolationError

# What a request meets: good answers of all kinds, and those that end in their midst.
MODELS: Final = (
    "ok", "tools", "thinking", "no-usage", "bytewise", "vectors", "vector-lists", "garbage-late",
    "error-late", "error-finish",
)  # fmt: skip
LLM_WORDS: Final = ("fast", "p", "q", "p/ok", *MODELS)
CALL_SECONDS_MAX: Final = 100.0  # far above any call: a machine may be busy
BROKEN: Final = frozenset(
    {
        llm_pb2.FINISH_REASON_UPSTREAM_ERROR,
        llm_pb2.FINISH_REASON_STALLED,
        llm_pb2.FINISH_REASON_DEADLINE,
    }
)
Target = Callable[[bytes], Awaitable[str]]


def settings_file(folder: Path, base_url: str) -> Path:
    """Settings of a server with two providers at this address."""
    lines = ["[llm]", "attempts_max = 2", "breaker_failures_max = 10000"]
    lines += ["breaker_attempts_min = 1000"]
    for name in ("p", "q"):
        lines += [f"[llm.providers.{name}]", f'base_url = "{base_url}"']
        lines += [f"models = {json.dumps([*MODELS, 'broken'])}"]
    lines += ["[llm.aliases.fast]", 'targets = ["p/broken", "q/ok"]']
    file = folder / "llm.toml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


class Hostile:
    """A provider that says what it is told, and what a call to it comes to.

    Args:
        folder: for its settings.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "hostile.toml"
        self._said = b""
        self._server: asyncio.Server | None = None
        self._settings: Settings | None = None

    async def start(self) -> None:
        """Listens."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Saying(self), "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        lines = ["[llm]", "attempts_max = 1", "first_token_timeout_ms = 30"]
        lines += ["stall_timeout_ms = 30", "event_bytes_max = 4096", "answer_bytes_max = 16384"]
        for name in ("openai", "anthropic"):
            lines += [f"[llm.providers.{name}]", f'base_url = "http://127.0.0.1:{port}"']
            lines += ['models = ["m"]', f'kind = "{name}"', f"[llm_limits.providers.{name}]"]
            lines += ["concurrency = 2", "tokens_per_minute = 1000000000"]
        self._file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._settings = load(self._file, (), {})

    async def aclose(self) -> None:
        """Stops listening."""
        if self._server is not None:
            self._server.close()

    @property
    def said(self) -> bytes:
        """What the provider answers."""
        return self._said

    def targets(self) -> dict[str, tuple[Target, Callable[[Random], bytes]]]:
        """By name: what a call to a provider that says these bytes comes to, and such bytes."""
        ways = {"chat": _chat, "stream": _stream, "embed": _embed}
        found = {}
        for provider in ("openai", "anthropic"):
            for way, ask in ways.items():
                if (provider, way) != ("anthropic", "embed"):
                    target = self._target(ask, f"{provider}/m")
                    found[f"llm.{provider}.{way}"] = target, replies(provider, way)
        return found

    def _target(self, ask: "Callable[[Proxy, str], Awaitable[str]]", model: str) -> Target:
        async def run(data: bytes) -> str:
            assert self._settings is not None
            self._said = data
            guard = Guard(self._settings, time.monotonic)
            keys = {name: Secret(KEY) for name in self._settings.llm.providers}
            proxy = Proxy(self._settings.llm, keys, "fuzz", hooks=guard.hooks())
            await proxy.start()
            try:
                found = await _ended(ask, proxy, model, data)
                if proxy.connections:  # the next answer comes where this one has ended
                    await _ended(ask, proxy, model, data)
                _check_nothing_left(proxy, guard, data)
            finally:
                await proxy.aclose()
            return found

        return run


class _Saying(asyncio.Protocol):
    """One connection to the provider: an answer for each request."""

    def __init__(self, hostile: Hostile) -> None:
        self._hostile = hostile
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if b"POST " not in data[:5]:
            return  # the rest of a request
        said = self._hostile.said
        middle = len(said) // 2
        self._transport.write(said[:middle])
        self._transport.write(said[middle:])
        if not said.endswith(HELD_OPEN):
            self._transport.close()


async def _ended(ask: Any, proxy: Proxy, model: str, data: bytes) -> str:
    """How a call ends, in a few words; raises ViolationError."""
    try:
        async with asyncio.timeout(CALL_SECONDS_MAX):
            return str(await ask(proxy, model))
    except CallError as error:
        told = f"{error.message} {error.trailing_metadata}"
        if KEY in told:
            raise ViolationError(f"the key is in an error after {data!r}") from error
        if error.code is Code.INTERNAL and error.reason != "PROVIDER_AUTH":
            raise ViolationError(f"INTERNAL {error.reason} after {data!r}") from error
        return f"{error.code.name} {error.reason} {error.message.partition('(')[0][:60]}"
    except ViolationError as error:
        raise ViolationError(f"{error} after {data!r}") from error
    except Exception as error:
        raise ViolationError(f"{model} raised {error!r} after {data!r}") from error


async def _chat(proxy: Proxy, model: str) -> str:
    reply = await proxy.chat(_question(model))
    reply.SerializeToString()
    if not reply.end.raw_finish_reason or reply.end.finish_reason in BROKEN:
        raise ViolationError("an answer without its end")
    return f"OK {reply.end.finish_reason} {bool(reply.text)} {len(reply.tool_calls)}"


async def _stream(proxy: Proxy, model: str) -> str:
    end: llm_pb2.ChatEnd | None = None
    kinds = set()
    try:
        async for event in proxy.stream(_question(model)):
            if end is not None:
                raise ViolationError("something came after the End")
            kinds.add(type(event).__name__)
            end = event if isinstance(event, llm_pb2.ChatEnd) else None
    except CallError:
        if end is not None and end.finish_reason not in BROKEN:
            raise ViolationError("an error after a complete answer") from None
        if end is None and kinds:
            raise ViolationError("an answer broke off without its End") from None
        raise
    if end is not None and KEY in str(end.attempts):
        raise ViolationError("the key is in the End")
    if end is None or not end.raw_finish_reason or end.finish_reason in BROKEN:
        raise ViolationError("a stream without its end")
    return f"OK {end.finish_reason} {sorted(kinds)} {end.usage.source}"


async def _embed(proxy: Proxy, model: str) -> str:
    reply = await proxy.embed(llm_pb2.EmbedRequest(model=model, inputs=["one", "two"]))
    if len(reply.embeddings) != 2 or not reply.embeddings[0].values:
        raise ViolationError("texts without vectors")
    return f"OK {reply.usage.source}"


def _question(model: str) -> llm_pb2.ChatRequest:
    message = llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_USER, text="Hello")
    return llm_pb2.ChatRequest(model=model, messages=[message])


def _check_nothing_left(proxy: Proxy, guard: Guard, data: bytes) -> None:
    assert guard.limits is not None
    left = {
        "calls": proxy.in_flight,
        "slots": sum(one.in_flight + one.origin.in_flight for one in proxy.upstreams),
        "budget": sum(one.in_flight for one in guard.limits._providers.values()),
    }
    if any(left.values()):
        raise ViolationError(f"left over: {left} after {data!r}")
