"""What is noted: administrative acts and denials, without payloads and without secrets."""

import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from stubtail.access.credential import Pairs
from stubtail.access.identity import Identity
from stubtail.access.rate import Rate
from stubtail.audit.writer import Writer
from stubtail.errors import CallError

TEXT_CHARACTERS_MAX: Final = 256  # of anything that a caller chose
_TRACE: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class Audit:
    """Takes note; every method returns at once, on any thread.

    Args:
        writer: where records go.
        denials_per_s: so many denials of callers who are known, and as many of strangers, are
            noted one by one; beyond, the next record says how many there were.
        clock: monotonic seconds.
        unix_clock: seconds since 1970.
    """

    def __init__(
        self,
        writer: Writer,
        denials_per_s: float,
        clock: Callable[[], float] = time.monotonic,
        unix_clock: Callable[[], float] = time.time,
    ) -> None:
        self._writer = writer
        # Two, or a flood of strangers would hide what a caller tries meanwhile.
        self._callers, self._strangers = (
            Rate(denials_per_s, max(int(denials_per_s), 1)) for _ in range(2)
        )
        self._clock = clock
        self._unix_clock = unix_clock
        self._suppressed = 0

    @property
    def has_room(self) -> bool:
        """Whether an act could be noted now; where not, it is not to be done."""
        return self._writer.has_room

    def denied(
        self, error: CallError, path: str, identity: Identity | None, peer: str, metadata: Pairs
    ) -> None:
        """A call was not admitted, or not to a model."""
        rate = self._strangers if identity is None else self._callers
        if rate.take(self._clock()):
            self._suppressed += 1
            return
        more: dict[str, Any] = {"scope": scope} if (scope := error.about_scope) else {}
        if self._suppressed:
            more["suppressed"], self._suppressed = self._suppressed, 0
        self._put("denial", path, identity, peer, trace_id(metadata), error, more)

    def act(
        self,
        path: str,
        identity: Identity,
        peer: str,
        metadata: Pairs,
        models: Sequence[str],
        error: CallError | None,
    ) -> None:
        """Somebody administered; `models` as `name` or `name@version`, `error` where it failed."""
        names = [text[:TEXT_CHARACTERS_MAX].partition("@") for text in models]
        more: dict[str, Any] = {"model": [name for name, _, _ in names]}
        if any(version for _, _, version in names):
            more["version"] = [version for _, _, version in names]
        trace = trace_id(metadata)
        self._put("act", path, identity, peer, trace, error, more, promised=True)

    def _put(
        self,
        event: str,
        path: str,
        identity: Identity | None,
        peer: str,
        trace: str,
        error: CallError | None,
        more: dict[str, Any],
        *,
        promised: bool = False,
    ) -> None:
        now = self._unix_clock()

        def record() -> dict[str, Any]:
            return {
                "time": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
                "event": event,
                "caller": identity.caller if identity is not None else "",
                "tenant": identity.tenant if identity is not None else "",
                "method": path[:TEXT_CHARACTERS_MAX],  # on the HTTP port callers choose it
                "peer": peer,
                "outcome": error.code.name if error is not None else "OK",
                "reason": error.reason if error is not None else "",
                "trace": trace,
                **more,
            }

        self._writer.put(record, promised=promised)


def trace_id(metadata: Pairs) -> str:
    """The trace of a call by its W3C `traceparent`; "" without one."""
    for key, value in metadata:
        if key == "traceparent" and isinstance(value, str):
            found = _TRACE.fullmatch(value)
            return found[1] if found else ""
    return ""
