"""The proxy: all upstreams of the settings, the calls to them, and how they are doing."""

import random
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Final

from stubtail.config import LlmSettings, PriceSettings, Secret
from stubtail.errors import CallError, Code, draining, not_found
from stubtail.llm.attempts import Means
from stubtail.llm.breaker import BreakerOptions
from stubtail.llm.call import ChatCall, Event
from stubtail.llm.embed import EmbedCall
from stubtail.llm.http import Http
from stubtail.llm.prices import PriceTable
from stubtail.llm.reader import Patience, ReadLimits
from stubtail.llm.routing import Alias, Router, UnknownModelError, Wishes
from stubtail.llm.upstreams import Provider, Upstream
from stubtail.metrics.llm import UpstreamNumbers
from stubtail.v1 import llm_pb2

BUSY_RETRY_S: Final = 0.5
STRATEGIES: Final = {
    llm_pb2.ROUTING_STRATEGY_PRIORITY: "priority",
    llm_pb2.ROUTING_STRATEGY_WEIGHTED: "weighted",
    llm_pb2.ROUTING_STRATEGY_LOWEST_TTFT: "lowest_ttft",
    llm_pb2.ROUTING_STRATEGY_LEAST_BUSY: "least_busy",
    llm_pb2.ROUTING_STRATEGY_LOWEST_COST: "lowest_cost",
}


class Proxy:
    """Answers chats by asking providers. It belongs to one event loop.

    Args:
        settings: the section `llm`.
        keys: the key of each provider, by its name.
        user_agent: what providers are told of us.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        settings: LlmSettings,
        keys: Mapping[str, Secret],
        user_agent: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._http = Http(user_agent)
        # Not for secrets: it spreads load and pauses.
        self._random = random.Random().random  # noqa: S311
        self.upstreams = _upstreams(settings, keys, self._random)
        self.aliases = {
            name: Alias(
                one.targets,
                settings.strategy if one.strategy == "default" else one.strategy,
                one.fallback,
            )
            for name, one in settings.aliases.items()
        }
        self._router = Router(self.upstreams, self.aliases, settings.strategy, self._random)
        limits = ReadLimits(settings.event_bytes_max, settings.answer_bytes_max)
        self._means = Means(self._http, limits, clock, self._random)
        self._refusing = False
        self.in_flight = 0

    async def start(self) -> None:
        """Connects nowhere yet."""
        await self._http.start()

    def refuse(self) -> None:
        """From now on every new call is answered with UNAVAILABLE; accepted ones go on."""
        self._refusing = True

    async def aclose(self) -> None:
        """Closes all connections to providers."""
        await self._http.aclose()

    async def chat(self, request: llm_pb2.ChatRequest) -> llm_pb2.ChatResponse:
        """A whole answer to a request that has been checked; raises CallError."""
        with self._counted():
            return await ChatCall(self._means, request, *self._plan(request)).whole()

    async def embed(self, request: llm_pb2.EmbedRequest) -> llm_pb2.EmbedResponse:
        """The vectors for a request that has been checked; raises CallError."""
        with self._counted():
            return await EmbedCall(self._means, request, *self._plan(request)).whole()

    async def stream(self, request: llm_pb2.ChatRequest) -> AsyncGenerator[Event, None]:
        """The events of an answer to a request that has been checked; raises CallError."""
        with self._counted():
            call = ChatCall(self._means, request, *self._plan(request))
            async with aclosing(call.stream()) as events:
                async for event in events:
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

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._refusing:
            raise draining()
        most = self._settings.calls_max
        if self.in_flight >= most:
            raise CallError(
                Code.RESOURCE_EXHAUSTED,
                "TOO_MANY_STREAMS",
                f"{most} calls to language models are open already (setting llm.calls_max)",
                metadata={"limit": str(most)},
                retry_after_s=BUSY_RETRY_S,
            )
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    def _plan(
        self, request: llm_pb2.ChatRequest | llm_pb2.EmbedRequest
    ) -> tuple[list[Upstream], int, Patience]:
        """Whom a request asks, how often, and how long it waits; raises CallError."""
        settings, routing, now_s = self._settings, request.routing, self._clock()
        wishes = Wishes(
            only=tuple(routing.only),
            ignore=tuple(routing.ignore),
            order=tuple(routing.order),
            strategy=STRATEGIES.get(routing.strategy, ""),
            fallback=routing.allow_fallback if routing.HasField("allow_fallback") else True,
        )
        try:
            plan = self._router.choose(request.model, wishes, now_s)
        except UnknownModelError as error:
            message = f"no model or alias {request.model[:128]!r} is configured; see ListModels"
            raise not_found("model", request.model, "MODEL_NOT_FOUND", message) from error
        if not plan:
            message = f"routing leaves no provider for {request.model[:128]!r}"
            raise not_found("model", request.model, "MODEL_NOT_FOUND", message)
        attempts_max = settings.attempts_max
        if routing.HasField("max_attempts"):
            attempts_max = max(1, min(attempts_max, routing.max_attempts))
        patience = Patience(
            connect_s=_bounded(routing, "connect_timeout_ms", settings.connect_timeout_ms),
            first_s=_bounded(routing, "first_token_timeout_ms", settings.first_token_timeout_ms),
            stall_s=_bounded(routing, "stall_timeout_ms", settings.stall_timeout_ms),
            until_s=now_s + settings.total_timeout_ms / 1e3,
        )
        return plan, attempts_max, patience


def _bounded(routing: llm_pb2.Routing, field: str, most_ms: int) -> float:
    """The time that a call wants, at most the one of the settings, in seconds."""
    wanted_ms = getattr(routing, field) if routing.HasField(field) else most_ms
    return float(min(wanted_ms, most_ms)) / 1e3


def _upstreams(
    settings: LlmSettings, keys: Mapping[str, Secret], draw: Callable[[], float]
) -> list[Upstream]:
    options = BreakerOptions(
        window_s=settings.breaker_window_ms / 1e3,
        attempts_min=settings.breaker_attempts_min,
        failure_rate=settings.breaker_failure_rate,
        failures_max=settings.breaker_failures_max,
        open_s=settings.breaker_open_ms / 1e3,
        open_max_s=settings.breaker_open_max_ms / 1e3,
    )
    found = []
    for name, one in settings.providers.items():
        provider = Provider(
            name,
            one.base_url.rstrip("/"),
            keys[name],
            one.concurrency_max,
            one.weight,
            one.stream_usage,
        )
        for model in dict.fromkeys(one.models):
            price = _price(settings.prices.get(f"{name}/{model}"))
            found.append(Upstream(provider, model, price, options, draw))
    return found


def _price(price: PriceSettings | None) -> PriceTable | None:
    if price is None:
        return None
    cached = price.input if isinstance(price.cached_input, str) else price.cached_input
    return PriceTable.of_dollars(price.input, price.output, cached)


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
