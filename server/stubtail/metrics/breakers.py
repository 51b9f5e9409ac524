"""The circuit breakers of the models on the lane, as metrics."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from stubtail.metrics.recorder import ModelInfo

STATES: Final = ("closed", "half-open", "open")


class BreakerCollector(Collector):
    """One series for each state of each version in memory: those of several workers add up.

    Args:
        models: the versions that are known.
        states: of the breakers that are not new, by name and version.
    """

    def __init__(
        self,
        models: Callable[[], Iterable[ModelInfo]],
        states: Callable[[], Mapping[tuple[str, str], str]],
    ) -> None:
        self._models = models
        self._states = states

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are checked by a test."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The one family."""
        family = GaugeMetricFamily(
            "stubtail_model_breakers",
            "Circuit breakers of models in this state.",
            labels=("model", "version", "state"),
        )
        states = self._states()
        for info in self._models():
            found = states.get((info.model, info.version), "closed")
            for state in STATES:
                family.add_metric((info.model, info.version, state), float(state == found))
        yield family
