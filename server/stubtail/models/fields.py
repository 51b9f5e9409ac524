"""Reads one JSON object field by field and notes every problem with its path."""

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

FLOAT32_MAX: Final = 3.4028234663852886e38  # features travel as float32
VALUE_CHARACTERS_MAX: Final = 60  # of a wrong value, as quoted in a message
_MISSING: Final = object()


class DuplicateKeyError(ValueError):
    """A JSON object names a key twice, so that one of the two values would be lost."""


def decode_json(text: str) -> Any:
    """The JSON value in `text`, strictly.

    Raises:
        ValueError: no JSON, a key given twice, NaN or Infinity, half a surrogate pair, or nested
            too deeply.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique_pairs, parse_constant=_refuse_constant)
        if "\\u" in text:  # JSON can spell half a surrogate pair, which no reply could carry
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, value in pairs:
        if key in document:
            raise DuplicateKeyError(f"the key {quoted(key)} is given twice in one object")
        document[key] = value
    return document


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number; leave the field out instead")


def quoted(value: object) -> str:
    """A wrong value as a message shows it: JSON, cut to a readable length."""
    shown = json.dumps(value, ensure_ascii=False, default=str)
    if len(shown) > VALUE_CHARACTERS_MAX:
        return shown[: VALUE_CHARACTERS_MAX - 1] + "…"
    return shown


class Fields:
    """One JSON object being read.

    Every getter returns a usable value even where the document is wrong, and notes the problem:
    the reader goes on, and the author sees all mistakes at once.

    Args:
        value: what stands where an object is expected.
        path: the JSON path of `value`; empty for the document itself.
        problems: collects one line for each mistake.
        known: the keys that the object may have.
    """

    def __init__(
        self, value: object, path: str, problems: list[str], known: Collection[str]
    ) -> None:
        self._path = path
        self._problems = problems
        self._values: Mapping[str, object] = {}
        if not isinstance(value, dict):
            problems.append(f"{path or 'document'}: expected an object, got {quoted(value)}")
            self._usable = False
            return
        self._usable = True
        self._values = value
        for key in value:
            if key not in known:
                self.problem(key, f"unknown field; expected one of {', '.join(sorted(known))}")

    def path(self, key: str) -> str:
        """The JSON path of a field."""
        return f"{self._path}.{key}" if self._path else key

    def problem(self, key: str, text: str) -> None:
        """Notes a mistake in the field `key`."""
        self._problems.append(f"{self.path(key)}: {text}")

    def has(self, key: str) -> bool:
        """Whether the field is present."""
        return key in self._values

    def raw(self, key: str, expected: str, *, required: bool = True) -> Any:
        """The value as JSON gave it; None (and a problem, if required) when it is absent."""
        value = self._values.get(key, _MISSING)
        if value is not _MISSING:
            return value
        if required and self._usable:
            self.problem(key, f"missing; expected {expected}")
        return None

    def text(
        self,
        key: str,
        expected: str,
        *,
        pattern: str = r"(?s).*",
        required: bool = True,
        fallback: str = "",
    ) -> str:
        """A string that matches `pattern` as a whole."""
        value = self.raw(key, expected, required=required)
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        if self.has(key):
            self.problem(key, f"expected {expected}, got {quoted(value)}")
        return fallback

    def choice(self, key: str, choices: tuple[str, ...], *, fallback: str | None = None) -> str:
        """One of `choices`; `fallback` when the field may be left out."""
        expected = " or ".join(f'"{choice}"' for choice in choices)
        value = self.raw(key, expected, required=fallback is None)
        if isinstance(value, str) and value in choices:
            return value
        if self.has(key):
            self.problem(key, f"expected {expected}, got {quoted(value)}")
        return fallback or choices[0]

    def integer(self, key: str, expected: str, *, least: int, most: int) -> int:
        """A whole number in [least, most]."""
        value = self.raw(key, expected)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        if self.has(key):
            self.problem(key, f"expected {expected}, got {quoted(value)}")
        return least

    def number(
        self,
        key: str,
        expected: str,
        *,
        least: float = -FLOAT32_MAX,
        most: float = FLOAT32_MAX,
        required: bool = False,
    ) -> float | None:
        """A finite number in [least, most]; None when it is absent or wrong."""
        value = self.raw(key, expected, required=required)
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and least <= value <= most
            and math.isfinite(value)
        ):
            return float(value)
        if self.has(key):
            self.problem(key, f"expected {expected}, got {quoted(value)}")
        return None

    def numbers(
        self, key: str, expected: str, *, most: int, required: bool = True
    ) -> tuple[float, ...]:
        """A list of 1 to `most` finite numbers; empty when it is absent or wrong."""
        value = self.raw(key, expected, required=required)
        if not self.has(key):
            return ()
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            self.problem(key, f"expected {expected}, got {quoted(value)}")
            return ()
        for index, item in enumerate(value):
            is_number = isinstance(item, int | float) and not isinstance(item, bool)
            if not is_number or not -FLOAT32_MAX <= item <= FLOAT32_MAX:
                self.problem(f"{key}[{index}]", f"expected a finite number, got {quoted(item)}")
                return ()
        return tuple(map(float, value))

    def strings(
        self, key: str, expected: str, *, most: int, required: bool = True
    ) -> tuple[str, ...]:
        """A list of at most `most` different strings, none of them empty."""
        value = self.raw(key, expected, required=required)
        if not self.has(key):
            return ()
        if not isinstance(value, list) or len(value) > most or (required and not value):
            self.problem(key, f"expected {expected}, got {quoted(value)}")
            return ()
        seen: dict[str, None] = {}
        for index, item in enumerate(value):
            if not isinstance(item, str) or not item:
                self.problem(f"{key}[{index}]", f"expected a string, got {quoted(item)}")
            elif item in seen:
                self.problem(f"{key}[{index}]", f"{quoted(item)} is given twice")
            else:
                seen[item] = None
        return tuple(seen)
