"""The methods `detect` and `detect_series` of both clients."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict, Unpack

from stubtail.v1 import anomaly_pb2
from stubtail_client.connection import DETECT_PATH, Settings
from stubtail_client.detect_answers import AnomalyKind, RowAnomalies, SeriesAnomalies
from stubtail_client.detect_wire import (
    RowsPlan,
    SeriesInput,
    read_series,
    series_answer,
    series_request,
)
from stubtail_client.methods import (
    Call,
    awaiting,
    awaiting_parts,
    blocking,
    blocking_parts,
)
from stubtail_client.options import Priority
from stubtail_client.plans import Plan
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


def detect(
    _settings: Settings,
    model: str,
    rows: RowsInput,
    *,
    false_alarm_rate: float | None = None,
    top: int = 0,
    priority: Priority | None = None,
    timeout: float | None = None,
) -> Plan[anomaly_pb2.DetectResponse, RowAnomalies]:
    """Tells how unusual rows are, by a model of kind "anomaly".

    Args:
        model: `name` for the live version, or `name@version`.
        rows: as for `score`. A large input is sent in parts.
        false_alarm_rate: the share of usual rows that is flagged all the same; None for 0.001.
        top: how many features that drive a score to return for each row.
        priority: "critical", "high", "normal" (the server's default) or "low".
        timeout: how long the whole call may take, in seconds; None takes the client's.

    Raises:
        InvalidArgument: an argument does not fit the model; `violations` says which.
        StubtailError: as `score`.
    """
    return RowsPlan(
        model, rows, priority, _settings,
        false_alarm_rate=false_alarm_rate, top=top, timeout=timeout,
    )  # fmt: skip


def detect_series(
    series: SeriesInput,
    *,
    timeout: float | None = None,
    **options: Unpack[SeriesOptions],
) -> Call[SeriesAnomalies]:
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
    sent = read_series(series)
    defaults: dict[str, Any] = {
        "false_alarm_rate": None, "season": 0, "kinds": (), "from_index": 0, "bands": False,
        "group": False, "components": {}, "dependencies": (), "focus": "", "priority": None,
    }  # fmt: skip
    request = series_request(sent, **{**defaults, **options})
    return Call(DETECT_PATH, request, timeout, lambda reply: series_answer(reply, sent))


class Detects:
    """Adds these methods to the sync client."""

    detect = blocking_parts(detect)
    detect_series = blocking(detect_series)


class DetectsAsync:
    """Adds them to the async client."""

    detect = awaiting_parts(detect)
    detect_series = awaiting(detect_series)
