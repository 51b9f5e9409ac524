"""The metrics of the proxy to language models; labels are providers and models of the settings.

Names are those of OpenTelemetry's conventions for generative AI, where they have one.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

STATES: Final = ("closed", "half-open", "open")
CHAT: Final = "chat"
EMBEDDINGS: Final = "embeddings"
OPERATIONS: Final = (CHAT, EMBEDDINGS)  # gen_ai.operation.name
KINDS: Final = ("input", "output")  # gen_ai.token.type
LABELS: Final = ("gen_ai_provider_name", "gen_ai_request_model")
OPERATION: Final = "gen_ai_operation_name"
CALL_LABELS: Final = (OPERATION, "gen_ai_request_model")
# The buckets that the conventions advise for these two histograms.
FIRST_EDGES_S: Final = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1),
    *(0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
CHUNK_EDGES_S: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1),
    *(0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5),
)
TOKEN_EDGES: Final = tuple(4.0**power for power in range(14))
DURATION_EDGES_S: Final = tuple(0.01 * 2.0**power for power in range(14))


class Spread:
    """A histogram of seconds or tokens; `edges_s` ascending."""

    def __init__(self, edges_s: Sequence[float]) -> None:
        self._edges_s = edges_s
        self._counts = [0] * (len(edges_s) + 1)
        self._total_s = 0.0

    def add(self, seconds: float) -> None:
        """Notes one value."""
        self._counts[bisect_left(self._edges_s, seconds)] += 1
        self._total_s += seconds

    @property
    def count(self) -> int:
        """How many values there are."""
        return sum(self._counts)

    def buckets(self) -> tuple[list[tuple[str, float]], float]:
        """Counts up to each edge, and the sum."""
        found: list[tuple[str, float]] = []
        so_far = 0
        for edge, count in zip([*map(repr, self._edges_s), "+Inf"], self._counts, strict=True):
            so_far += count
            found.append((edge, so_far))
        return found, self._total_s


class CallNumbers(NamedTuple):
    """What is told of all calls that asked for one name by one operation.

    Attributes:
        operation: chat or embeddings.
        asked: an alias or a model of the settings.
        duration: from the arrival of a call to its end, whatever came of it.
        first: from its arrival to the first content, of complete answers.
        per_token: seconds for each token after the first, of complete answers.
        failovers: attempts that another one followed.
    """

    operation: str
    asked: str
    duration: Spread
    first: Spread
    per_token: Spread
    failovers: int


class UpstreamNumbers(NamedTuple):
    """What is told of one model of one provider; durations by operation, usage by kind as well."""

    provider: str
    model: str
    breaker: str
    throttled: bool
    in_flight: int
    outcomes: Mapping[str, int]
    tokens: Mapping[str, int]
    cost_nano_usd: int
    first: Spread
    duration: Mapping[str, Spread]
    chunk: Spread
    usage: Mapping[tuple[str, str], Spread]


class LlmCollector(Collector):
    """Turns the numbers of all upstreams into metric families at each scrape."""

    def __init__(
        self,
        numbers: Callable[[], Iterable[UpstreamNumbers]],
        calls: Callable[[], Iterable[CallNumbers]] = tuple,
    ) -> None:
        self._numbers = numbers
        self._calls = calls

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are checked by a test."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All families; none where no provider is configured."""
        numbers = list(self._numbers())
        if not numbers:
            return
        yield from _gauges(numbers)
        yield from _counters(numbers)
        yield _spread(
            numbers,
            "gen_ai_client_operation_time_to_first_chunk_seconds",
            "Time from the start of an attempt to its first content, of streams.",
            lambda one: {(CHAT,): one.first},
        )
        yield _spread(
            numbers,
            "gen_ai_client_operation_duration_seconds",
            "Time that an attempt took, whatever came of it.",
            lambda one: {(name,): spread for name, spread in one.duration.items()},
        )
        yield _spread(
            numbers,
            "gen_ai_client_operation_time_per_output_chunk_seconds",
            "Time between two pieces of an answer, of streams.",
            lambda one: {(CHAT,): one.chunk},
        )
        yield _spread(
            numbers,
            "gen_ai_client_token_usage",
            "Tokens of a complete answer, as providers counted them.",
            lambda one: one.usage,
            "gen_ai_token_type",
        )
        yield from _calls(list(self._calls()))


