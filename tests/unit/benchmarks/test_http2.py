"""The load generator's HTTP/2: what it sends is valid, what it hears is counted once."""

import struct

import hpack
import pytest

from benchmarks.calls import Calls, encode_request, header_blocks
from stubtail_bench.http2 import (
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    OK,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Connection,
    ProtocolError,
    frame,
)

MESSAGE = b"\0\0\0\0\3abc"


def frames(data: bytes) -> list[tuple[int, int, int, bytes]]:
    """Kind, flags, stream and payload of each frame."""
    found = []
    while data:
        word, flags, stream = struct.unpack_from(">IBI", data)
        size = word >> 8
        found.append((word & 0xFF, flags, stream, data[9 : 9 + size]))
        data = data[9 + size :]
    return found


class Peer:
    """A server's side, whose header table grows as a real one's does."""

    def __init__(self) -> None:
        self._encoder = hpack.Encoder()

    def reply(self, stream: int, status: str = "0", message: bytes = MESSAGE, **more: str) -> bytes:
        """A whole reply as a gRPC server sends it."""
        initial = [(":status", "200"), ("content-type", "application/grpc")]
        trailers = [("grpc-status", status), *((k.replace("_", "-"), v) for k, v in more.items())]
        return (
            frame(HEADERS, END_HEADERS, stream, self._encoder.encode(initial))
            + frame(DATA, 0, stream, message)
            + frame(HEADERS, END_HEADERS | END_STREAM, stream, self._encoder.encode(trailers))
        )


def test_the_window_of_a_long_load_is_topped_up():
    """More than a gigabyte of replies of one shape; without more window the peer would stop."""
    peer, connection = Peer(), Connection()
    message = bytes([0]) + (1 << 23).to_bytes(4, "big") + bytes(1 << 23)
    granted = 0
    for stream in range(1, 281, 2):
        assert [
            outcome for _, outcome, _ in connection.feed(peer.reply(stream, message=message))
        ] == [OK]
        for kind, _, on, payload in frames(b"".join(connection.out)[24 if stream == 1 else 0 :]):
            if kind == WINDOW_UPDATE and not on:
                granted += int.from_bytes(payload, "big")
        connection.out.clear()
    received = 140 * len(message)
    assert received > 1 << 30
    assert granted - received >= 1 << 28


def test_a_request_is_one_headers_frame_and_enough_data_frames():
    """Each carries the stream id, none is too large, and only the last ends the stream."""
    message = bytes(range(256)) * 100
    sent = frames(encode_request(b"\x82", message).wire(7))
    assert [kind for kind, *_ in sent] == [HEADERS, DATA, DATA]
    assert {stream for _, _, stream, _ in sent} == {7}
    assert [flags for _, flags, _, _ in sent] == [END_HEADERS, 0, END_STREAM]
    assert all(len(payload) <= 16_384 for *_, payload in sent)
    body = b"".join(payload for kind, _, _, payload in sent if kind == DATA)
    assert body == b"\0" + struct.pack(">I", len(message)) + message


def test_the_size_of_a_request_is_what_counts_against_the_window():
    """Flow control counts the bytes of DATA frames, not their headers."""
    request = encode_request(b"\x82", b"x" * 40_000)
    sent = sum(len(payload) for kind, *_, payload in frames(request.wire(1)) if kind == DATA)
    assert request.size == sent == 40_005


def test_later_calls_name_the_headers_of_the_first_by_index():
    """Both blocks mean the same headers to a decoder that has seen the first."""
    opening, steady = header_blocks("/inference.X/Y", [("grpc-timeout", "5S")])
    decoder = hpack.Decoder()
    first = {str(name): str(value) for name, value in decoder.decode(opening)}
    second = {str(name): str(value) for name, value in decoder.decode(steady)}
    assert first == second
    assert first[":path"] == "/inference.X/Y"
    assert first["te"] == "trailers"
    assert first["grpc-timeout"] == "5S"
    assert len(steady) == len(first)


def test_a_pool_keeps_its_messages_in_order():
    """A sample of replies is compared with the message of the same index."""
    calls = Calls("/a/B", [b"one", b"two"])
    assert [request.pieces[-1][5:] for request in calls.requests] == [b"one", b"two"]
    assert calls.opening.pieces[-1][5:] == b"one"


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_replies_are_counted_once_however_the_bytes_arrive(step: int):
    """Cut anywhere, the same replies come out, in the usual shape or not."""
    peer, connection = Peer(), Connection()
    data = b"".join(peer.reply(stream) for stream in range(3, 43, 2))
    data += peer.reply(43, message=b"\0\0\0\0\1z") + peer.reply(45)
    replies = []
    for at in range(0, len(data), step):
        replies += connection.feed(data[at : at + step])
    assert [stream for stream, _, _ in replies] == list(range(3, 47, 2))
    assert {outcome for _, outcome, _ in replies} == {OK}
    assert [body for *_, body in replies[-3:]] == [MESSAGE, b"\0\0\0\0\1z", MESSAGE]


def test_a_grpc_error_is_no_success_though_http_says_200():
    """The status in the trailers decides; its message is shown unescaped."""
    peer, connection = Peer(), Connection()
    for stream in (3, 5, 7):
        connection.feed(peer.reply(stream))
    (reply,) = connection.feed(peer.reply(9, "8", grpc_message="queue%20full"))
    assert reply[:2] == (9, "RESOURCE_EXHAUSTED: queue full")
    (again,) = connection.feed(peer.reply(11))
    assert again[:2] == (11, OK)


