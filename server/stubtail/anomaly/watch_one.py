"""One point of one key: judged, and learned from. The twin of `watch_many`, to the last bit.

For few keys at once: numpy takes as long for one number as for a hundred.
"""

from math import inf, nan, sqrt
from typing import NamedTuple

from stubtail.anomaly import watch_state as key
from stubtail.anomaly.findings import Kind
from stubtail.anomaly.watch_state import WatchRules


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
    count, known = state[key.COUNT], state[key.KNOWN]
    level = state[key.LEVEL] if count else value - shape
    spread = max(state[key.SPREAD], key.EXACT * abs(level) + key.TINY)
    expected = level + shape
    off = value - expected
    deviation = off / spread
    upper, lower = state[key.UPPER], state[key.LOWER]
    judged = count >= rules.warm_up
    up = judged and deviation > upper
    down = judged and -deviation > lower
    run, total = _run(state, value - shape, up=up, down=down)
    shift = abs(run) >= key.SHIFT_POINTS
    fast = state[key.FAST]
    fast = fast + key.FAST_GAIN * (key.ABSOLUTE * min(abs(off), key.FAST_CLIP * spread) - fast)
    changed = (
        run == 0.0
        and count >= rules.warm_up + key.CHANGE_POINTS
        and state[key.REPEATS] < key.REPEATS_MOST
        and (fast > state[key.CHANGE] * spread or fast * state[key.CHANGE] * 2.0 < spread)
    )
    flat = _flat_line(state, value, rules, judged=judged)
    kind = _kind(flat=flat, changed=changed, up=up, down=down, shift=shift)
    limit = inf if known < key.FREE_POINTS else key.CLIP * spread
    clipped = max(min(off, limit), -limit)
    if shift:
        level = total / max(abs(run), 1.0)
        run = total = 0.0
    else:
        level = level + max(1.0 / (count + 1.0), rules.level_gain) * clipped
        if rules.season > 1:
            shape = shape + key.SEASON_GAIN * clipped
    state[key.LEVEL], state[key.RUN], state[key.RUN_SUM], state[key.LAST] = level, run, total, value
    _learn_spread(state, abs(off), spread, fast, rules, shift=shift, changed=changed)
    if judged:
        _move_thresholds(state, deviation, rules, up=up, down=down, fresh=run in (1.0, -1.0))
    eased = max(state[key.CHANGE] * rules.change_decay, key.CHANGE_START)
    state[key.CHANGE] = state[key.CHANGE] * key.CHANGE_RAISE if changed else eased
    state[key.COUNT], state[key.KNOWN] = count + 1.0, known + 1.0
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
    run = state[key.RUN]
    run = max(run, 0.0) + 1.0 if up else min(run, 0.0) - 1.0 if down else 0.0
    total = state[key.RUN_SUM] if abs(run) > 1.0 else 0.0
    return run, total + (value if up or down else 0.0)


def _flat_line(state: list[float], value: float, rules: WatchRules, *, judged: bool) -> bool:
    """Whether a run of equal values has just become too long; learns how long runs are."""
    count, before, chance_before = state[key.COUNT], state[key.SAME], state[key.CHANCE]
    same = value == state[key.LAST] and count != 0
    repeats = state[key.REPEATS]
    chance = chance_before * max(repeats, key.REPEATS_LEAST) if same else 1.0
    length = before + 1.0 if same else 1.0
    longest = state[key.LONGEST] if same else max(state[key.LONGEST], before)
    gain = max(1.0 / (count + 1.0), key.REPEATS_GAIN)
    state[key.REPEATS] = repeats + gain * (float(same) - repeats)
    state[key.SAME], state[key.LONGEST], state[key.CHANCE] = length, longest, chance
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
    known, slow = state[key.KNOWN], state[key.SPREAD]
    cap = inf if known < key.FREE_POINTS else key.CLIP * spread + key.CLIP_SLOPE * size
    slow = slow + max(1.0 / (known + 1.0), key.SPREAD_GAIN) * (key.ABSOLUTE * min(size, cap) - slow)
    slow = fast if changed else slow
    state[key.SPREAD] = slow
    state[key.FAST] = slow if shift or known < rules.warm_up else fast


def _move_thresholds(
    state: list[float], deviation: float, rules: WatchRules, *, up: bool, down: bool, fresh: bool
) -> None:
    ratio = sqrt(sqrt(max(abs(deviation), 1.0)))
    for side, raised in ((key.UPPER, up), (key.LOWER, down)):
        was = state[side]
        factor = _factor(was, ratio, rules, raised=raised, fresh=fresh)
        state[side] = max(was * factor, rules.least)


def _is_flat(length: float, longest: float, chance: float, rules: WatchRules) -> bool:
    return length >= key.FLAT_POINTS and length > 2.0 * longest and chance <= rules.flat_chance


def _factor(was: float, ratio: float, rules: WatchRules, *, raised: bool, fresh: bool) -> float:
    """What becomes of a threshold."""
    if not raised:
        return rules.decay
    if not fresh:
        return key.RAISE_NEXT
    return min(max(key.RAISE * ratio / sqrt(sqrt(was)), key.RAISE), key.RAISE_MOST)
