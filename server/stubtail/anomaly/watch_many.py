"""One point of each of many keys at once: judged, and learned from. The twin is `watch_one`.

Only sums, products, quotients, square roots and comparisons: both twins give the same bits, so that
it does not matter how points are cut into messages.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stubtail.anomaly import watch_state as key
from stubtail.anomaly.findings import Kind
from stubtail.anomaly.watch_state import WatchRules

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
        np.where(found.judged, expected - state[:, key.LOWER] * found.spread, np.nan),
        np.where(found.judged, expected + state[:, key.UPPER] * found.spread, np.nan),
        found.deviation,
    )
    _learn_level(state, shape, found, rules)
    _learn_spread(state, found, rules)
    _move_thresholds(state, found, rules)
    state[:, key.LAST] = values
    state[:, key.COUNT] += 1.0
    state[:, key.KNOWN] += 1.0
    return verdicts


def _judge(state: Numbers, values: Numbers, shape: Numbers, rules: WatchRules) -> Judged:
    count = state[:, key.COUNT]
    level = np.where(count == 0, values - shape, state[:, key.LEVEL])
    spread = np.maximum(state[:, key.SPREAD], key.EXACT * np.abs(level) + key.TINY)
    off = values - (level + shape)
    deviation = off / spread
    judged = count >= rules.warm_up
    up = judged & (deviation > state[:, key.UPPER])
    down = judged & (-deviation > state[:, key.LOWER])
    run = state[:, key.RUN]
    run = np.where(up, np.maximum(run, 0.0) + 1.0, np.where(down, np.minimum(run, 0.0) - 1.0, 0.0))
    total = np.where(np.abs(run) > 1.0, state[:, key.RUN_SUM], 0.0)
    total = total + np.where(up | down, values - shape, 0.0)
    fast = state[:, key.FAST]
    near = np.minimum(np.abs(off), key.FAST_CLIP * spread)
    fast = fast + key.FAST_GAIN * (key.ABSOLUTE * near - fast)
    threshold = state[:, key.CHANGE]
    ready = (count >= rules.warm_up + key.CHANGE_POINTS) & (run == 0.0)
    ready &= state[:, key.REPEATS] < key.REPEATS_MOST
    changed = ready & ((fast > threshold * spread) | (fast * threshold * 2.0 < spread))
    shift = np.abs(run) >= key.SHIFT_POINTS
    return Judged(level, spread, off, deviation, judged, up, down, run, total, shift, fast, changed)


def _flat_lines(
    state: Numbers, values: Numbers, judged: NDArray[np.bool_], rules: WatchRules
) -> NDArray[np.bool_]:
    """Whether a run of equal values has just become too long; learns how long runs are."""
    count, before, chance_before = state[:, key.COUNT], state[:, key.SAME], state[:, key.CHANCE]
    same = (values == state[:, key.LAST]) & (count != 0)
    repeated = chance_before * np.maximum(state[:, key.REPEATS], key.REPEATS_LEAST)
    chance = np.where(same, repeated, 1.0)
    length = np.where(same, before + 1.0, 1.0)
    longest = np.where(same, state[:, key.LONGEST], np.maximum(state[:, key.LONGEST], before))
    flat = (length >= key.FLAT_POINTS) & (length > 2.0 * longest) & (chance <= rules.flat_chance)
    told = (before >= key.FLAT_POINTS) & (before > 2.0 * longest)
    told &= chance_before <= rules.flat_chance
    gain = np.maximum(1.0 / (count + 1.0), key.REPEATS_GAIN)
    state[:, key.REPEATS] += gain * (same - state[:, key.REPEATS])
    state[:, key.SAME] = length
    state[:, key.LONGEST] = longest
    state[:, key.CHANCE] = chance
    return np.asarray(judged & same & flat & ~told)


def _learn_level(state: Numbers, shape: Numbers, found: Judged, rules: WatchRules) -> None:
    limit = np.where(state[:, key.KNOWN] < key.FREE_POINTS, np.inf, key.CLIP * found.spread)
    clipped = np.maximum(np.minimum(found.off, limit), -limit)
    gain = np.maximum(1.0 / (state[:, key.COUNT] + 1.0), rules.level_gain)
    followed = found.level + gain * clipped
    new = found.total / np.maximum(np.abs(found.run), 1.0)
    state[:, key.LEVEL] = np.where(found.shift, new, followed)
    if rules.season > 1:
        shape += np.where(found.shift, 0.0, key.SEASON_GAIN * clipped)
    state[:, key.RUN] = np.where(found.shift, 0.0, found.run)
    state[:, key.RUN_SUM] = np.where(found.shift, 0.0, found.total)


def _learn_spread(state: Numbers, found: Judged, rules: WatchRules) -> None:
    known, size = state[:, key.KNOWN], np.abs(found.off)
    cap = np.where(known < key.FREE_POINTS, np.inf, key.CLIP * found.spread + key.CLIP_SLOPE * size)
    gain = np.maximum(1.0 / (known + 1.0), key.SPREAD_GAIN)
    slow = state[:, key.SPREAD]
    slow = slow + gain * (key.ABSOLUTE * np.minimum(size, cap) - slow)
    slow = np.where(found.changed, found.fast, slow)
    state[:, key.SPREAD] = slow
    state[:, key.FAST] = np.where(found.shift | (known < rules.warm_up), slow, found.fast)


def _move_thresholds(state: Numbers, found: Judged, rules: WatchRules) -> None:
    ratio = np.sqrt(np.sqrt(np.maximum(np.abs(found.deviation), 1.0)))
    fresh = np.abs(found.run) == 1.0
    for side, raised in ((key.UPPER, found.up), (key.LOWER, found.down)):
        was = state[:, side]
        step = np.maximum(key.RAISE * ratio / np.sqrt(np.sqrt(was)), key.RAISE)
        step = np.minimum(step, key.RAISE_MOST)
        factor = np.where(raised, np.where(fresh, step, key.RAISE_NEXT), rules.decay)
        state[:, side] = np.where(found.judged, np.maximum(was * factor, rules.least), was)
    threshold = state[:, key.CHANGE]
    eased = np.maximum(threshold * rules.change_decay, key.CHANGE_START)
    state[:, key.CHANGE] = np.where(found.changed, threshold * key.CHANGE_RAISE, eased)
