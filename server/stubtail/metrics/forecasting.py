"""The processes that forecast, as metrics."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class ForecastCollector(Collector):
    """How many processes there are, and how many died or hung: those of several workers add up.

    Args:
        processes: that live now.
        restarts: processes that were replaced since the start.
    """

    def __init__(self, processes: Callable[[], int], restarts: Callable[[], int]) -> None:
        self._processes = processes
        self._restarts = restarts

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are checked by a test."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Both families."""
        yield GaugeMetricFamily(
            "stubtail_forecast_processes",
            "Processes that forecast.",
            value=self._processes(),
        )
        yield CounterMetricFamily(
            "stubtail_forecast_restarts",
            "Forecasting processes that died, or hung and were ended.",
            value=self._restarts(),
        )
