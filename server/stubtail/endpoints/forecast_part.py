"""ForecastingService as one part of a server; its processes start when they are first needed."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from stubtail.config import Settings
from stubtail.cpu import forecasting_processes
from stubtail.endpoints import forecast
from stubtail.endpoints.forecast_graphs import served_graphs
from stubtail.endpoints.forecast_queues import ForecastQueues
from stubtail.endpoints.lane_method import Deadlines, LaneMethod
from stubtail.endpoints.part import Part
from stubtail.endpoints.served import ServedModels
from stubtail.errors import CallError
from stubtail.forecasting.crew import Crew
from stubtail.forecasting.task import MODELS, GraphFile
from stubtail.metrics.forecasting import ForecastCollector


class ForecastPart(Part):
    """The family of forecasts.

    Args:
        settings: all settings.
        models: the exported models that are live.
        deadlines: bounds on the time of a call.
        clock: monotonic seconds of the machine.
    """

    def __init__(
        self,
        settings: Settings,
        models: ServedModels,
        deadlines: Deadlines,
        clock: Callable[[], float],
    ) -> None:
        options = settings.forecasting
        size = forecasting_processes(settings)
        self._eager = options.start == "eager"
        self._models = models
        self._crew = Crew(size, options.cached_fits_max, clock, self._graphs) if size else None
        self._lane_methods: list[LaneMethod] = []
        if self._crew is not None:
            limits = forecast.ForecastLimits(
                options.series_max, options.points_max, options.horizon_max
            )
            reader = forecast.ForecastReader(models, ForecastQueues(self._crew), limits)
            self._lane_methods = [LaneMethod(forecast.PATH, reader, models, deadlines)]
            names = (f"{forecast.SERVICE}/{model}" for model in MODELS)
            self.services = (forecast.SERVICE, *names)
            self.descriptors = [forecast.DESCRIPTOR]

    def _graphs(self) -> Sequence[GraphFile]:
        try:
            return tuple(served_graphs(self._models).values())
        except CallError:
            return ()  # whoever asks for it is told

    def lane_methods(self) -> Sequence[LaneMethod]:
        """Forecast, unless it is switched off."""
        return self._lane_methods

    async def start(self) -> None:
        """Starts the processes where they are to wait for the first call."""
        if self._crew is not None and self._eager:
            self._crew.start()

    def register(self, registry: Any) -> None:
        """Adds how many processes live, and how many had to be replaced."""
        if self._crew is not None:
            crew = self._crew
            registry.register(ForecastCollector(lambda: len(crew.pids), lambda: crew.restarts))

    async def aclose(self) -> None:
        """Ends the processes."""
        if self._crew is not None:
            await asyncio.to_thread(self._crew.close)
