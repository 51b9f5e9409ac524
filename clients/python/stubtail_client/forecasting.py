"""One `forecast` call: series of any kind to a request, and the reply to Forecasts; no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from stubtail.v1 import forecasting_pb2
from stubtail_client.errors import InvalidArgument, invalid_rows, malformed_reply
from stubtail_client.forecasts import Doubles, Forecast, Forecasts, Times
from stubtail_client.options import Priority, checked_model, priority_number

FORECAST = "ForecastingService.Forecast"
FREQUENCIES = {
    "s": "s", "min": "min", "h": "h", "D": "D", "W": "W", "ME": "M", "MS": "M", "M": "M",
    "QE": "Q", "QS": "Q", "Q": "Q", "YE": "Y", "YS": "Y", "Y": "Y", "T": "min", "H": "h", "S": "s",
    "A": "Y",
}  # fmt: skip
DEFAULT_LEVELS = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Given:
    """One series as a caller gave it.

    Attributes:
        id: its name.
        values: float64 [n], NaN where missing.
        times: datetime64 [n]; None without an index of times.
        frequency: of the index, in the server's words; empty where it has none.
        index: what made the index of the future: a pandas DatetimeIndex or PeriodIndex, or None.
    """

    id: str
    values: Doubles
    times: Times | None = None
    frequency: str = ""
    index: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastQuestion:
    """What a caller asks; `Client.forecast` describes each."""

    series: Any
    horizon: int
    model: str = "auto"
    levels: Sequence[float] = DEFAULT_LEVELS
    frequency: str = ""
    start: Any = None
    season_lengths: Sequence[float] = ()
    covariates: Mapping[str, Any] | None = None
    non_negative: bool = False
    integer: bool = False
    priority: Priority | None = None

    def encode(self) -> tuple[bytes, list[Given]]:
        """A ForecastRequest, and the series in it.

        Raises:
            InvalidArgument: an argument cannot be sent.
        """
        given = series_of(self.series)
        if isinstance(self.horizon, int) and not 0 <= self.horizon < 1 << 32:
            raise invalid_rows("horizon", f"must be 1 to 1,024, got {self.horizon}")
        try:
            request = forecasting_pb2.ForecastRequest(
                model=checked_model(self.model),
                priority=priority_number(self.priority),
                horizon=self.horizon,
                quantile_levels=self.levels,
                frequency=self.frequency,
                season_lengths=self.season_lengths,
                non_negative=self.non_negative,
                integer=self.integer,
            )
            for one in given:
                message = request.series.add(id=one.id, frequency=one.frequency)
                message.values.extend(one.values.tolist())
                if self.start is not None:
                    message.start_ms = _milliseconds(np.array([self.start]))[0]
                elif one.times is not None:
                    message.timestamps_ms.extend(_milliseconds(one.times))
                for name, values in (self.covariates or {}).items():
                    message.covariates.add(name=name, values=_numbers(values, name).tolist())
        except InvalidArgument:
            raise
        except (TypeError, ValueError, OverflowError) as error:
            raise invalid_rows("forecast", f"cannot be sent: {error}") from None
        return request.SerializeToString(), given


def series_of(series: Any) -> list[Given]:
    """The series that an argument holds.

    A list of numbers or an array [n] is one series; a list of lists or an array [series, n] are
    several; a dict has their names; a pandas Series or DataFrame brings its index of times.

    Raises:
        InvalidArgument: it holds none, or something else than numbers.
    """
    if isinstance(series, Mapping):
        found = [_one(values, str(name)) for name, values in series.items()]
    elif hasattr(series, "columns") and hasattr(series, "index"):
        found = [_one(series[name], str(name)) for name in series.columns]
    elif hasattr(series, "index") and hasattr(series, "to_numpy"):
        found = [_one(series, str(series.name) if series.name is not None else "")]
    elif isinstance(series, np.ndarray) and series.ndim == 2:
        found = [_one(row, str(at)) for at, row in enumerate(series)]
    elif isinstance(series, list | tuple) and series and not np.isscalar(series[0]):
        found = [] if series[0] is None else [_one(row, str(at)) for at, row in enumerate(series)]
        found = found or [_one(series, "")]
    elif isinstance(series, list | tuple) and not series:
        found = []
    else:
        found = [_one(series, "")]
    if not found:
        raise invalid_rows("series", "there is none")
    return found


def decode_forecasts(reply: bytes, given: Sequence[Given]) -> Forecasts:
    """The reply as arrays.

    Raises:
        Internal: the reply is not what the server promises.
    """
    try:
        message = forecasting_pb2.ForecastResponse.FromString(reply)
        levels = tuple(message.quantile_levels)
        count, horizon = len(message.series), message.horizon
        points = np.array(message.points[:], np.float64).reshape(count, horizon)
        quantiles = np.array(message.quantiles[:], np.float64)
        quantiles = quantiles.reshape(count, len(levels), horizon)
        times = None
        if message.timestamps_ms:
            stamps = np.array(message.timestamps_ms[:], np.int64).reshape(count, horizon)
            times = stamps.astype("datetime64[ms]")
        made = tuple(
            _forecast(
                one,
                points[at],
                dict(zip(levels, quantiles[at], strict=True)),
                times[at] if times is not None else None,
                given[at],
            )
            for at, one in enumerate(message.series)
        )
    except (DecodeError, ValueError, IndexError):
        raise malformed_reply(FORECAST) from None
    return Forecasts(points, quantiles, levels, made)


def _forecast(
    message: forecasting_pb2.SeriesForecast,
    point: Doubles,
    quantiles: dict[float, Doubles],
    times: Times | None,
    given: Given,
) -> Forecast:
    return Forecast(
        id=message.id,
        point=point,
        quantiles=quantiles,
        times=times,
        model=message.model,
        version=message.version,
        reason=message.reason,
        shares={share.model: share.weight for share in message.shares},
        season_lengths=tuple(message.season_lengths),
        slope=message.trend_slope,
        slope_interval=(message.trend_slope_lower, message.trend_slope_upper),
        backtest_mae=message.backtest_mae,
        backtest_mase=message.backtest_mase,
        backtest_origins=message.backtest_origins,
        notes=tuple(message.notes),
        index=_future(given.index, times),
    )


def _one(values: Any, name: str) -> Given:
    numbers = _numbers(values, name)
    index = getattr(values, "index", None)
    if callable(index) or index is None:
        return Given(name, numbers)
    periods = hasattr(index, "to_timestamp") and hasattr(index, "freqstr")
    stamps = index.to_timestamp() if periods else index
    times = np.asarray(stamps)
    if hasattr(stamps, "tz") and stamps.tz is not None:
        times = np.asarray(stamps.tz_convert("UTC").tz_localize(None))
    if times.dtype.kind != "M":
        return Given(name, numbers)
    # Only an index of pandas can be continued; plain times come back as `Forecast.times`.
    return Given(name, numbers, times, _frequency(index), index if hasattr(stamps, "tz") else None)


def _frequency(index: Any) -> str:
    """The frequency of a pandas index in the server's words; empty where it has none that fits."""
    text = getattr(index, "freqstr", None) or ""
    head = text.partition("-")[0]
    count = head[: len(head) - len(head.lstrip("0123456789"))]
    unit = FREQUENCIES.get(head[len(count) :])
    return f"{count}{unit}" if unit else ""


