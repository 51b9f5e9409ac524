"""Finds what is unusual in one series, without training: forecast residuals, judged by their tails.

A point is judged by how far it is from what the points before it and its season foretell, against
the distribution of those distances in the series itself. Changes that last are judged likewise, by
windows before and after. The false-alarm rate is divided among what is looked for.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stubtail.anomaly.changes import (
    flat_lines,
    level_shifts,
    spread_changes,
    without_returns,
)
from stubtail.anomaly.expectation import EXACT, Expectation, after_shifts, expect
from stubtail.anomaly.findings import Finding, Kind
from stubtail.anomaly.recurring import habits, on_schedule
from stubtail.anomaly.tails import Tail, both_tails, chances

Numbers = NDArray[np.float64]

ALL_KINDS: Final = frozenset(Kind)
POINT_KINDS: Final = frozenset((Kind.POINT, Kind.SPIKE, Kind.DIP))
# How the rate is divided: single points are what people look for most.
SHARES: Final = {
    Kind.POINT: 0.7,
    Kind.LEVEL_SHIFT: 0.1,
    Kind.VARIANCE: 0.1,
    Kind.FLAT_LINE: 0.1,
}
FEW_SCALE: Final = 0.6  # spreads: of the tail of a sample that is too small to have one
GAP_MAX: Final = 2  # usual points between two unusual ones of one anomaly
OUTSIDE: Final = 0.002  # of the expected values on either side: beyond them a value is never usual
# Of the rate, for values that the series has at other times: where a season or a level is somewhat
# wrong they are what comes of it. See ARCHITECTURE, 62.
INSIDE: Final = 0.1
WANDERING: Final = 5  # points: where so few tell the level best, what was usual before says little


@dataclass(frozen=True, slots=True)
class Judged:
    """What a series is made of and what is unusual in it.

    Attributes:
        expectation: what was expected.
        p_values: of each point by its distance from that, [n]; 1 where it is missing.
        lower, upper: the band beyond which points are flagged, [n].
        findings: by their start.
    """

    expectation: Expectation
    p_values: Numbers
    lower: Numbers
    upper: Numbers
    findings: tuple[Finding, ...]


def detect(
    values: Numbers,
    *,
    rate: float,
    season: int = 0,
    interval_s: float = 0.0,
    kinds: Collection[Kind] = ALL_KINDS,
) -> Judged:
    """Judges a series.

    Args:
        values: [n], at least 8 finite; NaN is missing.
        rate: the share of points of an undisturbed series that may be flagged, all kinds together.
        season: its length in points; 0 finds it, 1 for none.
        interval_s: seconds between two points; 0 when not known.
        kinds: what to look for, at least one.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        expectation = expect(values, season, interval_s)
        rates = _rates(rate, kinds)
        seen, width = expectation.seen, expectation.width
        places = np.flatnonzero(seen)  # what is missing has neither a level nor a spread
        findings: list[Finding] = []
        if Kind.LEVEL_SHIFT in rates:
            level = expectation.level[places]
            shifts = _at(level_shifts(level, width[places], rates[Kind.LEVEL_SHIFT]), places)
            expectation = after_shifts(
                expectation, values, [(one.start, one.value) for one in shifts]
            )
            findings += _rare(without_returns(shifts), len(places), rate)
        residuals = expectation.residuals
        above, below = both_tails(residuals[seen], EXACT, FEW_SCALE)
        p_values = np.where(seen, chances(residuals, above, below), 1.0)
        point_rate = rates.get(Kind.POINT, 0.0)
        lower, upper = _band(expectation, above, below, point_rate or rate)
        if point_rate:
            found = _points(values, expectation, p_values, lower, upper, point_rate)
            findings += [one for one in _unscheduled(found) if one.kind in kinds]
        if Kind.VARIANCE in rates:
            varied = spread_changes(residuals[places], width[places], rates[Kind.VARIANCE])
            findings += _rare(_at(without_returns(varied), places), len(places), rate)
        if Kind.FLAT_LINE in rates:
            flat = rates[Kind.FLAT_LINE]
            findings += flat_lines(values, expectation.expected, width, seen, flat)
    findings.sort(key=lambda one: (one.start, one.kind))
    return Judged(expectation, p_values, lower, upper, tuple(findings))


