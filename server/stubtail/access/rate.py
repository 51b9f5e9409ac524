"""How often something may happen: the generic cell rate algorithm (ITU-T I.371); pure."""

from typing import Protocol


class Cells(Protocol):
    """Where numbers are kept: a list, or memory that processes share."""

    def __getitem__(self, index: int, /) -> float:
        """The number of a cell."""

    def __setitem__(self, index: int, value: float, /) -> None:
        """Sets it."""


class Rate:
    """So many events a second, and so many at once; one number of state.

    Each event moves the theoretical arrival time of the next one on by `1 / per_s`; what comes
    earlier than the burst allows is not admitted. Threads and processes may share one: who is held
    up between its look and its note, some 0.2 us, undoes the notes of the others meanwhile.

    Args:
        per_s: events a second, above 0.
        burst: events that may come at once, at least 1.
        cells: where the number is kept; None keeps it here. Processes that share them share the
            rate, as the monotonic clock is one for all of them.
        index: which of the cells.
    """

    __slots__ = ("_cells", "_early_s", "_index", "_interval_s")

    def __init__(
        self, per_s: float, burst: int, cells: Cells | None = None, index: int = 0
    ) -> None:
        self._interval_s = 1.0 / per_s
        self._early_s = (burst - 1) * self._interval_s
        self._cells: Cells = [0.0] if cells is None else cells
        self._index = index

    def take(self, now: float, events: float = 1.0) -> float:
        """0.0 and the events are counted; or the seconds until they would be admitted."""
        due_s = max(self._cells[self._index], now)
        early_s = due_s - now - self._early_s
        if early_s > 1e-9:  # rounding errors of the clock must not refuse
            return early_s
        self._cells[self._index] = due_s + self._interval_s * events
        return 0.0
