"""Where traces are on, calls of the native front that are refused leave nothing behind."""

from typing import Any

import pytest

from stubtail.endpoints.method import Unary
from tests.unit.access.test_guard import SCORE, guard_of
from tests.unit.lane.puppets import Stage

native = pytest.importorskip("stubtail.transport.native")

from stubtail.transport.native_traced import TracedNativeTransport  # noqa: E402 - where it is there

TRACEPARENT = ("traceparent", "00-" + "1" * 32 + "-" + "2" * 16 + "-01")


class Front:
    """Counts errors."""

    failed = 0

    def fail(self, *_: Any) -> None:
        """An error."""
        self.failed += 1


async def nobody(_: bytes) -> bytes:
    """Is never asked."""
    raise AssertionError


def test_the_parents_of_refused_calls_are_forgotten() -> None:
    """They never get a task that could do it."""
    stage = Stage()
    options = native.NativeOptions("127.0.0.1", 0, False, 1, 10_000, 1_024, 10)
    transport: Any = TracedNativeTransport(
        options, stage.lane, [], [], [Unary(SCORE, nobody, direct=True)], "",
        lambda *_: None, stage.clock, guard_of(),
    )  # fmt: skip
    transport._front = front = Front()
    transport._paths += transport.calls.paths
    for call in range(20):
        event = (native.EVENT_CALL, call, 0, b"", None, ((TRACEPARENT,), "peer", None))
        transport._take(iter([event]), 0.0, [])
    assert front.failed == 20
    assert transport.calls.traceparents == {}
