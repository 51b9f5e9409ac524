"""The metrics of what stands around calls to language models: limits, cache and redaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class GuardNumbers(NamedTuple):
    """What is told; labels are words of our own, never names of callers.

    Attributes:
        refused: calls and attempts, by the limit that was met.
        cache: calls that asked for the cache, by what came of it; None where there is none.
        kept, kept_bytes: answers in the cache.
        redacted: what was taken out, by its kind.
    """

    refused: Mapping[str, int]
    cache: Mapping[str, int] | None
    kept: int
    kept_bytes: int
    redacted: Mapping[str, int]


class GuardCollector(Collector):
    """Turns the numbers into metric families at each scrape."""

    def __init__(self, numbers: Callable[[], GuardNumbers]) -> None:
        self._numbers = numbers

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are checked by a test."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All families that have something to tell."""
        numbers = self._numbers()
        yield from _counter(
            "stubtail_llm_refused",
            "Calls refused, and attempts passed by, for a limit of the settings.",
            "limit",
            numbers.refused,
        )
        yield from _counter(
            "stubtail_llm_redacted",
            "Pieces of text that were taken out of requests.",
            "kind",
            numbers.redacted,
        )
        if numbers.cache is None:
            return
        yield from _counter(
            "stubtail_llm_cache",
            "Calls that asked for the cache: hit, miss, or shared with another call.",
            "result",
            numbers.cache,
        )
        yield GaugeMetricFamily(
            "stubtail_llm_cache_answers", "Answers in the cache.", value=numbers.kept
        )
        yield GaugeMetricFamily(
            "stubtail_llm_cache_bytes", "Bytes in the cache.", value=numbers.kept_bytes
        )


def _counter(
    name: str, about: str, label: str, counts: Mapping[str, int]
) -> Iterator[CounterMetricFamily]:
    if not counts:
        return
    family = CounterMetricFamily(name, about, labels=(label,))
    for value, count in counts.items():
        family.add_metric((value,), count)
    yield family
