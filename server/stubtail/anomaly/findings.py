"""What is found in a series: kinds of anomalies, how grave they are, and where."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Kind(IntEnum):
    """The kinds, by their numbers on the wire (stubtail.v1.AnomalyKind)."""

    POINT = 1
    SPIKE = 2
    DIP = 3
    LEVEL_SHIFT = 4
    VARIANCE = 5
    FLAT_LINE = 6


class Severity(IntEnum):
    """How grave, by the numbers on the wire (stubtail.v1.Severity)."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


MEDIUM_P: Final = 1e-2
HIGH_P: Final = 1e-3
CRITICAL_P: Final = 1e-4


def severity(p_value: float) -> Severity:
    """The severity of a p-value."""
    if p_value > MEDIUM_P:
        return Severity.LOW
    if p_value > HIGH_P:
        return Severity.MEDIUM
    return Severity.HIGH if p_value > CRITICAL_P else Severity.CRITICAL


@dataclass(frozen=True, slots=True)
class Finding:
    """One anomaly: positions `start` to `end` (exclusive), most unusual at `peak`.

    `value` and what was expected there with its band are values of the series; of level shifts
    levels, of changes of variance spreads.
    """

    kind: Kind
    start: int
    end: int
    peak: int
    p_value: float
    value: float
    expected: float
    lower: float
    upper: float
