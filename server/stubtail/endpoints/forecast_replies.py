"""The reply of a forecast: columns of numbers as bytes, and one small message for each series."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stubtail.endpoints.forecast_series import Placed
from stubtail.endpoints.protobuf import opening
from stubtail.forecasting.task import Answer, Doubles
from stubtail.lane.job import Job
from stubtail.v1 import forecasting_pb2

POINTS, QUANTILES, TIMESTAMPS = 4, 5, 6  # fields of ForecastResponse
NOTES_MAX = 16


class ForecastEncoder:
    """Makes the reply of one call.

    Args:
        model: who was asked.
        horizon: steps.
        levels: float64 [L].
    """

    def __init__(self, model: str, horizon: int, levels: Doubles) -> None:
        self._model = model
        self._horizon = horizon
        self._levels = levels

    def prepare(self, outputs: Sequence[Any]) -> Sequence[Any]:
        """Nothing: no other call shares the run."""
        return outputs

    def encode(
        self, prepared: Sequence[tuple[Placed, Answer]], first: int, end: int, job: Job
    ) -> bytes:
        """The reply of the call."""
        del first, end
        request = job.data.request
        small = forecasting_pb2.ForecastResponse(
            model=self._model, horizon=self._horizon, quantile_levels=self._levels.tolist()
        )
        for series, (_, answer) in zip(request.series, prepared, strict=True):
            small.series.append(_series(series.id, answer))
        columns = [(POINTS, np.stack([answer.point for _, answer in prepared]))]
        if len(self._levels):
            columns.append((QUANTILES, np.stack([answer.quantiles for _, answer in prepared])))
        futures = [placed.future_ms for placed, _ in prepared]
        known = [future for future in futures if future is not None]
        pieces = [small.SerializeToString()]
        if len(known) == len(futures):
            columns.append((TIMESTAMPS, np.stack(known)))
        for field, column in columns:
            data = np.ascontiguousarray(column).astype(column.dtype.newbyteorder("<")).tobytes()
            pieces += (opening(field, len(data)), data)
        pieces.append(job.suffix)
        return b"".join(pieces)


def _series(name: str, answer: Answer) -> forecasting_pb2.SeriesForecast:
    slope, lower, upper = answer.slope
    return forecasting_pb2.SeriesForecast(
        id=name,
        model=answer.model,
        version=answer.version,
        reason=answer.reason,
        shares=[
            forecasting_pb2.ModelShare(
                model=share.model, weight=share.weight, relative_mae=share.relative_mae
            )
            for share in answer.shares
        ],
        season_lengths=answer.season_lengths,
        trend_slope=slope,
        trend_slope_lower=lower,
        trend_slope_upper=upper,
        backtest_mae=answer.backtest_mae,
        backtest_mase=answer.backtest_mase,
        backtest_origins=answer.origins,
        notes=answer.notes[:NOTES_MAX],
    )
