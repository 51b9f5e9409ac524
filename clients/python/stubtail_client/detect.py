"""The methods `detect` and `detect_series` of both clients."""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypedDict, Unpack

from stubtail_client import connection
from stubtail_client.detect_answers import AnomalyKind, RowAnomalies, SeriesAnomalies
from stubtail_client.detect_wire import (
    SentSeries,
    SeriesInput,
    read_series,
    rows_answer,
    rows_requests,
    series_answer,
    series_request,
)
from stubtail_client.options import Priority
from stubtail_client.rows import RowsInput


class SeriesOptions(TypedDict, total=False):
    """The arguments of `detect_series` by name; `Client.detect_series` describes them."""

    false_alarm_rate: float | None
    season: int | Mapping[str, int]
    kinds: Sequence[AnomalyKind | str]
    from_index: int
    bands: bool
    group: bool
    components: Mapping[str, str]
    dependencies: Iterable[tuple[str, str]]
    focus: str
    priority: Priority | None


class Asks(Protocol):
    """What `Detects` needs of a client."""

    _settings: connection.Settings

    def _ask(self, path: str, message: bytes, timeout: float | None) -> bytes: ...


class AsksAsync(Protocol):
    """What `DetectsAsync` needs of a client."""

    _settings: connection.Settings

    def _ask(self, path: str, message: bytes, timeout: float | None) -> Awaitable[bytes]: ...


class Detects:
    """Adds `detect` and `detect_series` to the sync client."""

    def detect(
        self: Asks,
        model: str,
        rows: RowsInput,
        *,
        false_alarm_rate: float | None = None,
        top: int = 0,
        priority: Priority | None = None,
        timeout: float | None = None,
    ) -> RowAnomalies:
        """Tells how unusual rows are, by a model of kind "anomaly".

        Args:
            model: `name` for the live version, or `name@version`.
            rows: as for `score`. A large input is sent in parts, one after the other.
            false_alarm_rate: the share of usual rows that is flagged all the same; None for 0.001.
            top: how many features that drive a score to return for each row.
            priority: "critical", "high", "normal" (the server's default) or "low".
            timeout: how long one call may take, in seconds; None takes the client's.

        Raises:
            InvalidArgument: an argument does not fit the model; `violations` says which.
            StubtailError: as `score`.
        """
        requests = _row_requests(self._settings, model, rows, false_alarm_rate, top, priority)
        return rows_answer(
            [self._ask(connection.DETECT_PATH, request, timeout) for request in requests]
        )

    def detect_series(
        self: Asks,
        series: SeriesInput,
        *,
        timeout: float | None = None,
        **options: Unpack[SeriesOptions],
    ) -> SeriesAnomalies:
        """Finds what is unusual in series; nothing has to be trained.

        Args:
            series: numbers in the order of their time (a list, an array, a pandas Series, whose
                DatetimeIndex is sent along), or several series: a mapping from names to such, or a
                frame with a column for each. NaN is missing.
            timeout: how long the call may take, in seconds; None takes the client's.
            **options: all may be left out.

                false_alarm_rate: the share of points of an undisturbed series that is flagged all
                the same, all kinds together; 0.001 by default.
                season: its length in points, one for all or by name; 0 finds it, 1 for none.
                kinds: what to look for, `AnomalyKind`s or their names; all by default.
                from_index: only anomalies from this position on are returned.
                bands: whether to return what was expected of every point.
                group: whether the series belong together; then `incidents` has likely causes.
                components: of a group, where each series is measured, by the name of the series.
                dependencies: of a group, pairs of a component and one that it depends on.
                focus: of a group, the component whose trouble is to be explained.
                priority: as for `detect`.

        Raises:
            InvalidArgument: a value cannot be judged; `violations` has its index.
            StubtailError: as `score`.
        """
        sent, request = _series_request(series, options)
        return series_answer(self._ask(connection.DETECT_PATH, request, timeout), sent)


class DetectsAsync:
    """Adds `detect` and `detect_series` to the async client."""

    async def detect(
        self: AsksAsync,
        model: str,
        rows: RowsInput,
        *,
        false_alarm_rate: float | None = None,
        top: int = 0,
        priority: Priority | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - gRPC sends it to the server
    ) -> RowAnomalies:
        """Tells how unusual rows are, by a model of kind "anomaly"; see `Client.detect`."""
        requests = _row_requests(self._settings, model, rows, false_alarm_rate, top, priority)
        return rows_answer(
            [await self._ask(connection.DETECT_PATH, request, timeout) for request in requests]
        )

    async def detect_series(
        self: AsksAsync,
        series: SeriesInput,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - gRPC sends it to the server
        **options: Unpack[SeriesOptions],
    ) -> SeriesAnomalies:
        """Finds what is unusual in series, without training; see `Client.detect_series`."""
        sent, request = _series_request(series, options)
        return series_answer(await self._ask(connection.DETECT_PATH, request, timeout), sent)


def _row_requests(
    settings: connection.Settings,
    model: str,
    rows: RowsInput,
    false_alarm_rate: float | None,
    top: int,
    priority: Priority | None,
) -> list[bytes]:
    return rows_requests(
        model,
        rows,
        false_alarm_rate=false_alarm_rate,
        top=top,
        priority=priority,
        rows_max=settings.part_rows_max,
        bytes_max=settings.part_bytes_max,
    )


def _series_request(series: SeriesInput, options: SeriesOptions) -> tuple[list[SentSeries], bytes]:
    sent = read_series(series)
    defaults: dict[str, Any] = {
        "false_alarm_rate": None, "season": 0, "kinds": (), "from_index": 0, "bands": False,
        "group": False, "components": {}, "dependencies": (), "focus": "", "priority": None,
    }  # fmt: skip
    return sent, series_request(sent, **{**defaults, **options})
