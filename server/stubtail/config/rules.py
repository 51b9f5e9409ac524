"""What a setting means and which values it takes: the rule beside each field of a section.

A section may also have tables, whose entries people name: `[llm.providers.groq]`. The fields of an
entry have rules as those of a section do.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

PREFIX: Final = "STUBTAIL_"
TRUE: Final = frozenset({"true", "on", "yes", "1"})
FALSE: Final = frozenset({"false", "off", "no", "0"})


@dataclass(frozen=True, slots=True)
class Rule:
    """What a setting means and which values it takes; its type is the field's annotation.

    Args:
        about: the meaning with its unit, in a few words.
        least: smallest number, included; None for what is no number.
        most: largest number, included.
        why: the reason of the bound or of the default.
    """

    about: str
    least: float | None = None
    most: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Entries:
    """Marks a field that maps names to entries; `entry` is the dataclass of one of them."""

    entry: type
    about: str


@dataclass(frozen=True, slots=True)
class Table:
    """One such field of a section."""

    section: str
    name: str
    entries: Entries

    @property
    def key(self) -> str:
        """The name in files: section.key."""
        return f"{self.section}.{self.name}"

    def settings(self, name: str) -> "Iterator[Setting]":
        """The settings of the entry of that name."""
        return _settings(f"{self.key}.{name}", self.entries.entry)


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of a section, with all that its annotation says; `many` is a list of `kind`."""

    section: str
    name: str
    default: Any
    rule: Rule
    kind: type
    words: tuple[str, ...]
    many: bool = False

    @property
    def key(self) -> str:
        """The name in files: section.key."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The name in the environment."""
        return f"{PREFIX}{self.section}_{self.name}".upper()

    @property
    def allowed(self) -> str:
        """The values that it takes, for people."""
        if self.many:
            return f"a list, each {self._each.allowed}"
        parts = [json.dumps(word) for word in self.words]
        if self.kind is bool:
            parts.append("true or false")
        elif self.kind in (int, float):
            noun = "a whole number" if self.kind is int else "a number"
            parts.append(f"{noun} from {self.rule.least:.15g} to {self.rule.most:.15g}")
        elif not self.words:
            parts.append("text that is not empty" if self.default else 'text, or "" for none')
        return " or ".join(parts)

    def check(self, value: object) -> Any:
        """The value as the field holds it.

        Raises:
            ValueError: it is not allowed.
        """
        if self.many:
            if not isinstance(value, list | tuple):
                raise ValueError(self.allowed)
            return tuple(self._each.check(one) for one in value)
        if isinstance(value, str):
            is_free_text = self.kind is str and not self.words and "\0" not in value
            allowed = value in self.words or (is_free_text and value != "") or value == self.default
        elif self.kind is bool or isinstance(value, bool):
            allowed = self.kind is bool and isinstance(value, bool)
        elif isinstance(value, int) or (isinstance(value, float) and self.kind is float):
            least, most = self.rule.least, self.rule.most
            allowed = least is not None and most is not None and least <= value <= most
        else:
            allowed = False
        if not allowed:
            raise ValueError(self.allowed)
        return value if isinstance(value, str) else self.kind(value)

    def parse(self, text: str) -> Any:
        """The value that a variable or an option gives as text.

        Raises:
            ValueError: it is not allowed.
        """
        text = text.strip()
        if self.many:
            return tuple(self._each.parse(part) for part in text.split(",") if part.strip())
        if text in self.words or self.kind is str:
            return self.check(text)
        if self.kind is bool:
            if text.lower() not in TRUE | FALSE:
                raise ValueError(self.allowed)
            return text.lower() in TRUE
        return self.check(self.kind(text))

    @property
    def _each(self) -> "Setting":
        """The rule of one value of a list, which must not be empty text."""
        default = "text" if self.kind is str else self.rule.least
        return replace(self, many=False, default=default)


def settings_of(root: type) -> Iterator[Setting]:
    """Every setting of the root dataclass, in the order of its sections and fields."""
    for section, section_type in get_type_hints(root).items():
        yield from _settings(section, section_type)


def tables_of(root: type) -> Iterator[Table]:
    """Every table of the root dataclass."""
    for section, section_type in get_type_hints(root).items():
        hints = get_type_hints(section_type, include_extras=True)
        for field in fields(section_type):
            for extra in get_args(hints[field.name]):
                if isinstance(extra, Entries):
                    yield Table(section, field.name, extra)


def _settings(section: str, section_type: type) -> Iterator[Setting]:
    hints = get_type_hints(section_type, include_extras=True)
    for field in fields(section_type):
        plain, *extras = get_args(hints[field.name])
        rule = next((extra for extra in extras if isinstance(extra, Rule)), None)
        if rule is None:
            continue  # a table
        choices = [plain, *get_args(plain)]
        words = [w for c in choices if get_origin(c) is Literal for w in get_args(c)]
        kinds = [c for c in choices if c in (bool, int, float, str)]
        yield Setting(
            section,
            field.name,
            field.default,
            rule,
            kinds[0] if kinds else str,
            tuple(words),
            many=get_origin(plain) is tuple,
        )
