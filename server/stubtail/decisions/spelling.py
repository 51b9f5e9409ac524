"""What to say of a name that is not known: the known one that is most like it."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

SHOWN_CHARACTERS_MAX: Final = 64  # of a wrong name, in a message
CLOSE_CHARACTERS, CLOSE_OF_MAX = 3, 64  # names compared with a wrong one: 3 us each


def closest(name: str, known: Collection[str]) -> str:
    """The known name most like a wrong one; nothing when none is, or when too many may be."""
    shown = name[:SHOWN_CHARACTERS_MAX]
    near = [one for one in known if abs(len(one) - len(shown)) <= CLOSE_CHARACTERS]
    found = get_close_matches(shown, near, n=1) if len(near) <= CLOSE_OF_MAX else []
    return found[0] if found else ""


def unknown_name(name: str, known: Collection[str], what: str) -> str:
    """The sentence: it is not `what`, and what may be meant."""
    close = closest(name, known)
    hint = f"; did you mean {close!r}?" if close else ""
    return f"{name[:SHOWN_CHARACTERS_MAX]!r} is not {what}{hint}"
