"""Every metric of the server in one list, made from the recorder when somebody scrapes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import numpy as np
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from stubtail.errors import Code
from stubtail.lane.priority import PRIORITY_NAMES
from stubtail.metrics.breakers import BreakerCollector
from stubtail.metrics.llm import CallNumbers, LlmCollector, UpstreamNumbers
from stubtail.metrics.recorder import Recorder
from stubtail.metrics.series import (
    ERROR_EDGES_S,
    LATENCY_EDGES_S,
    PHASES,
    TOTAL,
    Counts,
    Floats,
    Histogram,
    Series,
)

AllSeries = Mapping[tuple[str, str], Series]
STATUS_NAMES: Final = {int(code): code.name for code in Code}


def build_registry(
    recorder: Recorder,
    lines_dropped: Callable[[], int],
    upstreams: Callable[[], Iterable[UpstreamNumbers]] = tuple,
    breakers: Callable[[], Mapping[tuple[str, str], str]] = dict,
    chats: Callable[[], Iterable[CallNumbers]] = tuple,
) -> CollectorRegistry:
    """A registry of all metrics of this process.

    Args:
        recorder: what the lane notes.
        lines_dropped: log lines lost since the start.
        upstreams: the providers of language models.
        breakers: the states of the breakers of models that have failed lately.
        chats: the calls to language models.
    """
    registry = CollectorRegistry()
    registry.register(RecorderCollector(recorder, lines_dropped))
    registry.register(LlmCollector(upstreams, chats))
    registry.register(BreakerCollector(lambda: recorder.models, breakers))
    ProcessCollector(registry=registry)
    return registry


class RecorderCollector(Collector):
    """Turns the recorder's numbers into metric families at each scrape."""

    def __init__(self, recorder: Recorder, lines_dropped: Callable[[], int]) -> None:
        self._recorder = recorder
        self._lines_dropped = lines_dropped

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are checked by a test, not by a scrape at start."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All families but those of the process."""
        # The recorder folds nothing while this runs, so the families agree with each other.
        yield from self._recorder.read(_series_families)
        yield self._loop_lag()
        yield self._queue_jobs()
        yield self._refusals()
        yield self._model_info()
        yield CounterMetricFamily(
            "stubtail_log_lines_dropped",
            "Log lines lost because writing could not keep up.",
            value=self._lines_dropped(),
        )
        yield CounterMetricFamily(
            "stubtail_metric_notes_lost",
            "Batches and refusals missing in these metrics because a scrape took too long.",
            value=self._recorder.lost_notes,
        )

    def _loop_lag(self) -> Metric:
        family = HistogramMetricFamily(
            "stubtail_event_loop_lag_seconds", "How late the event loop woke.", labels=()
        )
        lag = self._recorder.read(
            lambda _: (self._recorder.loop_lag.counts.copy(), self._recorder.loop_lag.total)
        )
        family.add_metric((), _buckets(self._recorder.loop_lag.edges, lag[0]), lag[1])
        return family

    def _queue_jobs(self) -> Metric:
        family = GaugeMetricFamily(
            "stubtail_queue_jobs", "Calls that wait for a run, now.", labels=("priority",)
        )
        for priority, count in zip(PRIORITY_NAMES, self._recorder.queue_jobs(), strict=False):
            family.add_metric((priority,), count)
        return family

    def _refusals(self) -> Metric:
        family = CounterMetricFamily(
            "stubtail_refusals", "Calls answered without a run, by reason.", labels=("reason",)
        )
        for reason, count in sorted(self._recorder.refusals.copy().items()):
            family.add_metric((reason,), count)
        return family

    def _model_info(self) -> Metric:
        names = ("model", "version", "kind", "state", "live", "sha256")
        family = InfoMetricFamily(
            "stubtail_model", "Versions of models in memory or failed.", labels=()
        )
        for info in self._recorder.models:
            values = (*info[:4], "true" if info.live else "false", info.sha256)
            family.add_metric((), dict(zip(names, values, strict=True)))
        return family


def _series_families(series: AllSeries) -> list[Metric]:
    return [
        _calls_total(series),
        _call_seconds(series),
        _sizes(series, "stubtail_batch_rows", "Rows in a batch.", lambda one: one.rows),
        _sizes(series, "stubtail_batch_calls", "Calls in a batch.", lambda one: one.calls),
        _prediction_error(series),
    ]


def _calls_total(series: AllSeries) -> Metric:
    family = CounterMetricFamily(
        "stubtail_calls",
        "Calls answered.",
        labels=("model", "version", "priority", "status"),
    )
    for (model, version), one in series.items():
        for status, times in one.times.items():
            counts = times.counts[TOTAL].sum(axis=1).tolist()
            for priority, count in zip(PRIORITY_NAMES, counts, strict=True):
                if count:
                    family.add_metric((model, version, priority, _status(status)), count)
    return family


def _call_seconds(series: AllSeries) -> Metric:
    family = HistogramMetricFamily(
        "stubtail_call_seconds",
        "Time of calls by phase: queue, decode, run, encode and total, which is all of them.",
        labels=("phase", "model", "version", "priority", "status"),
    )
    for (model, version), one in series.items():
        for status, times in one.times.items():
            # A refused call has a total and no other phase: empty histograms are left out.
            for phase, index in np.argwhere(times.counts.sum(axis=2)).tolist():
                labels = (PHASES[phase], model, version, PRIORITY_NAMES[index], _status(status))
                buckets = _buckets(LATENCY_EDGES_S, times.counts[phase, index])
                family.add_metric(labels, buckets, float(times.sums[phase, index]))
    return family


def _sizes(
    series: AllSeries, name: str, help_text: str, pick: Callable[[Series], Histogram]
) -> Metric:
    family = HistogramMetricFamily(name, help_text, labels=("model", "version"))
    for labels, one in series.items():
        histogram = pick(one)
        if histogram.counts.any():
            buckets = _buckets(histogram.edges, histogram.counts)
            family.add_metric(labels, buckets, histogram.total)
    return family


def _prediction_error(series: AllSeries) -> Metric:
    family = HistogramMetricFamily(
        "stubtail_prediction_error_seconds",
        "What the latency model predicted for a batch minus what it took.",
        labels=("model", "version"),
    )
    for labels, one in series.items():
        if one.error.counts.any():
            # A sum of values of both signs is no counter: the format forbids it.
            family.add_metric(labels, _buckets(ERROR_EDGES_S, one.error.counts), None)
    return family


def _buckets(edges: Floats, counts: Counts) -> list[tuple[str, float]]:
    bounds = [*map(repr, edges.tolist()), "+Inf"]
    return list(zip(bounds, counts.cumsum().tolist(), strict=True))


def _status(code: int) -> str:
    return STATUS_NAMES.get(code, f"CODE_{code}")
