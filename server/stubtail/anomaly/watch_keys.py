"""The keys of one stream: a bounded number of them, the longest unseen forgotten first; pure."""

from collections.abc import Sequence
from math import isnan
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stubtail.anomaly.findings import Kind
from stubtail.anomaly.watch_many import step_many
from stubtail.anomaly.watch_one import step_one
from stubtail.anomaly.watch_slots import KeySlots
from stubtail.anomaly.watch_state import (
    KNOWN,
    LEVEL,
    SPREAD,
    TIME,
    WatchRules,
)

Numbers = NDArray[np.float64]

FEW: Final = 24  # keys at once: below, one at a time is faster
ROOM: Final = 3.0  # spreads around what a season brings that are still usual
SPIKES: Final = (int(Kind.SPIKE), int(Kind.DIP))


class Batch(NamedTuple):
    """The verdicts on the points of one message, [n] each, in their order."""

    kind: NDArray[np.int8]
    expected: Numbers
    lower: Numbers
    upper: Numbers
    deviation: Numbers


class WatchedKeys:
    """What is known of the keys of a stream.

    Args:
        rules: how points are judged.
        keys_max: the most keys.
        idle_s: keys not seen for longer are forgotten.
    """

    def __init__(self, rules: WatchRules, keys_max: int, idle_s: float) -> None:
        self.rules = rules
        self._keys_max = keys_max
        self.slots = KeySlots(rules, keys_max, idle_s)

    def add(self, keys: Sequence[str], values: Numbers, now: float) -> Batch:
        """Judges points and learns from them.

        Args:
            keys: of each value, [n]; or one for all of them.
            values: [n], NaN where missing, in the order of time for each key.
            now: seconds on a clock that never goes back.
        """
        count = len(values)
        made = Batch(
            np.zeros(count, np.int8),
            np.full(count, np.nan),
            np.full(count, np.nan),
            np.full(count, np.nan),
            np.zeros(count),
        )
        self.slots.forget_idle(now)
        # In parts with no more different keys than there is room for: one of a part must not push
        # out another before it was judged.
        first = 0
        while first < count:
            end = first + self._room(keys, first, count)
            self._add_part(keys, values, first, end, now, made)
            first = end
        return made

    def _room(self, keys: Sequence[str], first: int, count: int) -> int:
        """How many points from `first` on have at most `keys_max` different keys."""
        if len(keys) == 1 or count - first <= self._keys_max:
            return count - first
        seen: set[str] = set()
        for place in range(first, count):
            seen.add(keys[place])
            if len(seen) > self._keys_max:
                return place - first
        return count - first

    def _add_part(
        self, keys: Sequence[str], values: Numbers, first: int, end: int, now: float, made: Batch
    ) -> None:
        if len(keys) == 1:
            slot = self.slots.slot(keys[0], now)
            self._one_by_one([slot] * (end - first), range(first, end), values, made)
            return
        slots = [self.slots.slot(key, now) for key in keys[first:end]]
        if len(set(slots)) < FEW:
            self._one_by_one(slots, range(first, end), values, made)
            return
        by_place = np.array(slots)
        rounds = _rounds(by_place)
        large = sum(len(places) >= FEW for places in rounds)  # they are ordered by size
        for places in rounds[:large]:
            self._many(by_place[places], values, first + places, made)
        if large < len(rounds):
            rest = np.sort(np.concatenate(rounds[large:]))
            self._one_by_one(by_place[rest].tolist(), (first + rest).tolist(), values, made)

    def _one_by_one(
        self, slots: Sequence[int], places: Sequence[int], values: Numbers, made: Batch
    ) -> None:
        """Points one after the other; the rows of their keys become lists for the while."""
        rows: dict[int, list[float]] = {}
        rules = self.rules
        for slot, place in zip(slots, places, strict=True):
            value = float(values[place])
            row = rows.get(slot)
            if row is None:
                row = rows[slot] = self.slots.state[slot].tolist()
            at = 0
            if rules.season > 1:
                at = int(row[TIME]) % rules.season
                if row[TIME] == rules.season:
                    row = rows[slot] = self._settle(slot, row)
            row[TIME] += 1.0
            if isnan(value):
                continue
            verdict = step_one(row, value, self._shape(slot, at, row, value), rules)
            if rules.season > 1 and row[TIME] > rules.season:
                self.slots.season[slot, at] = verdict.shape
            made.kind[place] = verdict.kind
            made.expected[place] = verdict.expected
            made.lower[place] = verdict.lower
            made.upper[place] = verdict.upper
            made.deviation[place] = verdict.deviation
            if verdict.kind in SPIKES and rules.season > 1:
                made.kind[place] = self._contextual(slot, row, value, verdict.kind)
        for slot, row in rows.items():
            self.slots.state[slot] = row

    def _many(
        self, slots: NDArray[np.intp], values: Numbers, places: NDArray[np.intp], made: Batch
    ) -> None:
        """One point of each of many different keys."""
        rules, state = self.rules, self.slots.state[slots]
        some = values[places]
        at = state[:, TIME].astype(np.intp) % max(rules.season, 1)
        if rules.season > 1:
            for index in np.flatnonzero(state[:, TIME] == rules.season).tolist():
                state[index] = self._settle(int(slots[index]), state[index].tolist())
        state[:, TIME] += 1.0
        finite = ~np.isnan(some)
        if not finite.all():
            self.slots.state[slots[~finite]] = state[~finite]
            slots, state, some, at = slots[finite], state[finite], some[finite], at[finite]
            places = places[finite]
        shape = np.zeros(len(some))
        late = state[:, TIME] > rules.season
        if rules.season > 1:
            early = ~late
            self.slots.season[slots[early], at[early]] = some[early]
            shape[late] = np.nan_to_num(self.slots.season[slots[late], at[late]])
        verdicts = step_many(state, some, shape, rules)
        if rules.season > 1:
            self.slots.season[slots[late], at[late]] = shape[late]
        self.slots.state[slots] = state
        made.kind[places] = verdicts.kind
        made.expected[places] = verdicts.expected
        made.lower[places] = verdicts.lower
        made.upper[places] = verdicts.upper
        made.deviation[places] = verdicts.deviation
        if rules.season > 1:
            for index in np.flatnonzero(np.isin(verdicts.kind, SPIKES)).tolist():
                made.kind[places[index]] = self._contextual(
                    int(slots[index]),
                    state[index].tolist(),
                    float(some[index]),
                    int(verdicts.kind[index]),
                )

    def _shape(self, slot: int, at: int, row: list[float], value: float) -> float:
        """What the season adds at this place; the first season is only noted."""
        if self.rules.season < 2:
            return 0.0
        if row[TIME] <= self.rules.season:
            self.slots.season[slot, at] = value
            return 0.0
        shape = float(self.slots.season[slot, at])
        return 0.0 if isnan(shape) else shape  # missing in the first season

    def _settle(self, slot: int, row: list[float]) -> list[float]:
        """The first season is over: its values become a level and what each place adds to it."""
        season = self.slots.season[slot]
        finite = season[np.isfinite(season)]
        if len(finite):
            row[LEVEL] = float(np.median(finite))
            self.slots.season[slot] = season - row[LEVEL]
        row[KNOWN] = row[SPREAD] = 0.0
        return row

    def _contextual(self, slot: int, row: Sequence[float], value: float, kind: int) -> int:
        """A point within what other times of the season bring is unusual only for its time."""
        season, room = self.slots.season[slot], ROOM * row[SPREAD]
        lowest = row[LEVEL] + np.nanmin(season) - room
        highest = row[LEVEL] + np.nanmax(season) + room
        return int(Kind.POINT) if lowest <= value <= highest else kind


def _rounds(slots: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Places of points so that no key is in a round twice and each keeps the order of its points.

    Round r has the r-th point of each key.
    """
    order = np.argsort(slots, kind="stable")
    ordered = slots[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    lengths = np.diff(np.concatenate((starts, [len(ordered)])))
    rank = np.arange(len(ordered)) - np.repeat(starts, lengths)
    if len(starts) == len(slots):
        return [np.arange(len(slots))]
    by_rank = np.argsort(rank, kind="stable")
    ends = np.cumsum(np.bincount(rank))
    return [order[part] for part in np.split(by_rank, ends[:-1])]
