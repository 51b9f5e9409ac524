"""AnomalyService.Detect: rows by a model on the lane, series by themselves in the pool."""

from math import isfinite
from typing import Any, Final

from stubtail import wire
from stubtail.endpoints.detect_rows import DetectEncoder
from stubtail.endpoints.detect_series import SeriesEncoder, SeriesRunner, read_series
from stubtail.endpoints.lane_method import CallPlan, Reading
from stubtail.endpoints.method import parse
from stubtail.endpoints.named import COLUMNS_MAX
from stubtail.endpoints.score_rows import dense_rows, named_rows
from stubtail.endpoints.served import ServedModel, ServedModels
from stubtail.errors import invalid_field
from stubtail.lane.latency import LatencyModel
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.priority import REQUESTED
from stubtail.v1 import anomaly_pb2

PATH: Final = "/stubtail.v1.AnomalyService/Detect"
RATE_DEFAULT: Final = 1e-3
RATE_LEAST: Final = 1e-6
RATE_MOST: Final = 0.2
ENCODERS_MAX: Final = 256  # of different options; a few hundred bytes each
# What judging a series takes before the first one has been judged; then the queue learns.
SERIES_S: Final = 1.5e-3
POINT_S: Final = 4e-6

# The same fields with the same numbers, and every block of floats as bytes (see `wire`). The fields
# of rows have the numbers that they have in ScoreRequest, so that its readers read them.
Request: Any = wire.derive(anomaly_pb2.DetectRequest, {"stubtail.v1.NamedRows.columns"})


def checked_rate(rate: float) -> float:
    """The false-alarm rate of a request; raises CallError for one out of its bounds."""
    if rate == 0.0:
        return RATE_DEFAULT
    if not (isfinite(rate) and RATE_LEAST <= rate <= RATE_MOST):
        problem = f"must be {RATE_LEAST:.6f} to {RATE_MOST}, or 0 for {RATE_DEFAULT}, got {rate:g}"
        raise invalid_field("false_alarm_rate", problem)
    return rate


class DetectReader:
    """Reads detect requests.

    Args:
        models: what is served.
        points_max: of all series of a call.
    """

    def __init__(self, models: ServedModels, points_max: int) -> None:
        self._models = models
        self._points_max = points_max
        # One queue for all series: they run in the pool, each call alone, so that neither the lane
        # nor a small series waits for a large one while a thread is free.
        self._queue = ModelQueue(
            SeriesRunner(), LatencyModel(SERIES_S, POINT_S), solo=True, pooled=True
        )
        self._encoder = SeriesEncoder()
        self._rows: tuple[object, dict[tuple[str, float, int], DetectEncoder]] = (None, {})

    def read(self, payload: bytes) -> Reading:
        """The plan and the rows or series of a request; raises CallError."""
        request = parse(Request, payload)
        priority = REQUESTED.get(request.priority)
        if priority is None:
            raise invalid_field("priority", f"must be 0 to 4, got {request.priority}")
        rate = checked_rate(request.false_alarm_rate)
        form = request.WhichOneof("input")
        if form == "series":
            asked, points = read_series(request, payload, rate, self._points_max)
            plan = CallPlan(self._queue, points, priority, self._encoder)
            return Reading(plan, asked, 0, 2 * len(payload))
        if form is None:
            raise invalid_field("input", "must be set: `series`, `named` or `dense`")
        if not request.model:
            raise invalid_field("model", "must name a model of anomalies")
        model = self._models.resolve(request.model)
        encoder = self._row_encoder(model, rate, request.top_features)
        if form == "named":
            columns = request.named.columns
            if len(columns) > COLUMNS_MAX:
                problem = f"must be 1 to {COLUMNS_MAX} columns, got {len(columns)}"
                raise invalid_field("named.columns", problem)
            rows = named_rows(columns[:], model)
        else:
            rows = dense_rows(payload, request, model)
        plan = CallPlan(rows.queue, rows.number, priority, encoder)
        return Reading(plan, rows.data, rows.tail_bytes, rows.expanded_bytes)

    def _row_encoder(self, model: ServedModel, rate: float, top: int) -> DetectEncoder:
        """The encoder that all calls with these options share, while these versions are live."""
        routes, encoders = self._rows
        if routes is not self._models.routes or len(encoders) >= ENCODERS_MAX:
            routes, encoders = self._models.routes, {}
            self._rows = (routes, encoders)
        key = (f"{model.loaded.key}@{model.version}", rate, top)
        encoder = encoders.get(key)
        if encoder is None:
            encoder = encoders[key] = DetectEncoder(model, rate, top)
        return encoder
