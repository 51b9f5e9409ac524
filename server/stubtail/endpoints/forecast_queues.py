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


# Of the time that `auto` takes, what it cannot leave out when time is short.
LEAST_PART: Final = 0.25


class LeastLatency(LatencyModel):
    """How long a model takes at least that does what fits into its time.

    Calls are admitted by it: to refuse what takes longer with all the time in the world would be
    to refuse whom the model could have answered.

    Args:
        whole: learns how long it takes.
    """

    __slots__ = ("_whole",)

    def __init__(self, whole: LatencyModel) -> None:
        super().__init__(LEAST_PART * whole.fixed_s, LEAST_PART * whole.per_row_s)
        self._whole = whole

    def observe(self, rows: int, run_s: float) -> None:
        """Learns from one finished run."""
        self._whole.observe(rows, run_s)
        self.fixed_s = LEAST_PART * self._whole.fixed_s
        self.per_row_s = LEAST_PART * self._whole.per_row_s


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
            latency = LatencyModel(0.001, guess_s)
            queue = ModelQueue(
                ForecastRunner(model, version, self._crew),
                LeastLatency(latency) if model == AUTO else latency,
                solo=True,  # a call's series fill the processes; its neighbours have their own fate
                apart=True,
            )
            self._queues[key] = queue
        return queue
