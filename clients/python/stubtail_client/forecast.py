"""The method `forecast` of both clients."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

from stubtail_client.connection import FORECAST_PATH
from stubtail_client.forecasting import ForecastQuestion, decode_forecasts
from stubtail_client.forecasts import Forecasts
from stubtail_client.methods import Call, awaiting, blocking
from stubtail_client.options import Priority

# The first call of a server starts the processes that forecast, which takes a second or two.
TIMEOUT_S = 10.0


class ForecastOptions(TypedDict, total=False):
    """The arguments of `forecast` by name; `Client.forecast` describes them."""

    model: str
    levels: Sequence[float]
    frequency: str
    start: Any
    season_lengths: Sequence[float]
    covariates: Mapping[str, Any] | None
    non_negative: bool
    integer: bool
    priority: Priority | None


def forecast(
    series: Any,
    horizon: int,
    *,
    timeout: float | None = None,
    **options: Unpack[ForecastOptions],
) -> Call[Forecasts]:
    """Forecasts one series or many; nobody trains anything first.

    Args:
        series: a list of numbers, an array [n], a list of lists, an array [series, n], a dict
            from names to series, or a pandas Series or DataFrame, whose DatetimeIndex or
            PeriodIndex is sent and comes back continued. None, NaN and NA are missing values.
            At most 256 series.
        horizon: how many steps after the last value, 1 to 1,024.
        timeout: how long the call may take, in seconds; None allows 10.
        **options: all can be left out.

            model: "auto" (the default), "zero-shot", "global-trees", "ets", "theta" or
            "seasonal-naive".
            levels: of the quantiles, ascending; 0.1, 0.5 and 0.9 by default.
            frequency: the time between two values, such as "5min", "h", "D", "W", "M", "Q".
            start: when the first value was measured, for series without an index.
            season_lengths: in steps, where they are known, such as (24, 168).
            covariates: names to numbers for every step and `horizon` more: prices, holidays.
            non_negative: whether values below 0 are impossible.
            integer: whether values are counts.
            priority: "critical", "high", "normal" (the server's default) or "low".

    Raises:
        InvalidArgument: a series or an argument is wrong; `violations` says which value.
        StubtailError: as `score`.
    """
    question = ForecastQuestion(series=series, horizon=horizon, **options)
    message, given = question.encode()
    limit = TIMEOUT_S if timeout is None else timeout
    return Call(FORECAST_PATH, message, limit, lambda reply: decode_forecasts(reply, given))


class ForecastsSeries:
    """Adds `forecast` to the sync client."""

    forecast = blocking(forecast)


class ForecastsSeriesAsync:
    """Adds `forecast` to the async client."""

    forecast = awaiting(forecast)