def _rates(rate: float, kinds: Collection[Kind]) -> dict[Kind, float]:
    """The rate of each kind that is looked for; point, spike and dip share one."""
    wanted = {Kind.POINT if kind in POINT_KINDS else kind for kind in kinds}
    total = sum(SHARES[kind] for kind in wanted)
    return {kind: rate * SHARES[kind] / total for kind in wanted}


def _at(found: Sequence[Finding], places: NDArray[np.intp]) -> list[Finding]:
    """Changes that were found among some points, at their places among all."""
    moved = []
    for one in found:
        place = int(places[one.start])
        moved.append(replace(one, start=place, end=place + 1, peak=place))
    return moved


def _unscheduled(found: Sequence[Finding]) -> list[Finding]:
    """What does not happen again and again at about equal distances, in the same direction."""
    kept: list[Finding] = []
    for some in _directions(found):
        regular = on_schedule([one.start for one in some])
        kept += [one for one, usual in zip(some, regular, strict=True) if not usual]
    return kept


def _rare(found: Sequence[Finding], points: int, rate: float) -> list[Finding]:
    """What does not happen too often to be unusual at this rate, in the same direction."""
    kept: list[Finding] = []
    for some in _directions(found):
        sizes = np.array([abs(one.value - one.expected) for one in some])
        usual = habits(sizes, points, rate)
        kept += [one for one, often in zip(some, usual.tolist(), strict=True) if not often]
    return kept


def _directions(found: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Above what was expected, and below."""
    above = [one for one in found if one.value > one.expected]
    return above, [one for one in found if one.value <= one.expected]


def _band(
    expectation: Expectation, above: Tail, below: Tail, rate: float
) -> tuple[Numbers, Numbers]:
    half = rate / 2.0
    upper = expectation.expected + expectation.width * above.bound(half)
    lower = expectation.expected - expectation.width * below.bound(half)
    return lower, upper


def _points(
    values: Numbers,
    expectation: Expectation,
    p_values: Numbers,
    lower: Numbers,
    upper: Numbers,
    rate: float,
) -> list[Finding]:
    """Runs of unusual points, with at most `GAP_MAX` usual ones between two."""
    places = np.flatnonzero(p_values <= rate)
    if not len(places):
        return []
    least, most = _range(values, expectation, float(np.median(upper - lower)) / 2, rate)
    inside = rate if expectation.memory <= WANDERING else INSIDE * rate
    breaks = np.flatnonzero(np.diff(places) > GAP_MAX + 1)
    firsts = np.concatenate(([0], breaks + 1))
    lasts = np.concatenate((breaks, [len(places) - 1]))
    found = []
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        some = places[first : last + 1]
        peak = int(some[np.argmax(np.abs(expectation.residuals[some]))])
        value = float(values[peak])
        kind = Kind.POINT
        if value > most:
            kind = Kind.SPIKE
        elif value < least:
            kind = Kind.DIP
        elif p_values[peak] > inside:
            continue
        found.append(
            Finding(
                kind,
                int(some[0]),
                int(some[-1]) + 1,
                peak,
                float(p_values[peak]),
                value,
                float(expectation.expected[peak]),
                float(lower[peak]),
                float(upper[peak]),
            )
        )
    return found


def _range(
    values: Numbers, expectation: Expectation, room: float, rate: float
) -> tuple[float, float]:
    """What the series has, the rarest values left out: at most `room` beyond what is expected."""
    rarest = max(OUTSIDE, 0.7 * rate)
    parts = (rarest, 1 - rarest)
    least, most = np.quantile(values[expectation.seen], parts)
    low, high = np.quantile(expectation.expected, (OUTSIDE, 1 - OUTSIDE))
    return max(float(least), float(low) - room), min(float(most), float(high) + room)
