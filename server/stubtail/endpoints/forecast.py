"""ForecastingService.Forecast: the series of one call become one job of the lane."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

from stubtail import wire
from stubtail.endpoints.forecast_graphs import graph_file, served_graphs
from stubtail.endpoints.forecast_queues import ForecastQueues
from stubtail.endpoints.forecast_replies import ForecastEncoder
from stubtail.endpoints.forecast_series import (
    Asked,
    doubles,
    points_of,
    read_frequency,
    read_levels,
    read_seasons,
    whole,
)
from stubtail.endpoints.lane_method import CallPlan, Reading
from stubtail.endpoints.method import parse
from stubtail.endpoints.served import ServedModels
from stubtail.errors import CallError, Code, invalid_field
from stubtail.forecasting.task import AUTO, ETS, GRAPHS, MODELS, THETA, GraphFile
from stubtail.lane.priority import REQUESTED
from stubtail.v1 import forecasting_pb2

PATH = "/stubtail.v1.ForecastingService/Forecast"
CELLS_MAX: Final = 1_000_000  # numbers of one reply: 8 MB
ID_CHARACTERS_MAX: Final = 256
LIBRARY_MODELS: Final = (ETS, THETA)


@dataclass(frozen=True, slots=True)
class ForecastLimits:
    """How much one call may ask for; the settings of `forecasting` tell the reasons."""

    series_max: int
    points_max: int
    horizon_max: int


class ForecastReader:
    """Reads forecast requests: what is wrong is refused here or, for single values, in the run.

    Args:
        models: the exported models that are live.
        queues: where the jobs wait.
        limits: how much one call may ask for.
    """

    def __init__(
        self, models: ServedModels, queues: ForecastQueues, limits: ForecastLimits
    ) -> None:
        self._models = models
        self._queues = queues
        self._limits = limits
        self._has_library = find_spec("statsmodels") is not None

    def read(self, payload: bytes) -> Reading:
        """The plan and the series of a request; raises CallError."""
        request = whole(parse(wire.ForecastRequest, payload), payload)
        priority = REQUESTED.get(request.priority)
        if priority is None:
            raise invalid_field("priority", f"must be 0 to 4, got {request.priority}")
        self._check_sizes(request)
        model, graphs = self._model(request.model or AUTO)
        levels = read_levels(doubles(request.quantile_levels))
        seasons = read_seasons(doubles(request.season_lengths))
        read_frequency(request.frequency, "frequency")
        cells = len(request.series) * request.horizon * (1 + len(levels))
        if cells > CELLS_MAX:
            raise invalid_field(
                "horizon",
                f"series times horizon times (1 + quantile levels) must be at most {CELLS_MAX:,}, "
                f"got {cells:,}; send fewer series in a call",
            )
        points = [points_of(series) for series in request.series]
        total = sum(points)
        if total > self._limits.points_max:
            raise invalid_field(
                "series", f"must have at most {self._limits.points_max:,} values, got {total:,}"
            )
        count = len(request.series)
        queue = self._queues.queue(model, graphs.get(model), max(points), request.horizon)
        encoder = ForecastEncoder(model, request.horizon, levels)
        plan = CallPlan(queue, count, priority, encoder)
        return Reading(plan, Asked(request, model, levels, seasons, graphs), 0, len(payload))

    def _check_sizes(self, request: Any) -> None:
        limits = self._limits
        if not 1 <= request.horizon <= limits.horizon_max:
            raise invalid_field(
                "horizon", f"must be 1 to {limits.horizon_max:,}, got {request.horizon:,}"
            )
        if not 1 <= len(request.series) <= limits.series_max:
            raise invalid_field(
                "series", f"must be 1 to {limits.series_max:,}, got {len(request.series):,}"
            )
        for index, series in enumerate(request.series):
            if len(series.id) > ID_CHARACTERS_MAX:
                raise invalid_field(
                    f"series[{index}].id",
                    f"must be at most {ID_CHARACTERS_MAX} characters, got {len(series.id):,}",
                )

    def _model(self, reference: str) -> tuple[str, dict[str, GraphFile]]:
        """Who is asked, and the graphs that may be used; raises CallError."""
        name = reference.partition("@")[0]
        if name not in MODELS or (reference != name and name not in GRAPHS):
            listed = ", ".join(MODELS)
            raise invalid_field(
                "model",
                f'must be one of {listed}; a version ("@1") only for a graph; got '
                f'"{reference[:64]}"',
            )
        if name in LIBRARY_MODELS and not self._has_library:
            raise CallError(
                Code.FAILED_PRECONDITION,
                "MODEL_DISABLED",
                f"{name} needs the extra `forecasting` (statsmodels), which is not installed on "
                "this server; ask for another model, or install stubtail[forecasting] there",
            )
        if name == AUTO:
            return name, served_graphs(self._models)
        return name, {name: graph_file(self._models, reference)} if name in GRAPHS else {}


SERVICE = "stubtail.v1.ForecastingService"
DESCRIPTOR = forecasting_pb2.DESCRIPTOR
