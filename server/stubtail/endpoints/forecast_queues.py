"""The queues of forecasts: by who forecasts and by how much work that is."""

from typing import Final

from stubtail.endpoints.forecast_run import ForecastRunner
from stubtail.forecasting.crew import Crew
from stubtail.forecasting.task import AUTO, ETS, NAIVE, THETA, TREES, ZERO_SHOT, GraphFile
from stubtail.lane.latency import LatencyModel
from stubtail.lane.model_queue import ModelQueue

QUEUES_MAX: Final = 128  # versions come and go; beyond, the oldest goes
BLOCK_STEPS: Final = 48  # the zero-shot model forecasts so many steps in one run
# Seconds of one series on one core, before anything has been measured.
FIRST_GUESS_S: Final = {
    AUTO: 0.04,
    ZERO_SHOT: 0.015,
    TREES: 0.005,
    ETS: 0.05,
    THETA: 0.02,
    NAIVE: 0.001,
}


class ForecastQueues:
    """Makes a queue for each model and size of series.

    Args:
        crew: runs them.
    """

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._queues: dict[tuple[str, str, int], ModelQueue] = {}

    def queue(self, model: str, graph: GraphFile | None, points: int, horizon: int) -> ModelQueue:
        """The queue of calls whose longest series has so many values and steps to go."""
        blocks = -(-horizon // BLOCK_STEPS)
        size = (min(points, 2048) * blocks).bit_length()
        version = graph.version if graph is not None else ""
        key = (model, version, size)
        queue = self._queues.get(key)
        if queue is None:
            if len(self._queues) >= QUEUES_MAX:
                self._queues.pop(next(iter(self._queues)), None)
            guess_s = FIRST_GUESS_S[model] * (1.0 + 0.25 * (blocks - 1)) / self._crew.size
            queue = ModelQueue(
                ForecastRunner(model, version, self._crew),
                LatencyModel(0.001, guess_s),
                solo=True,  # a call's series fill the processes; its neighbours have their own fate
                apart=True,
            )
            self._queues[key] = queue
        return queue
