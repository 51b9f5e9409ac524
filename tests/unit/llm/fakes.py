"""Providers that answer what a test says, and calls to them; no sockets."""

import asyncio
import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from stubtail.breaker import BreakerOptions
from stubtail.config import Secret
from stubtail.errors import CallError
from stubtail.llm.attempts import Means, Terms
from stubtail.llm.call import ChatCall
from stubtail.llm.dialects import DIALECTS
from stubtail.llm.events import Event
from stubtail.llm.hooks import NO_HOOKS, NOBODY, Hooks
from stubtail.llm.http import BrokenOffError
from stubtail.llm.reader import Patience, ReadLimits
from stubtail.llm.routing import Plan
from stubtail.llm.upstreams import Provider, Upstream
from stubtail.v1 import llm_pb2

PATIENT = Patience(connect_s=60, first_s=60, stall_s=60, until_s=1e12)


def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    """One event of a good stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}, ensure_ascii=False).encode() + b"\r\n\r\n"


class FakeReply:
    """A reply whose body comes in these pieces, and then ends or breaks."""

    content_type = "text/event-stream"
    retry_after = ""

    def __init__(
        self,
        pieces: Sequence[bytes],
        *,
        breaks: bool = False,
        hangs: bool = False,
        status: int = 200,
    ) -> None:
        self._pieces = list(pieces)
        self._breaks = breaks
        self._hangs = hangs
        self.status = status
        self.closed = False

    async def read(self, within_s: float) -> bytes:
        """The next piece."""
        if self._pieces:
            return self._pieces.pop(0)
        if self._breaks:
            raise BrokenOffError
        if self._hangs:
            await asyncio.get_running_loop().create_future()
        return b""

    async def follow(self, within_s: float, take: Callable[[bytes], float | None]) -> bool:
        """Gives the pieces to `take`, until it wants no more."""
        while piece := await self.read(within_s):
            if take(piece) is None:
                return True
        return False

    async def read_all(self, bytes_max: int, within_s: float) -> bytes:
        """All pieces."""
        return b"".join([await self.read(within_s) for _ in range(len(self._pieces) + 1)])

    def close(self) -> None:
        """Notes it."""
        self.closed = True


class FakeHttp:
    """Gives one reply after the other."""

    def __init__(self, *replies: FakeReply) -> None:
        self.replies = list(replies)
        self.urls: list[str] = []
        self.connects = False  # for ever

    async def post(self, url: str, *more: Any) -> FakeReply:
        """The next reply."""
        self.urls.append(url)
        if self.connects:
            await asyncio.get_running_loop().create_future()
        more[4]()
        return self.replies.pop(0)


def upstream(name: str = "p") -> Upstream:
    """An upstream whose breaker does not open."""
    options = BreakerOptions(30, 10_000, 1, 10_000, 1, 1)
    provider = Provider(name, f"http://{name}", Secret(""), 9, 1, True, DIALECTS["openai"])
    return Upstream(provider, "m", None, options, float)


def terms(plan: list[Upstream], attempts_max: int = 1) -> Terms:
    """Terms without a hedge."""
    return Terms(Plan(plan), attempts_max, PATIENT, 0.0, NOBODY)


def run(
    http: FakeHttp,
    plan: list[Upstream],
    attempts_max: int = 1,
    *,
    given: Terms | None = None,
    request: llm_pb2.ChatRequest | None = None,
    hooks: Hooks = NO_HOOKS,
    takes: Iterable[bool] | None = None,
) -> tuple[list[Event], CallError | None]:
    """The events of a call, and how it failed; `takes` is which texts go past the generator."""
    ticks = itertools.count()
    any_http: Any = http
    limits = ReadLimits(10_000, 10_000)
    means = Means(any_http, limits, lambda: next(ticks) * 1e-6, float, hooks)
    call = ChatCall(means, request or llm_pb2.ChatRequest(), given or terms(plan, attempts_max))
    events: list[Event] = []

    taking = None if takes is None else iter(takes)

    def push(text: str) -> bool:
        taken = taking is not None and next(taking, False)
        if taken:
            events.append(text)
        return taken

    async def collect() -> CallError | None:
        try:
            async for one in call.stream(None if taking is None else push):
                events.append(one)  # noqa: PERF401 - those before an error are kept
        except CallError as error:
            return error
        return None

    return events, asyncio.run(collect())


def text_of(events: list[Event]) -> str:
    """The text of all deltas."""
    return "".join(one for one in events if isinstance(one, str))
