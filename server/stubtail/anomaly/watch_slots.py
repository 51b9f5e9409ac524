"""Where the numbers of keys are: a bounded number of keys, the longest unseen forgotten first."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stubtail.anomaly.watch_state import (
    CHANGE,
    CHANGE_START,
    COUNT,
    FIELDS,
    KNOWN,
    LOWER,
    SPREAD,
    TIME,
    UPPER,
    WatchRules,
)

Numbers = NDArray[np.float64]

SLOTS_FIRST: Final = 64
IDLE_CHECK_S: Final = 1.0  # looking for idle keys more often finds no more
SIZE_MAX: Final = 1e150  # of a number of a state; squares of larger ones are none


class KeySlots:
    """The keys of one stream and the rows of their numbers.

    Args:
        rules: how points are judged, which says what a new key begins with.
        keys_max: the most keys.
        idle_s: keys not seen for longer are forgotten.

    Attributes:
        state: [slots, FIELDS], by slot.
        season: [slots, season], what each place of the season adds; NaN where not seen yet.
    """

    def __init__(self, rules: WatchRules, keys_max: int, idle_s: float) -> None:
        self._rules = rules
        self._keys_max = keys_max
        self._idle_s = idle_s
        self._slots: dict[str, int] = {}  # the longest unseen first
        self._free: list[int] = []
        self._seen_s = np.zeros(0)
        self._checked_s = -np.inf
        self._forgotten: list[str] = []
        self.state = np.zeros((0, FIELDS))
        self.season = np.zeros((0, rules.season if rules.season > 1 else 0))

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def numbers_per_key(self) -> int:
        """How many numbers a key has when it is exported."""
        return FIELDS + self.season.shape[1]

    def take_forgotten(self) -> list[str]:
        """The keys that were forgotten since this was asked last."""
        forgotten, self._forgotten = self._forgotten, []
        return forgotten

    def export(self, first: int, count: int) -> tuple[list[str], list[float]]:
        """Some keys, the longest unseen first, and their numbers end to end."""
        some = list(islice(self._slots.items(), first, first + count))
        slots = [slot for _, slot in some]
        joined = np.concatenate((self.state[slots], self.season[slots]), axis=1)
        return [key for key, _ in some], joined.ravel().tolist()

    def restore(self, keys: Sequence[str], numbers: Numbers, now: float) -> None:
        """Takes over exported keys.

        Args:
            keys: different from each other.
            numbers: [keys, numbers_per_key].
            now: as for `add`; the keys count as seen now.

        Raises:
            ValueError: a number is not one that an export can have; says which key.
        """
        state = numbers[:, :FIELDS]
        usable = np.isfinite(state).all(axis=1) & (np.abs(numbers[:, :FIELDS]) <= SIZE_MAX).all(
            axis=1
        )
        usable &= (state[:, [TIME, COUNT, KNOWN, SPREAD]] >= 0).all(axis=1)
        usable &= (state[:, [UPPER, LOWER]] >= self._rules.least * 0.01).all(axis=1)
        usable &= state[:, CHANGE] >= 1.0
        usable &= ~np.isinf(numbers).any(axis=1)
        if not usable.all():
            raise ValueError(keys[int(np.argmin(usable))])
        for key, row in zip(keys, numbers, strict=True):
            slot = self.slot(key, now)
            self.state[slot] = row[:FIELDS]
            self.season[slot] = row[FIELDS:]

    def slot(self, key: str, now: float) -> int:
        """Where the key is; it becomes the one seen last."""
        slot = self._slots.pop(key, -1)
        if slot < 0:
            slot = self._new_slot()
        self._slots[key] = slot
        self._seen_s[slot] = now
        return slot

    def forget_idle(self, now: float) -> None:
        """Forgets the keys that were not seen for too long; looks once a second."""
        if now - self._checked_s < IDLE_CHECK_S:
            return
        self._checked_s = now
        idle = []
        for key, slot in self._slots.items():
            if now - self._seen_s[slot] <= self._idle_s:
                break  # all others were seen later
            idle.append(key)
        self._forget(idle)

    def _new_slot(self) -> int:
        if len(self._slots) >= self._keys_max:
            oldest = next(iter(self._slots))
            self._forget([oldest])
        if not self._free:
            size = len(self.state)
            wanted = min(max(2 * size, SLOTS_FIRST), self._keys_max)
            self.state = _grown(self.state, wanted)
            self.season = _grown(self.season, wanted)
            self._seen_s = _grown(self._seen_s, wanted)
            self._free = list(range(wanted - 1, size - 1, -1))
        slot = self._free.pop()
        self.state[slot] = 0.0
        self.state[slot, [UPPER, LOWER]] = self._rules.start
        self.state[slot, CHANGE] = CHANGE_START
        self.season[slot] = np.nan
        return slot

    def _forget(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._free.append(self._slots.pop(key))
            self._forgotten.append(key)


def _grown(array: Numbers, rows: int) -> Numbers:
    made = np.zeros((rows, *array.shape[1:]))
    made[: len(array)] = array
    return made
