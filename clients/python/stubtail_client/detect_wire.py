"""Questions of Detect to bytes, and its answers back; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from stubtail.v1 import anomaly_pb2
from stubtail_client.connection import DETECT_PATH, Settings
from stubtail_client.details import ScoreWarning, WarningKind
from stubtail_client.detect_answers import (
    KINDS,
    SEVERITIES,
    Anomaly,
    AnomalyKind,
    Cause,
    Driver,
    Incident,
    RowAnomalies,
    SeriesAnomalies,
    SeriesFound,
)
from stubtail_client.errors import invalid_rows, malformed_reply
from stubtail_client.frames import is_frame
from stubtail_client.options import Priority, checked_model, priority_number
from stubtail_client.plans import Part, Plan
from stubtail_client.rows import RowsInput

# Any: a pandas Series or frame is recognised by what it can do, so that pandas is not imported.
SeriesInput = Sequence[float] | npt.NDArray[Any] | Mapping[str, Any] | Any

_DETECT = "AnomalyService.Detect"
_WARNINGS: dict[int, WarningKind] = {
    1: "missing defaulted",
    2: "unknown defaulted",
    3: "clipped",
}


@dataclass(frozen=True, slots=True)
class SentSeries:
    """One series as it is sent, and the index that it came with."""

    name: str
    values: npt.NDArray[np.float64]
    timestamps: npt.NDArray[np.float64]
    index: Any


class RowsPlan(Plan[anomaly_pb2.DetectResponse, RowAnomalies]):
    """A call about rows.

    Args:
        model: `name`, or `name@version`.
        rows: see `read_rows`.
        priority: the class of the call; None leaves it to the server.
        settings: see `Plan`.
        false_alarm_rate: None leaves it to the server.
        top: how many features to return for each row.
        timeout: see `Plan`.

    Raises:
        InvalidArgument: an argument is out of its bounds, or rows have no form that can be sent.
    """

    def __init__(
        self,
        model: str,
        rows: RowsInput,
        priority: Priority | None,
        settings: Settings,
        *,
        false_alarm_rate: float | None,
        top: int,
        timeout: float | None,
    ) -> None:
        if not isinstance(top, int) or top < 0:
            raise invalid_rows("top", f"must be 0 or more features, got {top!r}")
        self._request = anomaly_pb2.DetectRequest(
            model=checked_model(model),
            priority=priority_number(priority),
            false_alarm_rate=false_alarm_rate or 0.0,
            top_features=top,
        )
        # The fields of rows have the same numbers in DetectRequest as in ScoreRequest.
        head = self._request.SerializeToString()
        super().__init__(DETECT_PATH, head, rows, settings, timeout=timeout)

    def decode(
        self, part: Part, reply: bytes, trailing_metadata: Sequence[tuple[str, str | bytes]]
    ) -> anomaly_pb2.DetectResponse:
        """The answers for the rows of one part; raises Internal for a malformed reply."""
        del trailing_metadata  # has nothing of it
        try:
            answer = anomaly_pb2.DetectResponse.FromString(reply)
        except DecodeError:
            raise malformed_reply(_DETECT) from None
        if len(answer.scores) != part.stop - part.start:
            raise malformed_reply(_DETECT)
        return answer

    def join(self, answers: Sequence[anomaly_pb2.DetectResponse]) -> RowAnomalies:
        """The answers of all parts as one."""
        drivers: list[tuple[Driver, ...]] = []
        warnings: list[ScoreWarning] = []
        start = 0
        for one in answers:
            drivers += _drivers(one.drivers, len(one.scores))
            for warning in one.warnings:
                kind = _WARNINGS.get(warning.kind, "unknown")
                rows = tuple(start + row for row in warning.rows)
                warnings.append(ScoreWarning(warning.feature, kind, warning.count, rows))
            start += len(one.scores)
        return RowAnomalies(
            model=answers[0].model,
            version=answers[0].version,
            scores=np.concatenate([np.array(one.scores) for one in answers]),
            p_values=np.concatenate([np.array(one.p_values) for one in answers]),
            severities=tuple(SEVERITIES[at - 1] for one in answers for at in one.severities),
            flagged=np.concatenate([np.array(one.flagged, bool) for one in answers]),
            drivers=tuple(drivers),
            warnings=tuple(warnings),
        )

    def _pinned(self, first: anomaly_pb2.DetectResponse) -> bytes:
        if "@" not in self._request.model and first.version:
            self._request.model += f"@{first.version}"
        return self._request.SerializeToString()


def read_series(series: SeriesInput) -> list[SentSeries]:
    """Recognises the form of series and converts them.

    Args:
        series: numbers in order; a pandas Series, whose DatetimeIndex gives the timestamps; or
            several of these: a mapping from names, or a frame with a column for each.

    Raises:
        InvalidArgument: it has another form.
    """
    if is_frame(series):
        frame: Any = series
        return [_one(str(name), frame[name]) for name in frame.columns]
    if isinstance(series, Mapping):
        return [_one(str(name), values) for name, values in series.items()]
    return [_one(str(getattr(series, "name", None) or ""), series)]


def series_request(
    sent: Sequence[SentSeries],
    *,
    false_alarm_rate: float | None,
    season: int | Mapping[str, int],
    kinds: Sequence[AnomalyKind | str],
    from_index: int,
    bands: bool,
    group: bool,
    components: Mapping[str, str],
    dependencies: Iterable[tuple[str, str]],
    focus: str,
    priority: Priority | None,
) -> bytes:
    """The request for series; `Client.detect_series` describes the arguments."""
    names = {str(kind): at for at, kind in enumerate(KINDS, start=1)}
    unknown = [str(kind) for kind in kinds if str(kind) not in names]
    if unknown:
        raise invalid_rows("kinds", f"must be of {', '.join(names)}; got {unknown[0]!r}")
    request = anomaly_pb2.DetectRequest(
        priority=priority_number(priority), false_alarm_rate=false_alarm_rate or 0.0
    )
    asked = request.series
    asked.from_index, asked.bands, asked.group, asked.focus = from_index, bands, group, focus
    numbers: Any = [names[str(kind)] for kind in kinds]
    asked.kinds.extend(numbers)
    for component, depends_on in dependencies:
        asked.dependencies.add(component=component, depends_on=depends_on)
    for one in sent:
        length = season if isinstance(season, int) else season.get(one.name, 0)
        asked.series.add(
            name=one.name,
            component=components.get(one.name, ""),
            season_length=length,
            timestamps=one.timestamps,
            values=one.values,
        )
    return request.SerializeToString()


def series_answer(reply: bytes, sent: Sequence[SentSeries]) -> SeriesAnomalies:
    """The answer about series."""
    found = anomaly_pb2.DetectResponse.FromString(reply)
    return SeriesAnomalies(
        found.model,
        found.version,
        tuple(_series(one, of) for one, of in zip(found.series, sent, strict=True)),
        tuple(
            Incident(
                one.start,
                one.end,
                SEVERITIES[one.severity - 1],
                tuple(
                    Cause(
                        cause.component, cause.weight, cause.start, cause.surprise,
                        tuple(cause.series), cause.explained,
                    )
                    for cause in one.causes
                ),
                one.series_count,
            )
            for one in found.incidents
        ),
    )  # fmt: skip


def _series(found: anomaly_pb2.SeriesAnomalies, of: SentSeries) -> SeriesFound:
    timed = len(of.timestamps) > 0
    anomalies = tuple(
        Anomaly(
            KINDS[one.kind - 1], SEVERITIES[one.severity - 1], one.start, one.end, one.peak,
            one.p_value, one.value, one.expected, one.lower, one.upper,
            one.timestamp if timed else None,
        )
        for one in found.anomalies
    )  # fmt: skip
    return SeriesFound(
        of.name,
        anomalies,
        found.season_length,
        found.left_out,
        np.array(found.expected),
        np.array(found.lower),
        np.array(found.upper),
        of.values,
        of.index,
    )


def _one(name: str, values: Any) -> SentSeries:
    index = getattr(values, "index", None)
    index = None if callable(index) else index  # a list has a method of this name
    times = np.empty(0)
    if index is not None and getattr(getattr(index, "dtype", None), "kind", "") == "M":
        aware = getattr(index, "tz", None) is not None
        utc = index.tz_convert("UTC").tz_localize(None) if aware else index
        stamps = np.asarray(utc.to_numpy(), "datetime64[ns]")
        times = stamps.astype(np.int64) / 1e9
    try:
        numbers = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise invalid_rows(f"series {name!r}", "expected numbers") from None
    if numbers.ndim != 1:
        shape = list(numbers.shape)
        raise invalid_rows(f"series {name!r}", f"expected one row of numbers, got {shape}")
    return SentSeries(name, numbers, times, index)


def _drivers(found: anomaly_pb2.Drivers, rows: int) -> list[tuple[Driver, ...]]:
    top = found.top
    if not top:
        return []
    every = [
        Driver(found.names[at], *numbers)
        for at, *numbers in zip(
            found.name_indexes,
            found.contributions,
            found.values,
            found.lower,
            found.upper,
            strict=True,
        )
    ]
    return [tuple(every[row * top : (row + 1) * top]) for row in range(rows)]
