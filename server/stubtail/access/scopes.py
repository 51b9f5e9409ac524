"""Scopes: `stubtail:predict`, or `stubtail:predict:churn*` for some models; pure."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

PREFIX: Final = "stubtail:"
SCOPES: Final = frozenset(
    {"read", "predict", "detect", "generate", "manage", "feedback", "automation"}
)
# Of a model with a tenant in front: 64, / and 128. Callers send longer ones, but none is called so.
NAME_CHARACTERS_MAX: Final = 193
PATTERNS_MAX: Final = 256  # of one caller; a token has at most 16 KiB of them
_PATTERN: Final = re.compile(r"[A-Za-z0-9_./:*-]{1,128}")
REMEMBERED_MAX: Final = 4096  # pairs of pattern and name; callers choose the names


class Scope(NamedTuple):
    """One scope: what may be done, and with which models; "*" is all."""

    action: str
    pattern: str


def parse_scope(text: str) -> Scope:
    """The scope that `text` names.

    Raises:
        ValueError: it is none; the message says what one looks like.
    """
    action, colon, pattern = text.removeprefix(PREFIX).partition(":")
    if not text.startswith(PREFIX) or action not in SCOPES:
        names = ", ".join(sorted(SCOPES))
        raise ValueError(f"{text[:80]!r} is no scope: {PREFIX}<{names}>, perhaps :<model pattern>")
    if colon and not _PATTERN.fullmatch(pattern):
        raise ValueError(f"{text[:80]!r}: a pattern is the name of a model, perhaps with *")
    return Scope(action, pattern or "*")


def matches(pattern: str, name: str) -> bool:
    """Whether the name of a model fits a pattern, in which each * stands for any characters.

    One of more than 193 characters fits none, and is not remembered.
    """
    return len(name) <= NAME_CHARACTERS_MAX and _fits(pattern, name)


@lru_cache(maxsize=REMEMBERED_MAX)
def _fits(pattern: str, name: str) -> bool:
    """Looks for the parts between the stars one after the other, each as early as it can be."""
    first, *others = pattern.split("*")
    if not others:
        return name == first
    last = others.pop()
    at, end = len(first), len(name) - len(last)
    if at > end or not name.startswith(first) or not name.endswith(last):
        return False
    for part in others:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


class Grants:
    """What a caller may do: patterns of models by action. Equal grants are equal.

    Args:
        scopes: all of its scopes; beyond 256 the rest counts for nothing.
    """

    __slots__ = ("_by_action", "_key")

    def __init__(self, scopes: Iterable[Scope]) -> None:
        kept = sorted(set(scopes))[:PATTERNS_MAX]
        by_action: dict[str, tuple[str, ...]] = {}
        for action, pattern in kept:
            by_action[action] = (*by_action.get(action, ()), pattern)
        # One pattern that takes all makes the others superfluous.
        self._by_action = {
            action: ("*",) if "*" in patterns else patterns
            for action, patterns in by_action.items()
        }
        self._key = tuple(sorted(self._by_action.items()))

    def has(self, action: str) -> bool:
        """Whether it may be done with any model at all."""
        return action in self._by_action

    def allows(self, action: str, model: str) -> bool:
        """Whether it may be done with this model."""
        patterns = self._by_action.get(action, ())
        return patterns == ("*",) or any(matches(pattern, model) for pattern in patterns)

    def scopes(self) -> list[Scope]:
        """All of them, in order."""
        return [Scope(action, one) for action, patterns in self._key for one in patterns]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grants) and other._key == self._key

    def __hash__(self) -> int:
        return hash(self._key)


def grants_of(texts: Iterable[str]) -> Grants:
    """The grants of scopes as a token lists them; those of other systems are passed over."""
    scopes = []
    for text in texts:
        try:
            scopes.append(parse_scope(text))
        except ValueError:
            continue
    return Grants(scopes)
