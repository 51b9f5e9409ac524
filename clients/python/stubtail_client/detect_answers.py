"""What Detect and Watch answer, as plain objects with numpy arrays."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stubtail.v1 import anomaly_pb2
from stubtail_client.details import ScoreWarning

Floats = npt.NDArray[np.float64]


class Severity(StrEnum):
    """How unusual: by p-values of 0.01, 0.001 and 0.0001, or those of a model's manifest."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class AnomalyKind(StrEnum):
    """What kind of anomaly."""

    POINT = "point"
    SPIKE = "spike"
    DIP = "dip"
    LEVEL_SHIFT = "level shift"
    VARIANCE = "variance"
    FLAT_LINE = "flat line"


SEVERITIES = tuple(Severity)
KINDS = tuple(AnomalyKind)


@dataclass(frozen=True, slots=True)
class Driver:
    """A feature that makes a row unusual.

    Attributes:
        feature: its name.
        surprise: -log10 of how rare it is.
        value: what the row has.
        lower, upper: what was expected, given the row's other features.
    """

    feature: str
    surprise: float
    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class RowAnomalies:
    """What a model says of rows, in their order.

    Attributes:
        model, version: what answered.
        scores: 0 (as usual as any) to 1, [rows].
        p_values: the chance that a usual row has such a score or a higher one, [rows].
        severities: of each row.
        flagged: whether the p-value is at most the false-alarm rate, [rows].
        drivers: of each row, the strongest first; empty where none were asked for.
        warnings: what was put in the place of values that the model cannot take.
    """

    model: str
    version: str
    scores: Floats
    p_values: Floats
    severities: tuple[Severity, ...]
    flagged: npt.NDArray[np.bool_]
    drivers: tuple[tuple[Driver, ...], ...] = ()
    warnings: tuple[ScoreWarning, ...] = ()

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One anomaly of a series: points `start` to before `end`, most unusual at `peak`.

    `value`, `expected`, `lower` and `upper` are those at the peak; of level shifts levels, of
    changes of variance spreads. `timestamp` is that of `start`, None without timestamps.
    """

    kind: AnomalyKind
    severity: Severity
    start: int
    end: int
    peak: int
    p_value: float
    value: float
    expected: float
    lower: float
    upper: float
    timestamp: float | None


@dataclass(frozen=True, slots=True)
class SeriesFound:
    """What is unusual in one series.

    Attributes:
        name: of the series.
        anomalies: by their start.
        season_length: that was used, 1 for none.
        left_out: how many anomalies there were beyond these.
        expected, lower, upper: of each point with `bands`, else empty.
        values: what was sent.
        index: of the pandas Series that was sent; None for other input.
    """

    name: str
    anomalies: tuple[Anomaly, ...]
    season_length: int
    left_out: int
    expected: Floats
    lower: Floats
    upper: Floats
    values: Floats = field(repr=False)
    index: Any = field(default=None, repr=False)

    def to_frame(self) -> Any:
        """A pandas DataFrame with the index that was sent: value, kind, severity and the bands.

        Raises:
            ImportError: pandas is not installed.
        """
        import pandas as pd  # noqa: PLC0415 - an option of the caller's

        columns: dict[str, Any] = {"value": self.values}
        if len(self.expected):
            columns |= {"expected": self.expected, "lower": self.lower, "upper": self.upper}
        kind = np.full(len(self.values), None, object)
        severity = kind.copy()
        for one in self.anomalies:
            kind[one.start : one.end] = str(one.kind)
            severity[one.start : one.end] = str(one.severity)
        return pd.DataFrame({**columns, "kind": kind, "severity": severity}, index=self.index)


@dataclass(frozen=True, slots=True)
class Cause:
    """A component that may have caused an incident; `explained` by what it depends on, 0 to 1."""

    component: str
    weight: float
    start: int
    surprise: float
    series: tuple[str, ...]
    explained: float


@dataclass(frozen=True, slots=True)
class Incident:
    """Anomalies of several series at the same time, with likely causes, the likeliest first."""

    start: int
    end: int
    severity: Severity
    causes: tuple[Cause, ...]
    series_count: int


@dataclass(frozen=True, slots=True)
class SeriesAnomalies:
    """What is unusual in series, in the order in which they were sent."""

    model: str
    version: str
    series: tuple[SeriesFound, ...]
    incidents: tuple[Incident, ...] = ()

    def __getitem__(self, name: str) -> SeriesFound:
        for one in self.series:
            if one.name == name:
                return one
        raise KeyError(name)

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """Those of the first series, for calls with one."""
        return self.series[0].anomalies


@dataclass(frozen=True, slots=True)
class WatchAlarm:
    """One unusual point: `index` is its position among the points that were sent together."""

    index: int
    key: str
    kind: AnomalyKind
    severity: Severity
    value: float
    expected: float
    lower: float
    upper: float
    deviation: float


@dataclass(frozen=True, slots=True)
class WatchVerdicts:
    """The verdicts on points that were sent together; bands are empty unless asked for."""

    alarms: tuple[WatchAlarm, ...]
    keys_known: int
    forgotten: tuple[str, ...]
    forgotten_count: int
    expected: Floats = field(repr=False)
    lower: Floats = field(repr=False)
    upper: Floats = field(repr=False)

    @classmethod
    def of(cls, reply: anomaly_pb2.WatchVerdicts) -> Self:
        """From the message."""
        alarms = tuple(
            WatchAlarm(
                one.index, one.key, KINDS[one.kind - 1], SEVERITIES[one.severity - 1],
                one.value, one.expected, one.lower, one.upper, one.deviation,
            )
            for one in reply.alarms
        )  # fmt: skip
        return cls(
            alarms, reply.keys_known, tuple(reply.forgotten), reply.forgotten_count,
            np.array(reply.expected), np.array(reply.lower), np.array(reply.upper),
        )  # fmt: skip
