"""The hooks of the proxy as the settings want them: limits, cache and redaction."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeVar

from stubtail.config import LimitSettings, LlmLimitsSettings, LlmSettings, PriceSettings, Settings
from stubtail.llm.cache import AnswerCache
from stubtail.llm.cache_store import Store
from stubtail.llm.hooks import Hooks
from stubtail.llm.limits import Allowance, Budgets
from stubtail.llm.limits_calls import Bounds, CallLimits, dearer
from stubtail.llm.prices import NANO, PriceTable
from stubtail.llm.redact import Kinds, Redaction
from stubtail.metrics.llm_guard import GuardNumbers
from stubtail.v1 import llm_pb2

Edited = TypeVar("Edited", llm_pb2.ChatRequest, llm_pb2.EmbedRequest)
NAMES_MAX = 1024  # callers may ask for any name


class Guard:
    """What stands around calls; None where the settings ask for none of it.

    Args:
        settings: all settings.
        clock: monotonic seconds.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        limits, kept, privacy = settings.llm_limits, settings.llm_cache, settings.llm_privacy
        kinds = Kinds(privacy.redact_emails, privacy.redact_phones, privacy.redact_cards)
        self.redaction = Redaction(kinds) if kinds != Kinds() else None
        self.cache: AnswerCache | None = None
        if kept.enabled:
            store = Store(
                ttl_s=kept.ttl_ms / 1e3,
                entries_max=kept.entries_max,
                bytes_max=kept.bytes_max,
                entry_bytes_max=kept.entry_bytes_max,
            )
            self.cache = AnswerCache(store, clock, settings.llm.first_token_timeout_ms / 1e3)
        self._bounds = Bounds(limits.answer_tokens, limits.bytes_per_token)
        self.limits = _limits(limits, settings.llm, self._bounds)
        self._caps = self.limits is not None and _counts_tokens(limits)

    def hooks(self, traces: Any = None) -> Hooks:
        """For the proxy; `traces` makes spans, None for none."""
        edits = self.redaction is not None or self._caps
        return Hooks(
            edit=self._edit if edits else None,
            limits=self.limits,
            cache=self.cache,
            begin_span=None if traces is None else traces.begin_llm,
        )

    def numbers(self) -> GuardNumbers:
        """What metrics tell of it; any thread."""
        kept, kept_bytes = self.cache.sizes() if self.cache is not None else (0, 0)
        return GuardNumbers(
            refused=self.limits.refused.copy() if self.limits is not None else {},
            cache=self.cache.results.copy() if self.cache is not None else None,
            kept=kept,
            kept_bytes=kept_bytes,
            redacted=self.redaction.replaced.copy() if self.redaction is not None else {},
        )

    def _edit(self, request: Edited) -> Edited:
        if self.redaction is not None:
            request = self.redaction(request)
        if self._caps and isinstance(request, llm_pb2.ChatRequest):
            request = self._bounds.capped(request)
        return request


def _limits(limits: LlmLimitsSettings, llm: LlmSettings, bounds: Bounds) -> CallLimits | None:
    callers = {name: _allowance(one) for name, one in limits.callers.items()}
    providers = {name: _allowance(one) for name, one in limits.providers.items()}
    tenants = {name: _allowance(one) for name, one in limits.tenants.items()}
    default = _allowance(limits)
    if not any((default, *callers.values(), *providers.values(), *tenants.values())):
        return None
    budgets = Budgets(callers, default, limits.callers_max)
    price_of = lru_cache(NAMES_MAX)(lambda name: _price_of(llm, name))
    return CallLimits(budgets, providers, bounds, price_of, tenants)


def _allowance(one: LimitSettings | LlmLimitsSettings) -> Allowance:
    nano_usd = round(one.usd_per_day * NANO)
    return Allowance(one.concurrency, one.requests_per_minute, one.tokens_per_minute, nano_usd)


def _counts_tokens(limits: LlmLimitsSettings) -> bool:
    entries: list[LimitSettings | LlmLimitsSettings] = [limits]
    entries += [
        *limits.callers.values(),
        *limits.providers.values(),
        *limits.tenants.values(),
    ]
    return any(one.tokens_per_minute or one.usd_per_day for one in entries)


def _price_of(llm: LlmSettings, model: str) -> PriceTable | None:
    """The dearest price by which a request for this name may be answered."""
    found: PriceTable | None = None
    for name in _reached(llm, model):
        if name in llm.prices:
            price = price_table(llm.prices[name])
            found = price if found is None else dearer(found, price)
    return found


def _reached(llm: LlmSettings, model: str) -> Iterator[str]:
    """Every provider/model that a request for this name may get to."""
    waiting, seen = [model], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        alias = llm.aliases.get(name)
        if alias is not None:
            yield from alias.targets
            waiting += [alias.fallback, alias.context_fallback, alias.content_fallback]
        yield name
        yield from (f"{provider}/{name}" for provider in llm.providers)


def price_table(price: PriceSettings) -> PriceTable:
    """A price of the settings in nano-dollars."""
    cached = price.input if isinstance(price.cached_input, str) else price.cached_input
    written = price.input if isinstance(price.cache_write, str) else price.cache_write
    return PriceTable.of_dollars(price.input, price.output, cached, written)
