"""Changes that last: of the level, of the spread, and values that stop changing; pure.

Each compares windows before and after every point, and judges the difference by how such
differences are distributed in the series itself, so that a series that wanders is not said to
shift all the time.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stubtail.anomaly.findings import Finding, Kind
from stubtail.anomaly.seasons import moving_median, spread
from stubtail.anomaly.tails import SMALLEST, both_tails, chances

Numbers = NDArray[np.float64]

LEVEL_POINTS: Final = 15  # on either side of a shift of the level
SPREAD_POINTS: Final = 30  # a spread takes more points to know than a level
BLOCKS_MIN: Final = 6  # windows that a series must have before its changes are judged
SHIFT_MIN: Final = 4.0  # spreads within the windows: less is no shift whatever its chance
RATIO_MIN: Final = 3.0  # of spreads before and after
SET_ASIDE: Final = 2  # changes that are not learned from; a series with more is one that changes
RETURN: Final = 0.25  # of a change that may be left when it is over
RUN_MIN: Final = 6  # equal values in a row that make a flat line at least
RUNS_ALIKE_MAX: Final = 2  # flat lines of one length in a series, each of another value


def level_shifts(level: Numbers, width: Numbers, rate: float) -> list[Finding]:
    """Where the level changed for `LEVEL_POINTS` or more.

    Args:
        level: the values without their season, [n], finite.
        width: how far values usually are from what is expected, [n].
        rate: the share of points of an undisturbed series that may be found.
    """
    points = LEVEL_POINTS
    if len(level) < BLOCKS_MIN * points:
        return []
    medians = moving_median(level, points)
    steps = medians[points:] - medians[:-points]  # at point `points + i`
    usual = max(spread(steps), float(np.median(width)) * 0.5)
    at = points + np.arange(len(steps))
    near = _spread_around(level, at, points)
    grave = np.abs(steps) > SHIFT_MIN * np.maximum(near, 0.25 * width[at])
    sample = _without(steps, grave, points)
    above, below = both_tails(sample, 0.4 * usual, 0.5 * usual, overlap=points)
    p_values = chances(steps, above, below)
    findings = []
    for index in _peaks(np.where(grave, p_values, 1.0), np.abs(steps), rate, points):
        place = int(at[index])
        place = _refined(level, place, float(medians[index]), float(medians[index + points]))
        old, new = float(medians[index]), float(medians[index + points])
        reach = max(-below.bound(rate), above.bound(rate), 0.0)
        findings.append(
            Finding(
                Kind.LEVEL_SHIFT,
                place,
                place + 1,
                place,
                float(p_values[index]),
                new,
                old,
                old - reach,
                old + reach,
            )
        )
    return findings


def spread_changes(residuals: Numbers, width: Numbers, rate: float) -> list[Finding]:
    """Where the residuals began to vary by another measure for `SPREAD_POINTS` or more.

    Args:
        residuals: in units of `width`, [n].
        width: as for `level_shifts`.
        rate: as for `level_shifts`.
    """
    points = SPREAD_POINTS
    if len(residuals) < BLOCKS_MIN * points:
        return []
    sizes = moving_median(np.abs(residuals), points)
    floor = 0.05 * max(float(np.median(sizes)), 0.05)
    logs = np.log(np.maximum(sizes, floor))
    steps = logs[points:] - logs[:-points]
    grave = np.abs(steps) > np.log(RATIO_MIN)
    sample = _without(steps, grave, points)
    above, below = both_tails(sample, 0.1, 0.2, overlap=points)
    p_values = chances(steps, above, below)
    at = points + np.arange(len(steps))
    findings = []
    for index in _peaks(np.where(grave, p_values, 1.0), np.abs(steps), rate, points):
        place = int(at[index])
        unit = 1.4826 * float(width[place])
        old, new = unit * float(sizes[index]), unit * float(sizes[index + points])
        findings.append(
            Finding(
                Kind.VARIANCE,
                place,
                place + 1,
                place,
                float(p_values[index]),
                new,
                old,
                old * float(np.exp(-below.bound(rate))),
                old * float(np.exp(above.bound(rate))),
            )
        )
    return findings


def without_returns(changes: Sequence[Finding]) -> list[Finding]:
    """The changes without those that bring back what was before: the end of one is no news.

    What lasted longer than what was before it has become usual, and its end is told.

    Args:
        changes: of one kind, ascending; `expected` is the old and `value` the new level or spread.
    """
    kept: list[Finding] = []
    usual_since, before = 0, None
    for one in changes:
        if before is not None and one.start - before.start <= before.start - usual_since:
            step = abs(before.value - before.expected)
            if abs(one.value - before.expected) <= RETURN * step:
                before = None
                continue
        usual_since = 0 if before is None else before.start
        kept.append(one)
        before = one
    return kept


def flat_lines(
    values: Numbers, expected: Numbers, width: Numbers, seen: NDArray[np.bool_], rate: float
) -> list[Finding]:
    """Runs of one value that are too long for a series that repeats values as rarely as this one.

    Args:
        values: [n]; NaN is missing.
        expected: of each point, [n].
        width: as for `level_shifts`.
        seen: where there is a value, [n].
        rate: as for `level_shifts`.
    """
    places = np.flatnonzero(seen)
    some = values[places]
    if len(some) < 2 * RUN_MIN:
        return []
    same = some[1:] == some[:-1]
    starts = np.flatnonzero(np.concatenate(([True], ~same)))
    lengths = np.diff(np.concatenate((starts, [len(some)])))
    if len(starts) < RUN_MIN:
        return []
    found = []
    for run in _rare_runs(some[starts], lengths):
        length, start = int(lengths[run]), int(starts[run])
        # How often a value is followed by itself elsewhere: runs of the same value do not count.
        others = some[starts] != some[start]
        repeats = int((lengths[others] - 1).sum())
        chance = (repeats + 1) / (int(lengths[others].sum()) + 2)
        p_value = max(chance ** (length - 1), SMALLEST)
        if p_value <= rate:
            first, last = int(places[start]), int(places[start + length - 1])
            near = float(width[last])
            found.append(
                Finding(
                    Kind.FLAT_LINE,
                    first,
                    last + 1,
                    last,
                    p_value,
                    float(some[start]),
                    float(expected[last]),
                    float(expected[last]) - near,
                    float(expected[last]) + near,
                )
            )
    return found


def _without(steps: Numbers, grave: NDArray[np.bool_], points: int) -> Numbers:
    """The steps without those around the largest grave ones, which would be their own measure."""
    kept = np.ones(len(steps), bool)
    sizes = np.where(grave, np.abs(steps), 0.0)
    for _ in range(SET_ASIDE):
        place = int(np.argmax(sizes))
        if sizes[place] == 0.0:
            break
        around = slice(max(place - points, 0), place + points + 1)
        kept[around] = False
        sizes[around] = 0.0
    return steps[kept] if kept.sum() * 2 >= len(steps) else steps


def _rare_runs(values: Numbers, lengths: NDArray[np.intp]) -> list[int]:
    """The long runs that few others equal: where more do, such runs belong to the series.

    Args:
        values: of each run, [runs].
        lengths: of each run, [runs].
    """
    ordered = np.sort(lengths)
    alike = len(lengths) - np.searchsorted(ordered, lengths // 2, side="right")  # itself too
    rare = []
    for run in np.flatnonzero((lengths >= RUN_MIN) & (alike <= RUNS_ALIKE_MAX)).tolist():
        same = values == values[run]
        if np.count_nonzero(lengths[same] > lengths[run] // 2) == 1:
            rare.append(run)
    return rare


def _spread_around(level: Numbers, at: NDArray[np.intp], points: int) -> Numbers:
    """The larger of the mean absolute steps within the windows before and after, as a spread."""
    steps = np.concatenate(([0.0], np.cumsum(np.abs(np.diff(level)))))
    before = (steps[at - 1] - steps[at - points]) / (points - 1)
    after = (steps[np.minimum(at + points, len(level)) - 1] - steps[at]) / (points - 1)
    return np.asarray(np.minimum(before, after) * 0.8862)  # mean |difference| of a normal sample


def _peaks(p_values: Numbers, sizes: Numbers, rate: float, points: int) -> list[int]:
    """The most extreme places at most `rate`, none within `points` of a more extreme one."""
    places = np.flatnonzero(p_values <= rate)
    order = places[np.lexsort((-sizes[places], p_values[places]))]
    free = np.ones(len(p_values), bool)
    taken: list[int] = []
    for place in order.tolist():
        if free[place]:
            taken.append(place)
            free[max(place - points, 0) : place + points + 1] = False
    return sorted(taken)


def _refined(level: Numbers, place: int, old: float, new: float) -> int:
    """The first point nearer to the new level, of those around the place found by windows."""
    first = max(place - LEVEL_POINTS, 0)
    nearer = np.abs(level[first : place + LEVEL_POINTS] - new) < np.abs(
        level[first : place + LEVEL_POINTS] - old
    )
    # The place that splits best: few nearer ones before it, many after it.
    score = np.cumsum(np.where(nearer, -1, 1))
    return first + int(np.argmax(score)) + 1 if score.max() > 0 else first
