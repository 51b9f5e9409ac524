"""Tests of the parser of server-sent events: any cut of the bytes gives the same events."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stubtail.llm.sse import EventParser, EventTooLargeError, ServerEvent

LINES = st.sampled_from(
    [
        b"data: one",
        b"data:two",
        b"data",
        b"data: ",
        b": comment",
        b"event: error",
        b"id: 7",
        b"",
        b"data: \xc3\xbc",
        b"retry: 1",
        b"nonsense",
        b"data:  two spaces",
        b"\xff\xfe",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=30).map(
    lambda parts: b"".join(line + end for line, end in parts)
)


def parse(pieces: list[bytes], bound: int = 10_000) -> list[ServerEvent]:
    """The events of a stream that comes in these pieces."""
    parser = EventParser(bound)
    return [event for piece in pieces for event in parser.feed(piece)]


def expected(stream: bytes) -> list[ServerEvent]:
    """The events by the letter of the standard, from the whole stream."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found: list[ServerEvent] = []
    data: list[bytes] = []
    kind = b""
    for line in text.split(b"\n")[:-1]:
        if not line:
            if data:
                found.append(ServerEvent(kind, b"\n".join(data)))
            data, kind = [], b""
            continue
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
        elif name == b"event":
            kind = value.removeprefix(b" ")
    return found


@given(STREAMS, st.lists(st.integers(0, 300), max_size=12))
def test_any_cut_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    """However the bytes are cut, the events are those of the standard."""
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    pieces = [stream[a:b] for a, b in itertools.pairwise(places)]

    assert parse(pieces) == expected(stream)
    assert parse([bytes([byte]) for byte in stream]) == expected(stream)


@given(st.binary(max_size=400))
def test_any_bytes_give_events_or_nothing(noise: bytes) -> None:
    """No bytes make it fail."""
    assert parse([noise]) == expected(noise)


def test_lines_of_an_event_are_joined() -> None:
    """Several data lines are one event; its type comes with it."""
    assert parse([b"event: error\ndata: a\ndata: b\n\n"]) == [ServerEvent(b"error", b"a\nb")]


def test_a_mark_of_byte_order_is_dropped() -> None:
    """Even where it comes in pieces."""
    assert parse([b"\xef", b"\xbb\xbfdata: a\n", b"\n"]) == [ServerEvent(b"", b"a")]


def test_an_event_without_its_end_is_none() -> None:
    """What the connection cut is not told."""
    assert parse([b"data: whole\n\ndata: half\n"]) == [ServerEvent(b"", b"whole")]


@pytest.mark.parametrize(
    "pieces",
    [
        [b"data: " + b"x" * 100],
        [b"x"] * 101,
        [b"data: 4567890123456789\n"] * 6,
        [b"event: " + b"x" * 94, b"xxxxxxxx\n"],
    ],
)
def test_sizes_are_bounded(pieces: list[bytes]) -> None:
    """A line or an event above the bound is refused, in whatever pieces it comes."""
    with pytest.raises(EventTooLargeError, match="more than 100 bytes"):
        parse(pieces, 100)


def test_many_small_events_are_within_bounds() -> None:
    """The bound is for one event."""
    assert len(parse([b"data: 1234567890\n\n" * 50], 100)) == 50