def _calls(numbers: Sequence[CallNumbers]) -> Iterator[Metric]:
    """What the calls of this server took, as opposed to the attempts that they consist of."""
    picks: tuple[tuple[str, str, Callable[[CallNumbers], Spread]], ...] = (
        (
            "gen_ai_server_request_duration_seconds",
            "Time from the arrival of a call to its end, whatever came of it.",
            lambda one: one.duration,
        ),
        (
            "gen_ai_server_time_to_first_token_seconds",
            "Time from the arrival of a call to its first content, of complete answers.",
            lambda one: one.first,
        ),
        (
            "gen_ai_server_time_per_output_token_seconds",
            "Time for each token after the first, of complete answers.",
            lambda one: one.per_token,
        ),
    )
    for name, about, pick in picks:
        family = HistogramMetricFamily(name, about, labels=CALL_LABELS)
        for one in numbers:
            buckets, total_s = pick(one).buckets()
            if buckets[-1][1]:
                family.add_metric((one.operation, one.asked), buckets, total_s)
        yield family
    failovers = CounterMetricFamily(
        "stubtail_llm_failovers", "Attempts that another one followed.", labels=CALL_LABELS
    )
    for one in numbers:
        failovers.add_metric((one.operation, one.asked), one.failovers)
    yield failovers


def _gauges(numbers: Sequence[UpstreamNumbers]) -> Iterator[Metric]:
    # One series for each state: those of several workers can be added up.
    breakers = GaugeMetricFamily(
        "stubtail_llm_breakers", "Circuit breakers in this state.", labels=(*LABELS, "state")
    )
    throttled = GaugeMetricFamily(
        "stubtail_llm_throttled", "Whether the provider asked for patience.", labels=LABELS
    )
    in_flight = GaugeMetricFamily(
        "stubtail_llm_in_flight", "Calls that are being answered.", labels=LABELS
    )
    for one in numbers:
        labels = (one.provider, one.model)
        for state in STATES:
            breakers.add_metric((*labels, state), float(one.breaker == state))
        throttled.add_metric(labels, float(one.throttled))
        in_flight.add_metric(labels, one.in_flight)
    return iter((breakers, throttled, in_flight))


def _counters(numbers: Sequence[UpstreamNumbers]) -> Iterator[Metric]:
    attempts = CounterMetricFamily(
        "stubtail_llm_attempts",
        "Attempts to get an answer, by how they ended.",
        labels=(*LABELS, "outcome"),
    )
    tokens = CounterMetricFamily(
        "stubtail_llm_tokens",
        "Tokens as providers counted them.",
        labels=(*LABELS, "gen_ai_token_type"),
    )
    cost = CounterMetricFamily(
        "stubtail_llm_cost_nano_usd",
        "Cost by the price table, billionths of a US dollar.",
        labels=LABELS,
    )
    for one in numbers:
        labels = (one.provider, one.model)
        for outcome, count in one.outcomes.items():
            attempts.add_metric((*labels, outcome), count)
        for kind, count in one.tokens.items():
            tokens.add_metric((*labels, kind), count)
        cost.add_metric(labels, one.cost_nano_usd)
    return iter((attempts, tokens, cost))


def _spread(
    numbers: Sequence[UpstreamNumbers],
    name: str,
    about: str,
    pick: Callable[[UpstreamNumbers], Mapping[Any, Spread]],
    *more: str,
) -> Metric:
    """A histogram; `pick` gives those of an upstream by operation and whatever labels come more."""
    family = HistogramMetricFamily(name, about, labels=(*LABELS, OPERATION, *more))
    for one in numbers:
        for labels, spread in pick(one).items():
            buckets, total = spread.buckets()
            if buckets[-1][1]:
                family.add_metric((one.provider, one.model, *labels), buckets, total)
    return family