def test_the_same_bytes_are_read_anew_after_the_header_table_has_changed():
    """An index may mean another header once the peer has inserted one before it."""
    connection, encoder = Connection(), hpack.Encoder()
    for stream, status in ((3, "0"), (5, "0"), (7, "5"), (9, "5"), (11, "0"), (13, "0")):
        block = encoder.encode([(":status", "200"), ("grpc-status", status)])
        sent = frame(HEADERS, END_HEADERS | END_STREAM, stream, block)
        (reply,) = connection.feed(sent)
        assert reply[1] == (OK if status == "0" else "NOT_FOUND: "), stream


def test_an_http_error_without_a_grpc_status_is_shown_as_such():
    """A proxy or a front may answer for the server; that is a failure with its HTTP status."""
    block = hpack.Encoder().encode([(":status", "431")])
    (reply,) = Connection().feed(frame(HEADERS, END_HEADERS | END_STREAM, 3, block))
    assert reply == (3, "HTTP 431", b"")


def test_a_body_that_ends_the_stream_has_no_status_and_fails():
    """Without trailers nobody knows whether the call worked."""
    (reply,) = Connection().feed(frame(DATA, END_STREAM, 3, MESSAGE))
    assert reply[1] == "ended without a status"


def test_settings_are_obeyed_and_acknowledged():
    """Limits of the peer are kept; a later change counts too."""
    connection = Connection()
    connection.out.clear()
    connection.feed(frame(SETTINGS, 0, 0, struct.pack(">HIHI", 3, 100, 4, 1 << 20)))
    assert connection.ready
    assert connection.max_streams == 100
    assert connection.stream_window == 1 << 20
    assert frames(b"".join(connection.out)) == [(SETTINGS, 1, 0, b"")]


def test_pings_are_answered_and_windows_grow():
    """A peer that gets no answer to its ping closes the connection."""
    connection = Connection()
    connection.out.clear()
    before = connection.window
    connection.feed(frame(PING, 0, 0, b"12345678") + frame(WINDOW_UPDATE, 0, 0, b"\0\0\1\0"))
    assert frames(b"".join(connection.out)) == [(PING, 1, 0, b"12345678")]
    assert connection.window == before + 256


def test_goaway_and_reset_are_told():
    """The client must know which streams will never be answered."""
    connection = Connection()
    replies = connection.feed(
        frame(RST_STREAM, 0, 5, b"\0\0\0\7") + frame(GOAWAY, 0, 0, struct.pack(">II", 9, 11))
    )
    assert replies == [(5, "RST_STREAM 7", b"")]
    assert connection.last_stream == 9


def test_cancelling_sends_a_reset_with_the_code_of_a_client_that_left():
    """RST_STREAM with CANCEL is what every gRPC client sends."""
    connection = Connection()
    connection.out.clear()
    connection.cancel(9)
    assert frames(b"".join(connection.out)) == [(RST_STREAM, 0, 9, b"\0\0\0\x08")]


def test_what_is_not_understood_is_refused_loudly():
    """A silent mistake in the load generator would become a wrong figure."""
    with pytest.raises(ProtocolError, match="padded"):
        Connection().feed(frame(DATA, 0x8, 3, b"\0abc"))
    with pytest.raises(ProtocolError, match="continued"):
        Connection().feed(frame(HEADERS, 0, 3, b"\x88"))
    with pytest.raises(ProtocolError, match="remembers only 0 bytes"):
        Connection().feed(frame(SETTINGS, 0, 0, struct.pack(">HI", 1, 0)))


@pytest.mark.parametrize("trailers", [False, True])
def test_an_answer_of_a_gateway_has_its_http_status(trailers: bool):
    """502 with a page of its own, which ends with the page or with trailers that say nothing."""
    connection, encoder = Connection(), hpack.Encoder()
    block = encoder.encode([(":status", "502"), ("content-type", "text/html")])
    sent = frame(HEADERS, END_HEADERS, 3, block)
    sent += frame(DATA, 0 if trailers else END_STREAM, 3, b"<html>bad gateway</html>")
    if trailers:
        sent += frame(HEADERS, END_HEADERS | END_STREAM, 3, encoder.encode([("x-served-by", "a")]))
    (reply,) = connection.feed(sent)
    assert reply[:2] == (3, "HTTP 502")
    ok = encoder.encode([(":status", "200")])
    (reply,) = connection.feed(
        frame(HEADERS, END_HEADERS, 5, ok) + frame(DATA, END_STREAM, 5, MESSAGE)
    )
    assert reply[:2] == (5, "ended without a status")


def test_a_reply_may_be_larger_than_the_window_of_its_stream():
    """The peer is told in time that it may go on, and every byte arrives, again and again."""
    connection, encoder = Connection(), hpack.Encoder()
    window, piece = 1 << 24, bytes(range(256)) * 64
    for stream in (3, 5, 7):
        connection.feed(frame(HEADERS, END_HEADERS, stream, encoder.encode([(":status", "200")])))
        left, pieces = window, 3 * window // 2 // len(piece)
        for _ in range(pieces):
            left -= len(piece)
            assert left >= 0, "the peer had to wait for good"
            connection.out.clear()
            connection.feed(frame(DATA, 0, stream, piece))
            for kind, _, place, payload in frames(b"".join(connection.out)):
                if (kind, place) == (WINDOW_UPDATE, stream):
                    left += int.from_bytes(payload, "big")
        block = encoder.encode([("grpc-status", "0")])
        (reply,) = connection.feed(frame(HEADERS, END_HEADERS | END_STREAM, stream, block))
        assert reply[:2] == (stream, OK)
        assert reply[2] == piece * pieces
