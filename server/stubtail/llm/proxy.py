"""The proxy: all upstreams of the settings, the calls to them, and how they are doing."""

import random
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

from stubtail.config import LlmSettings, Secret
from stubtail.errors import not_found
from stubtail.llm.attempts import Means
from stubtail.llm.call import ChatCall
from stubtail.llm.call_numbers import CallBook
from stubtail.llm.embed import EmbedCall
from stubtail.llm.events import Event, Push
from stubtail.llm.hooks import NO_HOOKS, NOBODY, Caller, Hooks
from stubtail.llm.http import Http
from stubtail.llm.offers import aliases_of, upstreams_of
from stubtail.llm.planning import Planner
from stubtail.llm.reader import ReadLimits
from stubtail.llm.routing import Router
from stubtail.llm.taken import Around, Taken
from stubtail.llm.upstreams import Upstream
from stubtail.metrics.llm import CHAT, EMBEDDINGS, CallNumbers, UpstreamNumbers
from stubtail.v1 import llm_pb2


class Proxy:
    """Answers chats by asking providers. It belongs to one event loop.

    Args:
        settings: the section `llm`.
        keys: the key of each provider, by its name.
        user_agent: what providers are told of us.
        clock: monotonic seconds.
        hooks: what stands around a call.
    """

    def __init__(
        self,
        settings: LlmSettings,
        keys: Mapping[str, Secret],
        user_agent: str,
        clock: Callable[[], float] = time.monotonic,
        hooks: Hooks = NO_HOOKS,
    ) -> None:
        self._clock = clock
        self._http = Http(user_agent)
        self._hooks = hooks
        # Not for secrets: it spreads load and pauses.
        self._random = random.Random().random  # noqa: S311
        self.upstreams = upstreams_of(settings, keys, self._random)
        self.aliases = aliases_of(settings)
        router = Router(self.upstreams, self.aliases, settings.strategy, self._random)
        planner = Planner(settings, self.aliases, router, clock)
        names = [name for one in self.upstreams for name in (one.name, one.model)]
        self._book = CallBook([*self.aliases, *names])
        self._around = Around(settings.calls_max, planner, hooks, clock, self._book)
        limits = ReadLimits(settings.event_bytes_max, settings.answer_bytes_max)
        self._means = Means(self._http, limits, clock, self._random, hooks)

    async def start(self) -> None:
        """Connects nowhere yet."""
        await self._http.start()

    def refuse(self) -> None:
        """From now on every new call is answered with UNAVAILABLE; accepted ones go on."""
        self._around.refusing = True

    async def aclose(self) -> None:
        """Closes all connections to providers."""
        await self._http.aclose()

    @property
    def in_flight(self) -> int:
        """The calls that are open."""
        return self._around.in_flight

    @property
    def connections(self) -> int:
        """The connections to providers that are open, idle ones among them."""
        return self._http.connections

    async def chat(
        self, request: llm_pb2.ChatRequest, caller: Caller = NOBODY
    ) -> llm_pb2.ChatResponse:
        """A whole answer to a request that has been checked; raises CallError."""
        with Taken(self._around, CHAT, request, caller) as taken:
            edited = taken.request

            async def ask() -> llm_pb2.ChatResponse:
                return await taken.begin(ChatCall(self._means, edited, taken.terms())).whole()

            cache = self._hooks.cache
            reply = await (ask() if cache is None else cache.chat(caller, edited, ask))
            taken.end = reply.end
            return reply

    async def embed(
        self, request: llm_pb2.EmbedRequest, caller: Caller = NOBODY
    ) -> llm_pb2.EmbedResponse:
        """The vectors for a request that has been checked; raises CallError."""
        with Taken(self._around, EMBEDDINGS, request, caller) as taken:
            edited = taken.request

            async def ask() -> llm_pb2.EmbedResponse:
                return await taken.begin(EmbedCall(self._means, edited, taken.terms())).whole()

            cache = self._hooks.cache
            reply = await (ask() if cache is None else cache.embed(caller, edited, ask))
            taken.end = llm_pb2.ChatEnd(
                usage=reply.usage, timing=reply.timing, attempts=reply.attempts
            )
            return reply

    async def stream(
        self, request: llm_pb2.ChatRequest, caller: Caller = NOBODY, push: Push | None = None
    ) -> AsyncGenerator[Event, None]:
        """The events of an answer to a request that has been checked; raises CallError.

        Args:
            request: what is asked.
            caller: who asks.
            push: takes texts instead of an event, see `ChatCall.stream`.
        """
        with Taken(self._around, CHAT, request, caller) as taken:
            edited, cache = taken.request, self._hooks.cache
            straight = push if cache is None or not edited.cache.use else None

            def ask() -> AsyncGenerator[Event, None]:
                return taken.begin(ChatCall(self._means, edited, taken.terms())).stream(straight)

            told = ask() if cache is None else cache.stream(caller, edited, ask)
            async with aclosing(told) as events:
                async for event in events:
                    if type(event) is llm_pb2.ChatEnd:
                        taken.end = event
                    yield event

    def health(self, provider: str) -> list[llm_pb2.UpstreamHealth]:
        """How one provider's upstreams are doing, or all; raises CallError for an unknown one."""
        found = [one for one in self.upstreams if provider in {"", one.provider}]
        if not found:
            message = f"no provider {provider[:128]!r} is configured"
            raise not_found("provider", provider, "MODEL_NOT_FOUND", message)
        now_s = self._clock()
        return [_health(one, now_s) for one in found]

    def numbers(self) -> list[UpstreamNumbers]:
        """What metrics tell of the upstreams; any thread."""
        now_s = self._clock()
        return [one.numbers(now_s) for one in self.upstreams]

    def call_numbers(self) -> list[CallNumbers]:
        """What metrics tell of the calls; any thread."""
        return self._book.numbers()


def _health(one: Upstream, now_s: float) -> llm_pb2.UpstreamHealth:
    states = {
        "closed": llm_pb2.BREAKER_STATE_CLOSED,
        "open": llm_pb2.BREAKER_STATE_OPEN,
        "half-open": llm_pb2.BREAKER_STATE_HALF_OPEN,
    }
    mean_s = one.ttft_mean_s
    return llm_pb2.UpstreamHealth(
        provider=one.provider,
        model=one.model,
        breaker=states[one.gate.state(now_s)],
        throttled=one.gate.is_throttled(now_s),
        available_in_ms=round(one.gate.wait_s(now_s) * 1e3),
        in_flight=one.in_flight,
        first_token_us=round(mean_s * 1e6) if mean_s else None,
        attempts=one.attempts,
        failures=one.failures,
    )
