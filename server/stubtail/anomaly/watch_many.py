"""One point of each of many keys at once: judged, and learned from. The twin is `watch_one`.

Only sums, products, quotients, square roots and comparisons: both twins give the same bits, so that
it does not matter how points are cut into messages.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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

Numbers = NDArray[np.float64]


class Verdicts(NamedTuple):
    """What one point of each key is, [k] each: `kind` 0 for usual; bands are NaN while learning."""

    kind: NDArray[np.int8]
    expected: Numbers
    lower: Numbers
    upper: Numbers
    deviation: Numbers


class Judged(NamedTuple):
    """What judging found out, for learning; [k] each."""

    level: Numbers
    spread: Numbers
    off: Numbers
    deviation: Numbers
    judged: NDArray[np.bool_]
    up: NDArray[np.bool_]
    down: NDArray[np.bool_]
    run: Numbers
    total: Numbers
    shift: NDArray[np.bool_]
    fast: Numbers
    changed: NDArray[np.bool_]


def step_many(state: Numbers, values: Numbers, shape: Numbers, rules: WatchRules) -> Verdicts:
    """Judges finite values, then learns from them.

    Args:
        state: [k, FIELDS], changed in place; TIME is the caller's.
        values: [k], finite.
        shape: [k], what the season adds here, changed in place; 0 without a season.
        rules: how.
    """
    found = _judge(state, values, shape, rules)
    flat = _flat_lines(state, values, found.judged, rules)
    kind = np.zeros(len(values), np.int8)
    kind[flat] = Kind.FLAT_LINE
    kind[found.changed] = Kind.VARIANCE
    kind[found.up] = Kind.SPIKE
    kind[found.down] = Kind.DIP
    kind[found.shift] = Kind.LEVEL_SHIFT
    expected = found.level + shape
    verdicts = Verdicts(
        kind,
        np.where(found.judged, expected, np.nan),
        np.where(found.judged, expected - state[:, LOWER] * found.spread, np.nan),
        np.where(found.judged, expected + state[:, UPPER] * found.spread, np.nan),
        found.deviation,
    )
    _learn_level(state, shape, found, rules)
    _learn_spread(state, found, rules)
    _move_thresholds(state, found, rules)
    state[:, LAST] = values
    state[:, COUNT] += 1.0
    state[:, KNOWN] += 1.0
    return verdicts


def _judge(state: Numbers, values: Numbers, shape: Numbers, rules: WatchRules) -> Judged:
    count = state[:, COUNT]
    level = np.where(count == 0, values - shape, state[:, LEVEL])
    spread = np.maximum(state[:, SPREAD], EXACT * np.abs(level) + TINY)
    off = values - (level + shape)
    deviation = off / spread
    judged = count >= rules.warm_up
    up = judged & (deviation > state[:, UPPER])
    down = judged & (-deviation > state[:, LOWER])
    run = state[:, RUN]
    run = np.where(up, np.maximum(run, 0.0) + 1.0, np.where(down, np.minimum(run, 0.0) - 1.0, 0.0))
    total = np.where(np.abs(run) > 1.0, state[:, RUN_SUM], 0.0)
    total = total + np.where(up | down, values - shape, 0.0)
    fast = state[:, FAST]
    near = np.minimum(np.abs(off), FAST_CLIP * spread)
    fast = fast + FAST_GAIN * (ABSOLUTE * near - fast)
    threshold = state[:, CHANGE]
    ready = (count >= rules.warm_up + CHANGE_POINTS) & (run == 0.0)
    ready &= state[:, REPEATS] < REPEATS_MOST
    changed = ready & ((fast > threshold * spread) | (fast * threshold * 2.0 < spread))
    shift = np.abs(run) >= SHIFT_POINTS
    return Judged(level, spread, off, deviation, judged, up, down, run, total, shift, fast, changed)


def _flat_lines(
    state: Numbers, values: Numbers, judged: NDArray[np.bool_], rules: WatchRules
) -> NDArray[np.bool_]:
    """Whether a run of equal values has just become too long; learns how long runs are."""
    count, before, chance_before = state[:, COUNT], state[:, SAME], state[:, CHANCE]
    same = (values == state[:, LAST]) & (count != 0)
    chance = np.where(same, chance_before * np.maximum(state[:, REPEATS], REPEATS_LEAST), 1.0)
    length = np.where(same, before + 1.0, 1.0)
    longest = np.where(same, state[:, LONGEST], np.maximum(state[:, LONGEST], before))
    flat = (length >= FLAT_POINTS) & (length > 2.0 * longest) & (chance <= rules.flat_chance)
    told = (before >= FLAT_POINTS) & (before > 2.0 * longest)
    told &= chance_before <= rules.flat_chance
    gain = np.maximum(1.0 / (count + 1.0), REPEATS_GAIN)
    state[:, REPEATS] += gain * (same - state[:, REPEATS])
    state[:, SAME] = length
    state[:, LONGEST] = longest
    state[:, CHANCE] = chance
    return np.asarray(judged & same & flat & ~told)


def _learn_level(state: Numbers, shape: Numbers, found: Judged, rules: WatchRules) -> None:
    limit = np.where(state[:, KNOWN] < FREE_POINTS, np.inf, CLIP * found.spread)
    clipped = np.maximum(np.minimum(found.off, limit), -limit)
    gain = np.maximum(1.0 / (state[:, COUNT] + 1.0), rules.level_gain)
    followed = found.level + gain * clipped
    new = found.total / np.maximum(np.abs(found.run), 1.0)
    state[:, LEVEL] = np.where(found.shift, new, followed)
    if rules.season > 1:
        shape += np.where(found.shift, 0.0, SEASON_GAIN * clipped)
    state[:, RUN] = np.where(found.shift, 0.0, found.run)
    state[:, RUN_SUM] = np.where(found.shift, 0.0, found.total)


def _learn_spread(state: Numbers, found: Judged, rules: WatchRules) -> None:
    known, size = state[:, KNOWN], np.abs(found.off)
    cap = np.where(known < FREE_POINTS, np.inf, CLIP * found.spread + CLIP_SLOPE * size)
    gain = np.maximum(1.0 / (known + 1.0), SPREAD_GAIN)
    slow = state[:, SPREAD]
    slow = slow + gain * (ABSOLUTE * np.minimum(size, cap) - slow)
    slow = np.where(found.changed, found.fast, slow)
    state[:, SPREAD] = slow
    state[:, FAST] = np.where(found.shift | (known < rules.warm_up), slow, found.fast)


def _move_thresholds(state: Numbers, found: Judged, rules: WatchRules) -> None:
    ratio = np.sqrt(np.sqrt(np.maximum(np.abs(found.deviation), 1.0)))
    fresh = np.abs(found.run) == 1.0
    for side, raised in ((UPPER, found.up), (LOWER, found.down)):
        was = state[:, side]
        step = np.minimum(np.maximum(RAISE * ratio / np.sqrt(np.sqrt(was)), RAISE), RAISE_MOST)
        factor = np.where(raised, np.where(fresh, step, RAISE_NEXT), rules.decay)
        state[:, side] = np.where(found.judged, np.maximum(was * factor, rules.least), was)
    threshold = state[:, CHANGE]
    eased = np.maximum(threshold * rules.change_decay, CHANGE_START)
    state[:, CHANGE] = np.where(found.changed, threshold * CHANGE_RAISE, eased)
