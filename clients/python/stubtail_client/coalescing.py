"""Rows of many callers as few calls: who waits, who goes together, who gets which answer. Pure."""

import asyncio
import concurrent.futures
import contextlib
import copy
import re
from collections import deque
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stubtail_client.errors import Overloaded, StubtailError, invalid_rows
from stubtail_client.scores import Scores

RowInput = Mapping[str, Any] | npt.NDArray[Any]

ROWS_MAX = 256  # of one call: a row more costs the server little, and each waits for all of them
WAITING_MAX = 16_384  # rows of callers who wait; beyond, the server is too slow for so many
_ROW = re.compile(r"rows\[(\d+)\]")  # how the server names a row that it refuses
# Statuses that one row can cause. Whatever else happens to a call happens to all of its rows.
_OF_ROWS = {"INVALID_ARGUMENT", "INTERNAL"}


@dataclass(eq=False, slots=True)
class Entry:
    """A row that waits for its answer.

    Attributes:
        row: as the caller gave it.
        ends_s: the caller's deadline, on the monotonic clock.
        done: a future of asyncio or of threads; one that is done needs no answer any more.
    """

    row: RowInput
    ends_s: float
    done: Any

    @property
    def form(self) -> int:
        """Rows of one form can be sent together: those by name, or those of so many numbers."""
        return len(self.row) if isinstance(self.row, np.ndarray) else 0


class Waiting:
    """The rows that wait, in the order in which they came.

    Args:
        rows_max: how many may go together.
        waiting_max: how many may wait.
    """

    def __init__(self, rows_max: int = ROWS_MAX, waiting_max: int = WAITING_MAX) -> None:
        self._rows_max, self._waiting_max = rows_max, waiting_max
        self._entries: deque[Entry] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Puts a row at the end.

        Raises:
            Overloaded: too many wait.
            InvalidArgument: it is not one row.
        """
        if isinstance(entry.row, np.ndarray):
            if entry.row.ndim != 1:
                raise invalid_rows("row", f"one row, not an array of {list(entry.row.shape)}")
        elif not isinstance(entry.row, Mapping):
            kind = type(entry.row).__name__
            raise invalid_rows("row", f"a dict, or an array of numbers, not {kind}")
        if len(self._entries) >= self._waiting_max:
            raise Overloaded(
                f"{self._waiting_max:,} rows wait to be sent; score fewer at once",
                reason="QUEUE_FULL",
            )
        self._entries.append(entry)

    def take(self, now_s: float) -> list[Entry]:
        """The next rows to go together: of one form, without those that nobody waits for."""
        taken: list[Entry] = []
        while self._entries and len(taken) < self._rows_max:
            entry = self._entries[0]
            if entry.done.done() or entry.ends_s <= now_s:
                self._entries.popleft()
            elif taken and entry.form != taken[0].form:
                break
            else:
                taken.append(self._entries.popleft())
        return taken


def rows_of(entries: list[Entry]) -> Any:
    """The rows of entries of one form, as `score` takes them."""
    if entries[0].form:
        return np.stack([np.asarray(entry.row) for entry in entries])
    return [entry.row for entry in entries] if len(entries) > 1 else entries[0].row


def calls(entries: list[Entry]) -> Generator[list[Entry], Scores | Exception, None]:
    """The calls that answer entries: gives groups to send, takes what came of each.

    A group that fails for what one of its rows may be is sent again: the rows that the server
    names alone and the others together, or halves where it names none. So a row that is refused
    costs its neighbours a little time and not their answers.
    """
    groups = [entries]
    while groups:
        group = [entry for entry in groups.pop() if not entry.done.done()]
        if not group:
            continue
        outcome = yield group
        if not isinstance(outcome, Exception):
            for entry, answer in zip(group, outcome, strict=True):
                _settle(entry.done.set_result, answer)
        elif len(group) > 1 and _is_of_a_row(outcome):
            groups += _apart(group, outcome)
        else:
            for entry in group:
                _settle(entry.done.set_exception, _own(outcome))


def _is_of_a_row(failure: Exception) -> bool:
    return not isinstance(failure, StubtailError) or failure.code in _OF_ROWS


def _apart(group: list[Entry], failure: Exception) -> list[list[Entry]]:
    """Smaller groups; each named row is alone, for its own words about what is wrong with it."""
    violations = failure.violations if isinstance(failure, StubtailError) else []
    fields = [_ROW.match(violation.field) for violation in violations]
    named = {int(field[1]) for field in fields if field} & set(range(len(group)))
    if not named:
        middle = len(group) // 2
        return [group[middle:], group[:middle]]
    rest = [entry for at, entry in enumerate(group) if at not in named]
    return [*([group[at]] for at in sorted(named, reverse=True)), rest]


def _own(failure: Exception) -> Exception:
    """A copy for one caller: an exception that is raised twice mixes up its tracebacks."""
    own = copy.copy(failure)
    own.__cause__ = failure.__cause__
    return own


def _settle(settle: Any, value: Any) -> None:
    """Gives a caller the answer, unless the caller has given up in this moment."""
    with contextlib.suppress(asyncio.InvalidStateError, concurrent.futures.InvalidStateError):
        settle(value)
