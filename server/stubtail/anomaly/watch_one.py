"""One point of one key: judged, and learned from. The twin of `watch_many`, to the last bit.

For few keys at once: numpy takes as long for one number as for a hundred.
"""

from math import inf, nan, sqrt
from typing import NamedTuple

from stubtail.anomaly.findings import Kind
from stubtail.anomaly.watch_state import (
    ABSOLUTE,
    CHANCE,
    CHANGE,
    CHANGE_POINTS,
    CHANGE_RAISE,
    CHANGE_START,
    CLIP,
    CLIP_SLOPE,
    COUNT,
    EXACT,
    FAST,
    FAST_CLIP,
    FAST_GAIN,
    FLAT_POINTS,
    FREE_POINTS,
    KNOWN,
    LAST,
    LEVEL,
    LONGEST,
    LOWER,
    RAISE,
    RAISE_MOST,
    RAISE_NEXT,
    REPEATS,
    REPEATS_GAIN,
    REPEATS_LEAST,
    REPEATS_MOST,
    RUN,
    RUN_SUM,
    SAME,
    SEASON_GAIN,
    SHIFT_POINTS,
    SPREAD,
    SPREAD_GAIN,
    TINY,
    UPPER,
    WatchRules,
)


class Verdict(NamedTuple):
    """What one point is; as `watch_many.Verdicts`."""

    kind: int
    expected: float
    lower: float
    upper: float
    deviation: float
    shape: float


def step_one(state: list[float], value: float, shape: float, rules: WatchRules) -> Verdict:
    """Judges a finite value, then learns from it.

    Args:
        state: of the key, FIELDS numbers, changed in place; TIME is the caller's.
        value: finite.
        shape: what the season adds here; 0 without.
        rules: how.

    Returns:
        The verdict, with what the season adds here from now on.
    """
    count, known = state[COUNT], state[KNOWN]
    level = state[LEVEL] if count else value - shape
    spread = max(state[SPREAD], EXACT * abs(level) + TINY)
    expected = level + shape
    off = value - expected
    deviation = off / spread
    upper, lower = state[UPPER], state[LOWER]
    judged = count >= rules.warm_up
    up = judged and deviation > upper
    down = judged and -deviation > lower
    run, total = _run(state, value - shape, up=up, down=down)
    shift = abs(run) >= SHIFT_POINTS
    fast = state[FAST]
    fast = fast + FAST_GAIN * (ABSOLUTE * min(abs(off), FAST_CLIP * spread) - fast)
    changed = (
        run == 0.0
        and count >= rules.warm_up + CHANGE_POINTS
        and state[REPEATS] < REPEATS_MOST
        and (fast > state[CHANGE] * spread or fast * state[CHANGE] * 2.0 < spread)
    )
    flat = _flat_line(state, value, rules, judged=judged)
    kind = _kind(flat=flat, changed=changed, up=up, down=down, shift=shift)
    limit = inf if known < FREE_POINTS else CLIP * spread
    clipped = max(min(off, limit), -limit)
    if shift:
        level = total / max(abs(run), 1.0)
        run = total = 0.0
    else:
        level = level + max(1.0 / (count + 1.0), rules.level_gain) * clipped
        if rules.season > 1:
            shape = shape + SEASON_GAIN * clipped
    state[LEVEL], state[RUN], state[RUN_SUM], state[LAST] = level, run, total, value
    _learn_spread(state, abs(off), spread, fast, rules, shift=shift, changed=changed)
    if judged:
        _move_thresholds(state, deviation, rules, up=up, down=down, fresh=run in (1.0, -1.0))
    eased = max(state[CHANGE] * rules.change_decay, CHANGE_START)
    state[CHANGE] = state[CHANGE] * CHANGE_RAISE if changed else eased
    state[COUNT], state[KNOWN] = count + 1.0, known + 1.0
    if not judged:
        return Verdict(kind, nan, nan, nan, deviation, shape)
    below, above = expected - lower * spread, expected + upper * spread
    return Verdict(kind, expected, below, above, deviation, shape)


def _kind(*, flat: bool, changed: bool, up: bool, down: bool, shift: bool) -> int:
    """The gravest of what a point is."""
    if shift:
        return Kind.LEVEL_SHIFT
    if up or down:
        return Kind.SPIKE if up else Kind.DIP
    if changed:
        return Kind.VARIANCE
    return Kind.FLAT_LINE if flat else 0


def _run(state: list[float], value: float, *, up: bool, down: bool) -> tuple[float, float]:
    """Alarms in a row on this side, and the sum of their values."""
    run = state[RUN]
    run = max(run, 0.0) + 1.0 if up else min(run, 0.0) - 1.0 if down else 0.0
    total = state[RUN_SUM] if abs(run) > 1.0 else 0.0
    return run, total + (value if up or down else 0.0)


def _flat_line(state: list[float], value: float, rules: WatchRules, *, judged: bool) -> bool:
    """Whether a run of equal values has just become too long; learns how long runs are."""
    count, before, chance_before = state[COUNT], state[SAME], state[CHANCE]
    same = value == state[LAST] and count != 0
    repeats = state[REPEATS]
    chance = chance_before * max(repeats, REPEATS_LEAST) if same else 1.0
    length = before + 1.0 if same else 1.0
    longest = state[LONGEST] if same else max(state[LONGEST], before)
    gain = max(1.0 / (count + 1.0), REPEATS_GAIN)
    state[REPEATS] = repeats + gain * (float(same) - repeats)
    state[SAME], state[LONGEST], state[CHANCE] = length, longest, chance
    if not (judged and same and _is_flat(length, longest, chance, rules)):
        return False
    return not _is_flat(before, longest, chance_before, rules)  # or it was told already


def _learn_spread(
    state: list[float],
    size: float,
    spread: float,
    fast: float,
    rules: WatchRules,
    *,
    shift: bool,
    changed: bool,
) -> None:
    known, slow = state[KNOWN], state[SPREAD]
    cap = inf if known < FREE_POINTS else CLIP * spread + CLIP_SLOPE * size
    slow = slow + max(1.0 / (known + 1.0), SPREAD_GAIN) * (ABSOLUTE * min(size, cap) - slow)
    slow = fast if changed else slow
    state[SPREAD] = slow
    state[FAST] = slow if shift or known < rules.warm_up else fast


def _move_thresholds(
    state: list[float], deviation: float, rules: WatchRules, *, up: bool, down: bool, fresh: bool
) -> None:
    ratio = sqrt(sqrt(max(abs(deviation), 1.0)))
    for side, raised in ((UPPER, up), (LOWER, down)):
        was = state[side]
        factor = _factor(was, ratio, rules, raised=raised, fresh=fresh)
        state[side] = max(was * factor, rules.least)


def _is_flat(length: float, longest: float, chance: float, rules: WatchRules) -> bool:
    return length >= FLAT_POINTS and length > 2.0 * longest and chance <= rules.flat_chance


def _factor(was: float, ratio: float, rules: WatchRules, *, raised: bool, fresh: bool) -> float:
    """What becomes of a threshold."""
    if not raised:
        return rules.decay
    if not fresh:
        return RAISE_NEXT
    return min(max(RAISE * ratio / sqrt(sqrt(was)), RAISE), RAISE_MOST)
