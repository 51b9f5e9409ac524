"""The upstreams that the settings name, with their prices and breakers."""

from collections.abc import Callable, Mapping

from stubtail.breaker import BreakerOptions
from stubtail.config import LlmSettings, PriceSettings, Secret
from stubtail.llm.dialects import DIALECTS
from stubtail.llm.prices import PriceTable
from stubtail.llm.routing import Alias
from stubtail.llm.upstreams import Provider, Upstream, is_field


def aliases_of(settings: LlmSettings) -> dict[str, Alias]:
    """The names that callers may ask for, besides those of models."""
    return {
        name: Alias(
            one.targets,
            settings.strategy if one.strategy == "default" else one.strategy,
            one.fallback,
            one.context_fallback,
            one.content_fallback,
            one.hedge_after_ms / 1e3,
        )
        for name, one in settings.aliases.items()
    }


def upstreams_of(
    settings: LlmSettings, keys: Mapping[str, Secret], draw: Callable[[], float]
) -> list[Upstream]:
    """One upstream for each model of each provider; `draw` gives 0 to 1.

    Raises:
        ValueError: a setting names a field that no request has.
    """
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
        unknown = [path for path in one.refuses if not is_field(path)]
        if unknown:
            raise ValueError(
                f"llm.providers.{name}.refuses: {unknown[0]} is no field of ChatRequest"
            )
        provider = Provider(
            name,
            one.base_url.rstrip("/"),
            keys[name],
            one.concurrency_max,
            one.weight,
            one.stream_usage,
            DIALECTS[one.kind],
            one.max_tokens,
            one.refuses,
        )
        for model in dict.fromkeys(one.models):
            price = _price(settings.prices.get(f"{name}/{model}"))
            found.append(Upstream(provider, model, price, options, draw))
    return found


def _price(price: PriceSettings | None) -> PriceTable | None:
    if price is None:
        return None
    cached = price.input if isinstance(price.cached_input, str) else price.cached_input
    written = price.input if isinstance(price.cache_write, str) else price.cache_write
    return PriceTable.of_dollars(price.input, price.output, cached, written)
