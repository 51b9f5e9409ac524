"""Reads one table of a TOML file: every wrong, missing or unknown key is told, with its path."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

_MISSING = object()
_MOST = 1e9  # of any number


class TableReader:
    """A table and the keys that were asked for.

    Args:
        values: The table.
        where: Its path, such as `calls[2].`, put before its keys.
        problems: Where all that is wrong is collected; one list for all tables of a file.
    """

    def __init__(self, values: Mapping[str, Any], where: str, problems: list[str]) -> None:
        self._values = values
        self._where = where
        self._asked: set[str] = set()
        self.problems = problems

    def wrong(self, key: str, what: str) -> None:
        """Notes that a key is wrong."""
        self.problems.append(f"{self._where}{key}: {what}")

    def number(
        self,
        key: str,
        default: float,
        *,
        low: float = 0.0,
        high: float = _MOST,
        above: bool = False,
    ) -> float:
        """A number from `low` (more than that with `above`) to `high`."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(key, f"must be a number, got {value!r}")
        elif not low <= value <= high or (above and value == low):
            relation = "more than" if above else "at least"
            self.wrong(key, f"must be {relation} {low:g} and at most {high:g}, got {value!r}")
        else:
            return float(value)
        return default

    def whole(self, key: str, default: int, *, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(key, f"must be a whole number, got {value!r}")
        elif not low <= value <= high:
            self.wrong(key, f"must be {low} to {high}, got {value}")
        else:
            return value
        return default

    def text(self, key: str, default: str | None = None, *, of: Sequence[str] = ()) -> str:
        """A string, one of `of` where that is given; without a default it must be there."""
        value = self._get(key, _MISSING if default is None else default)
        if value is _MISSING:
            self.wrong(key, "is missing")
        elif not isinstance(value, str):
            self.wrong(key, f"must be a string, got {value!r}")
        elif of and value not in of:
            self.wrong(key, f"must be one of {', '.join(of)}, got {value!r}")
        else:
            return value
        return default or ""

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; empty when the key is absent."""
        value = self._get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.wrong(key, f"must be a list of strings, got {value!r}")
            return ()
        return tuple(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            self.wrong(key, f"must be true or false, got {value!r}")
            return default
        return value

    def pairs(self, key: str) -> list[tuple[float, float]]:
        """A list of pairs of numbers, each more than 0; empty when the key is absent."""
        value = self._get(key, [])
        good = isinstance(value, list) and all(
            isinstance(pair, list)
            and len(pair) == 2
            and all(_is_number(one) and one > 0 for one in pair)
            for pair in value
        )
        if not good:
            self.wrong(key, f"must be a list of [calls a second, seconds], got {value!r}")
            return []
        return [(float(first), float(second)) for first, second in value]

    def span(self, key: str, default: tuple[int, int], *, high: int) -> tuple[int, int]:
        """One whole number from 1 on, or [lowest, highest]."""
        value = self._get(key, list(default))
        ends = value if isinstance(value, list) else [value, value]
        whole = all(isinstance(one, int) and not isinstance(one, bool) for one in ends)
        if len(ends) != 2 or not whole or not 1 <= ends[0] <= ends[1] <= high:
            self.wrong(key, f"must be a whole number, or [lowest, highest], of 1 to {high}")
            return default
        return ends[0], ends[1]

    def numbers(self, key: str, default: tuple[float, float]) -> tuple[float, float]:
        """[lowest, highest]."""
        value = self._get(key, list(default))
        good = isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
        if not good or not -_MOST <= value[0] <= value[1] <= _MOST:
            limits = f"of {-_MOST:g} to {_MOST:g}"
            self.wrong(key, f"must be [lowest, highest] {limits}, got {value!r}")
            return default
        return float(value[0]), float(value[1])

    def table(self, key: str) -> "TableReader":
        """A table below this one; empty when it is absent."""
        value = self._get(key, {})
        if not isinstance(value, dict):
            self.wrong(key, f"must be a table, got {value!r}")
            value = {}
        return TableReader(value, f"{self._where}{key}.", self.problems)

    def tables(self, key: str) -> list["TableReader"]:
        """A list of tables ([[key]]); at least one must be there."""
        value = self._get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.wrong(key, f"must be a list of tables ([[{key}]])")
            return []
        if not value:
            self.wrong(key, f"is missing: at least one [[{key}]] is needed")
        return [
            TableReader(one, f"{self._where}{key}[{number}].", self.problems)
            for number, one in enumerate(value)
        ]

    def finish(self) -> None:
        """Notes the keys that nobody asked for."""
        for key in self._values.keys() - self._asked:
            known = ", ".join(sorted(self._asked))
            self.wrong(key, f"is not known here; known are {known}")

    def _get(self, key: str, default: Any) -> Any:
        self._asked.add(key)
        return self._values.get(key, default)


def _is_number(value: Any) -> bool:
    """Whether it is a finite number; in TOML true and false are none, infinity is."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
