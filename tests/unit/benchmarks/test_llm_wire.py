"""The wires of the benchmark of language models: what they take for a complete answer."""

import hpack
import pytest

from benchmarks.llm_wire import STAMP_BYTES, GrpcWire, HttpWire, Seen
from benchmarks.servers.llm_upstream import HEAD, piece, tail, whole
from stubtail_bench.http2 import DATA, END_HEADERS, END_STREAM, HEADERS, SETTINGS, frame


@pytest.mark.parametrize("pieces", [3, 300])
@pytest.mark.parametrize("step", [1, 7, 40, 100_000])
def test_a_stream_over_http_is_counted_in_any_pieces(step: int, pieces: int) -> None:
    """Every piece once, wherever the bytes are cut; its end only at its end."""
    wire = HttpWire()
    seen, sent = wire.ask("pace-3-0", stream=True)
    assert sent.startswith(b"POST /v1/chat/completions")
    data = HEAD + b"".join(piece() for _ in range(pieces)) + tail(pieces)
    for at in range(0, len(data), step):
        assert not seen.ended
        wire.feed(data[at : at + step], 10**19)
    assert (len(seen.ages_ns), seen.ended, seen.ok) == (pieces, True, True)


def test_a_whole_answer_over_http() -> None:
    """By its length; an error is none."""
    wire = HttpWire()
    seen, _ = wire.ask("now", stream=False)
    wire.feed(whole(), 10**19)
    assert (len(seen.ages_ns), seen.ok) == (1, True)
    seen, _ = wire.ask("now", stream=False)
    wire.feed(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}", 10**19)
    assert (seen.ended, seen.ok) == (True, False)


def test_a_stream_over_http_that_ends_early_is_not_complete() -> None:
    """The end of the body is not enough."""
    wire = HttpWire()
    seen, _ = wire.ask("pace-3-0", stream=True)
    wire.feed(HEAD + piece() + b"0\r\n\r\n", 10**19)
    assert (seen.ended, seen.ok) == (True, False)


def test_the_gap_is_the_longest_silence() -> None:
    """Between two arrivals, not before the first."""
    seen = Seen()
    for now_ns in (1000, 1010, 1500, 1510):
        seen.take(b"%020d " % 900, now_ns)
    assert seen.gap_ns == 490
    assert seen.ages_ns == [100, 110, 600, 610]
    assert seen.first_ns == 1000
    assert len(b"%020d " % 900) == STAMP_BYTES


def test_calls_over_grpc_are_told_apart() -> None:
    """By their streams; the status decides."""
    wire, encoder = GrpcWire(), hpack.Encoder()
    # A server may speak first: its settings are acknowledged after our hello, never before it.
    assert wire.feed(frame(SETTINGS, 0, 0), 1).startswith(b"PRI * HTTP/2.0")
    first, _ = wire.ask("now", stream=True)
    second, sent = wire.ask("now", stream=True)
    assert b"PRI *" not in sent
    head = encoder.encode([(":status", "200")])
    data = b""
    for number in (1, 3):
        data += frame(HEADERS, END_HEADERS, number, head)
        data += frame(DATA, 0, number, b"\0\0\0\0\x15%020d " % number)
    data += frame(HEADERS, END_HEADERS | END_STREAM, 1, encoder.encode([("grpc-status", "0")]))
    bad = [("grpc-status", "14"), ("grpc-message", "gone")]
    data += frame(HEADERS, END_HEADERS | END_STREAM, 3, encoder.encode(bad))
    for at in range(0, len(data), 11):
        wire.feed(data[at : at + 11], 1000)
    assert (first.ok, len(first.ages_ns)) == (True, 1)
    assert (second.ended, second.ok, second.why) == (True, False, "gone")
    assert second.ages_ns == [997]
