"""The cache of answers: the same question of the same caller is asked once.

Only for requests that ask for it. A key is the caller and the whole request: nobody sees what
another was answered. Only complete answers are kept. Those who ask while the answer is on its way
wait for it as long as for a first token; where it does not come, each of them asks for itself.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from hashlib import sha256
from typing import Any, Final, Self

from stubtail.llm.cache_answers import Gathered, as_events, replayed, replayed_vectors
from stubtail.llm.cache_store import Store
from stubtail.llm.events import Event
from stubtail.llm.hooks import Caller, Request
from stubtail.v1 import llm_pb2

FINISHED: Final = frozenset(
    {
        llm_pb2.FINISH_REASON_STOP,
        llm_pb2.FINISH_REASON_LENGTH,
        llm_pb2.FINISH_REASON_TOOL_CALLS,
    }
)


class AnswerCache:
    """Keeps answers; the `cache` of the proxy's hooks. It belongs to one event loop.

    Args:
        store: where they are kept.
        clock: monotonic seconds.
        wait_s: how long one waits for the answer to another's call, whose caller may be slow.
    """

    def __init__(self, store: Store, clock: Callable[[], float], wait_s: float) -> None:
        self._store = store
        self._clock = clock
        self._wait_s = wait_s
        self._coming: dict[bytes, asyncio.Future[bytes | None]] = {}
        self.results: Counter[str] = Counter()

    def sizes(self) -> tuple[int, int]:
        """Answers kept and their bytes; any thread."""
        return len(self._store), self._store.size_bytes

    async def chat(
        self,
        caller: Caller,
        request: llm_pb2.ChatRequest,
        ask: Callable[[], Awaitable[llm_pb2.ChatResponse]],
    ) -> llm_pb2.ChatResponse:
        """A whole answer, kept or asked for; raises what `ask` raises."""
        if not request.cache.use:
            return await ask()
        key = _key(b"chat", caller, request)
        known = await self._known(key, request.cache)
        if known is not None:
            return replayed(known)
        with self._announced(key) as announced:
            answer = await ask()
            answer.end.cache = llm_pb2.CACHE_STATUS_MISS
            if answer.end.finish_reason in FINISHED:
                announced.value = answer.SerializeToString()
            return answer

    async def stream(
        self,
        caller: Caller,
        request: llm_pb2.ChatRequest,
        ask: Callable[[], AsyncGenerator[Event, None]],
    ) -> AsyncGenerator[Event, None]:
        """The events of an answer, kept or asked for; raises what `ask` raises."""
        if not request.cache.use:
            async with aclosing(ask()) as events:
                async for event in events:
                    yield event
            return
        key = _key(b"chat", caller, request)
        known = await self._known(key, request.cache)
        if known is not None:
            for event in as_events(replayed(known)):
                yield event
            return
        with self._announced(key) as announced:
            gathered = Gathered()
            async with aclosing(ask()) as events:
                async for event in events:
                    gathered.add(event)
                    if isinstance(event, llm_pb2.ChatEnd):
                        event.cache = llm_pb2.CACHE_STATUS_MISS
                    yield event
            # Only now: an error may follow the End, and a caller who goes ends all of this before.
            answer = gathered.answer()
            if answer.end.finish_reason in FINISHED:
                announced.value = answer.SerializeToString()

    async def embed(
        self,
        caller: Caller,
        request: llm_pb2.EmbedRequest,
        ask: Callable[[], Awaitable[llm_pb2.EmbedResponse]],
    ) -> llm_pb2.EmbedResponse:
        """Vectors, kept or asked for; raises what `ask` raises."""
        if not request.cache.use:
            return await ask()
        key = _key(b"embed", caller, request)
        known = await self._known(key, request.cache)
        if known is not None:
            return replayed_vectors(known)
        with self._announced(key) as announced:
            answer = await ask()
            answer.cache = llm_pb2.CACHE_STATUS_MISS
            announced.value = answer.SerializeToString()
            return answer

    async def _known(self, key: bytes, control: llm_pb2.CacheControl) -> bytes | None:
        """The answer that is kept, or the one on its way once it is there; None: ask."""
        max_age_s = control.max_age_ms / 1e3 if control.HasField("max_age_ms") else None
        found = self._store.get(key, self._clock(), max_age_s)
        if found is None and key in self._coming:
            # Shielded: a caller who goes must not end the wait of the others.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait_s):
                    found = await asyncio.shield(self._coming[key])
            if found is not None:
                self.results["shared"] += 1
                return found
        self.results["miss" if found is None else "hit"] += 1
        return found

    def _announced(self, key: bytes) -> "_Announced":
        return _Announced(self._coming, self._store, key, self._clock)


class _Announced:
    """From asking for an answer to its end: others wait for `value`, and it is kept, if it is set.

    Where another call has announced the same answer meanwhile, only the keeping is left.
    """

    def __init__(
        self,
        coming: dict[bytes, asyncio.Future[bytes | None]],
        store: Store,
        key: bytes,
        clock: Callable[[], float],
    ) -> None:
        self.value: bytes | None = None
        self._coming = coming
        self._store = store
        self._key = key
        self._clock = clock
        self._future: asyncio.Future[bytes | None] | None = None

    def __enter__(self) -> Self:
        if self._key not in self._coming:
            self._future = asyncio.get_running_loop().create_future()
            self._coming[self._key] = self._future
        return self

    def __exit__(self, *_: object) -> None:
        if self._future is not None:
            del self._coming[self._key]
            self._future.set_result(self.value)
        if self.value is not None:
            self._store.put(self._key, self.value, self._clock())


def _key(kind: bytes, caller: Caller, request: Request) -> bytes:
    """Whose question it is, and all of it; how it wants to be cached does not matter."""
    bare: Any = type(request)()
    bare.CopyFrom(request)
    bare.ClearField("cache")
    head = kind
    for name in (caller.tenant.encode(), caller.name.encode()):
        head += b"\0" + len(name).to_bytes(4, "big") + name
    return sha256(head + bare.SerializeToString(deterministic=True)).digest()
