"""What goes with an error that names a time."""

import pytest

from stubtail.errors import CallError, Code


@pytest.mark.parametrize(
    ("retry_after_s", "pushback"),
    [(0.25, "250"), (0.0, "1"), (0.0004, "1"), (-1.0, "-1000")],
)
def test_a_pushback_is_never_zero(retry_after_s: float, pushback: str) -> None:
    """On 0 the core of gRPC 1.85 waits until the deadline; a client would see no retry at all."""
    error = CallError(Code.UNAVAILABLE, "DRAINING", "later", retry_after_s=retry_after_s)
    assert ("grpc-retry-pushback-ms", pushback) in error.trailing_metadata
