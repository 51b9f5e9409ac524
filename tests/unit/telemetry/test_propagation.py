"""The W3C trace context: what is taken for one, and what is not."""

import pytest

from stubtail.telemetry.propagation import parts_of, traceparent_of

GOOD = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_the_header_is_found_and_read() -> None:
    """Among others, and by its parts."""
    assert traceparent_of([("a", "b"), ("traceparent", GOOD)]) == GOOD
    assert parts_of(GOOD) == (0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, 1)
    assert traceparent_of([("a", "b")]) == ""


@pytest.mark.parametrize(
    "value",
    [
        "",
        "nonsense",
        GOOD.upper(),
        GOOD + "-x",
        GOOD.replace("00-4", "01-4"),
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
        GOOD.encode(),
    ],
)
def test_what_is_none_is_none(value: str | bytes) -> None:
    """Other versions, zeros, and bytes."""
    assert traceparent_of([("traceparent", value)]) == ""
    if isinstance(value, str):
        assert parts_of(value) is None
