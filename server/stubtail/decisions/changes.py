"""What candidates change: a variable and its values, which are read in the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stubtail.decisions.spelling import unknown_name
from stubtail.errors import invalid_field

TEXT_CHARACTERS_MAX: Final = 256  # of a string that expressions compare, candidate by candidate
UTF8_BYTES_MAX: Final = 4  # of one character
STRING_BYTES: Final = 24  # of a parsed message, besides the characters

Values = NDArray[Any]
"""float64 [N], or object [N] of str."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A feature or a parameter as the context has it.

    Attributes:
        name: its name.
        current: its value in the context: a float (NaN when missing) or a str.
        column: the position of the feature in a row; None for a parameter.
        codes: for a category, what stands in a row for each of its values; else None.
        minimum, maximum: the range of the feature in training; None where unknown.
        outside: what the manifest does with a value beyond it: "allow", "clip" or "refuse".
    """

    name: str
    current: float | str
    column: int | None = None
    codes: Mapping[str, float] | None = None
    minimum: float | None = None
    maximum: float | None = None
    outside: str = "allow"

    @property
    def is_text(self) -> bool:
        """Whether its values are strings."""
        return isinstance(self.current, str)


class _Read(NamedTuple):
    """The values of an axis or a column, and what they take in UTF-8: all, and one at most."""

    values: Values
    cells: NDArray[np.float64] | None
    text_bytes: int
    text_bytes_max: int


@dataclass(frozen=True)
class Change:
    """One variable in all candidates.

    Strings are read, and the columns of a grid made, when they are first asked for, which is in the
    run: a request of a hundred bytes may ask for a megabyte of them. `check` comes before all else.

    Attributes:
        variable: what is changed.
        source: the values of its axis or column: checked numbers, or strings as they were sent,
            where "" may stand for the context's value.
        path: where the request has them.
        may_keep: whether "" stands for the context's value.
        count: how many candidates there are.
        repeats: after how many candidates the value changes.
    """

    variable: Variable
    source: Values | Sequence[str]
    path: str
    may_keep: bool
    count: int
    repeats: int = 1

    def check(self) -> None:
        """Raises CallError, INVALID_ARGUMENT, for a string that may not be there."""
        assert self._read

    @property
    def text_bytes(self) -> int:
        """What `values` takes in UTF-8; 0 for numbers."""
        return self._read.text_bytes * (self.count // len(self.source))

    @property
    def text_bytes_max(self) -> int:
        """What one of them takes at most; 0 for numbers."""
        return self._read.text_bytes_max

    @cached_property
    def values(self) -> Values:
        """Its value in each candidate, [count]."""
        return self._spread(self._read.values)

    @cached_property
    def cells(self) -> NDArray[np.float64] | None:
        """What stands in the model's row for each candidate, [count]; None for a parameter."""
        cells = self._read.cells
        if cells is None or cells is self._read.values:
            return None if cells is None else self.values
        return self._spread(cells)

    def _spread(self, distinct: Values) -> Values:
        size = len(distinct)
        if size == self.count:
            return distinct
        return distinct[np.arange(self.count) // self.repeats % size]

    @cached_property
    def _read(self) -> _Read:
        if isinstance(self.source, np.ndarray):
            cells = None if self.variable.column is None else self.source
            return _Read(self.source, cells, 0, 0)
        texts = list(self.source)
        if self.may_keep and "" in texts:
            texts = [text or str(self.variable.current) for text in texts]
        cells = _cells(self.variable, texts, self.path)
        longest = max(map(len, texts)) * UTF8_BYTES_MAX
        return _Read(np.array(texts, object), cells, len("".join(texts).encode()), longest)


@dataclass(frozen=True, slots=True)
class Candidates:
    """All candidates of a request, in its order."""

    count: int
    changes: tuple[Change, ...]

    def check(self) -> None:
        """Reads all strings; raises CallError, INVALID_ARGUMENT, for one that may not be there."""
        for change in self.changes:
            change.check()

    @property
    def size_bytes(self) -> int:
        """What they take in memory while they wait, besides the request."""
        return sum(
            change.source.nbytes
            if isinstance(change.source, np.ndarray)
            else len(change.source) * STRING_BYTES
            for change in self.changes
        )


def _cells(variable: Variable, values: Sequence[str], path: str) -> NDArray[np.float64] | None:
    """What stands in the rows for the values of a category."""
    if variable.codes is None:
        if max(map(len, values)) > TEXT_CHARACTERS_MAX:
            problem = f"must be strings of at most {TEXT_CHARACTERS_MAX} characters"
            raise invalid_field(path, problem)
        return None
    codes = list(map(variable.codes.get, values))
    if None in codes:
        first = codes.index(None)
        known = list(variable.codes)
        shown = ", ".join(repr(category) for category in known[:10])
        problem = unknown_name(values[first], known, f"one of {shown}")
        raise invalid_field(f"{path}[{first}]", problem)
    return np.array(codes, np.float64)