def _future(index: Any, times: Times | None) -> Any:
    """An index like that of the past; None where there was none."""
    if index is None or times is None:
        return None
    if hasattr(index, "to_timestamp"):
        return type(index)(times, freq=index.freq)
    made = type(index)(times)
    return made.tz_localize("UTC").tz_convert(index.tz) if index.tz is not None else made


def _numbers(values: Any, name: str) -> Doubles:
    """Float64 [n]; None and NA are NaN."""
    try:
        plain = values.to_numpy() if hasattr(values, "to_numpy") else values
        kind = getattr(getattr(plain, "dtype", None), "kind", "")
        if isinstance(plain, list | tuple) or kind == "O":
            plain = [np.nan if _is_missing(value) else float(value) for value in plain]
        numbers = np.asarray(plain, np.float64)
    except (TypeError, ValueError):
        raise invalid_rows(f'series "{name[:64]}"', "expected numbers") from None
    if numbers.ndim != 1:
        raise invalid_rows(
            f'series "{name[:64]}"', f"expected one row of numbers, got {numbers.shape}"
        )
    return numbers


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ in {"NAType", "NaTType"}  # pandas, not imported


def _milliseconds(times: Any) -> list[int]:
    return [int(one) for one in np.asarray(times, "datetime64[ms]").astype(np.int64)]
