"""The W3C trace context of a call: read by transports, found by endpoints; imports nothing."""

import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Final

KEY: Final = "traceparent"
# version 00: trace, parent, flags; none of the first two may be all zeros.
_FORM: Final = re.compile(
    r"00-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
)

# Set by a transport in the task of a call, where traces are on.
TRACEPARENT: Final[ContextVar[str]] = ContextVar("stubtail_traceparent", default="")


def traceparent_of(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """The traceparent among the metadata of a call; empty where none is valid."""
    for key, value in metadata:
        if key == KEY:
            return value if isinstance(value, str) and _FORM.fullmatch(value) else ""
    return ""


def parts_of(traceparent: str) -> tuple[int, int, int] | None:
    """Trace, span and flags; None where it is no traceparent."""
    found = _FORM.fullmatch(traceparent)
    if found is None:
        return None
    return int(found["trace"], 16), int(found["span"], 16), int(found["flags"], 16)
