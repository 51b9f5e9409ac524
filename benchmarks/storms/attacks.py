"""The storms themselves, each a process of its own: `... attacks NAME HOST:PORT --seconds S`.

Each prints one line of JSON, what it did and what it got back, and ends when its time is over. They
go to a server of ours on this machine, to see that its other callers do not notice.
"""

import argparse
import json
import os
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import grpc
from hpack.hpack import encode_integer

from benchmarks.rows import INFER_PATH
from benchmarks.storms.raw import RawConnection, seen_by
from stubtail.oip import inference_pb2
from stubtail_bench import arrivals
from stubtail_bench.connections import Slow
from stubtail_bench.crew import Target
from stubtail_bench.http2 import (
    CANCEL,
    CONTINUATION,
    END_HEADERS,
    HEADERS,
    PING,
    RST_STREAM,
    frame,
)
from stubtail_bench.run import run_open
from stubtail_bench.traffic import Kind

Found = dict[str, Any]
_TURN_S = 0.05
_ROWS = 64
_SLOW_ROWS, _SLOW_CALLS_PER_S = 512, 200.0  # answers of 2 kB
_IDLE = 10_000
_CONNECTS_PER_S = 5_000 / 60
_BOMB_BYTES = 100 << 20
_HEADER_BYTES = 1 << 20  # of one request, in continuations
_TABLE_VALUE_BYTES = 3_900  # fits into the smallest table that servers must have
_INDEXED = 16_000  # times that one entry is named in a request: 60 MB of headers in 16 kB


def _request(model: str, rows: int, features: int) -> bytes:
    message = inference_pb2.ModelInferRequest(model_name=model)
    message.inputs.add(name="features", datatype="FP32", shape=[rows, features])
    message.raw_input_contents.append(bytes(4 * rows * features))
    return bytes(message.SerializeToString())


def slow_readers(address: str, until: float, message: bytes) -> Found:
    """Eight connections that ask for 50 kB a second each and read 1 kB."""
    seconds = until - time.monotonic()
    kind = Kind("slow", INFER_PATH, [message], [_SLOW_ROWS])
    target = Target(address, [kind], 8, Slow(8, 1_000.0), 1.0, 1)
    due_s = arrivals.constant(_SLOW_CALLS_PER_S, seconds)
    out, _ = run_open(target, due_s, warm_up_s=0.0, seconds=seconds, seed=1)
    return dict(out.statuses)


def deaf(address: str, until: float, message: bytes) -> Found:
    """200 connections that ask as fast as the server takes it and never read an answer."""
    readers = [RawConnection(address, receive_bytes=4096) for _ in range(200)]
    for reader in readers:
        reader.socket.setblocking(False)
    sent = 0
    pending: dict[RawConnection, bytes] = dict.fromkeys(readers, b"")
    while time.monotonic() < until:
        for reader in readers:
            data = pending[reader] or b"".join(reader.call(message) for _ in range(4))
            try:
                written = reader.socket.send(data)
            except BlockingIOError:
                continue
            except OSError:
                reader.closed = True
                continue
            sent += written
            pending[reader] = data[written:]
        time.sleep(_TURN_S)
    closed = sum(reader.closed for reader in readers)
    return {"connections": len(readers), "MB sent": round(sent / 1e6, 1), "closed by it": closed}


def idle(address: str, until: float, _message: bytes) -> Found:
    """10,000 connections that greet and say nothing more."""
    held: list[RawConnection] = []
    refused = 0
    while time.monotonic() < until and len(held) + refused < _IDLE:
        try:
            held.append(RawConnection(address))
        except OSError:
            refused += 1
    opened = len(held)
    while time.monotonic() < until:
        time.sleep(_TURN_S)
    for connection in held:
        connection.drain()
    closed = sum(connection.closed for connection in held)
    return {"opened": opened, "refused": refused, "closed by it": closed}


def churn(address: str, until: float, message: bytes) -> Found:
    """5,000 connections a minute, each for one call."""
    count, due, answers = 0, time.monotonic(), 0
    while time.monotonic() < until:
        connection = RawConnection(address)
        connection.send(connection.call(message))
        deadline = time.monotonic() + 0.2
        while connection.seen["headers"] < 1 and time.monotonic() < deadline:
            connection.drain()
        answers += connection.seen["headers"] > 0
        connection.close()
        count += 1
        due += 1 / _CONNECTS_PER_S
        time.sleep(max(0.0, due - time.monotonic()))
    return {"connections": count, "answered": answers}


def _flood(address: str, until: float, write: Callable[[RawConnection], bytes], each: int) -> Found:
    """Eight connections that write as fast as the server reads; a closed one is made anew."""
    connections = [RawConnection(address) for _ in range(8)]
    sent, renewed, refused = 0, 0, 0
    total: Counter[str] = Counter()
    while time.monotonic() < until:
        for place, connection in enumerate(connections):
            if connection.send(write(connection)):
                sent += each
            connection.drain()
            if connection.closed:
                total += connection.seen
                connection.close()
                renewed += 1
                try:
                    connections[place] = RawConnection(address)
                except OSError:
                    refused += 1
                    time.sleep(_TURN_S)
    total += seen_by(connections)
    return {"sent": sent, "connections ended by it": renewed, "refused": refused, **total}


def rapid_reset(address: str, until: float, _message: bytes) -> Found:
    """Calls that are cancelled as soon as they are begun, 50 in each write."""

    def write(connection: RawConnection) -> bytes:
        parts = []
        for _ in range(50):
            stream, head = connection.head()
            parts += [head, frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL))]
        return b"".join(parts)

    return _flood(address, until, write, 50)


def pings(address: str, until: float, _message: bytes) -> Found:
    """PING frames, 500 in each write."""
    return _flood(address, until, lambda _: frame(PING, 0, 0, bytes(8)) * 500, 500)


def header_bombs(address: str, until: float, _message: bytes) -> Found:
    """Calls with 1 MiB of metadata, and with one entry named 16,000 times."""
    turn = 0

    def write(connection: RawConnection) -> bytes:
        nonlocal turn
        turn += 1
        stream, _ = connection.head()
        block = _PLAIN
        if turn % 2:
            block += _literal(b"\x00", "x-large", os.urandom(_HEADER_BYTES // 2).hex())
        else:
            block += _literal(b"\x40", "x-often", "v" * _TABLE_VALUE_BYTES) + b"\xbe" * _INDEXED
        chunks = [block[at : at + 16_384] for at in range(0, len(block), 16_384)]
        frames = [frame(HEADERS, 0, stream, chunks[0])]
        frames += [frame(CONTINUATION, 0, stream, chunk) for chunk in chunks[1:]]
        frames.append(frame(CONTINUATION, END_HEADERS, stream))
        return b"".join(frames)

    return _flood(address, until, write, 1)


def _literal(kind: bytes, name: str, value: str) -> bytes:
    """A header in literals (RFC 7541, 6.2), without a code for its letters."""
    texts = [bytes(encode_integer(len(text), 7)) + text.encode() for text in (name, value)]
    return kind + b"".join(texts)


# A call's headers that neither need nor change the table of the connection.
_PLAIN = b"\x83\x86" + b"".join(
    _literal(b"\x00", name, value)
    for name, value in (
        (":path", INFER_PATH),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    )
)


def _large(address: str, until: float, compression: grpc.Compression) -> Found:
    """Messages of 100 MiB, one after the other."""
    options = [("grpc.max_send_message_length", -1)]
    statuses: Counter[str] = Counter()
    message = bytes(_BOMB_BYTES)
    with grpc.insecure_channel(address, options=options, compression=compression) as channel:
        call: Any = channel.unary_unary(INFER_PATH, None, None)
        while time.monotonic() < until:
            try:
                call(message, timeout=20.0)
                statuses["OK"] += 1
            except grpc.RpcError as error:
                code: Any = error
                statuses[code.code().name] += 1
            time.sleep(_TURN_S)
    return dict(statuses)


def gzip_bombs(address: str, until: float, _message: bytes) -> Found:
    """100 MiB of zeros in 100 kB of gzip."""
    return _large(address, until, grpc.Compression.Gzip)


def large_messages(address: str, until: float, _message: bytes) -> Found:
    """100 MiB as they are."""
    return _large(address, until, grpc.Compression.NoCompression)


ATTACKS: dict[str, Callable[[str, float, bytes], Found]] = {
    "slow-readers": slow_readers,
    "deaf": deaf,
    "idle": idle,
    "churn": churn,
    "rapid-reset": rapid_reset,
    "pings": pings,
    "header-bombs": header_bombs,
    "gzip-bombs": gzip_bombs,
    "large-messages": large_messages,
}


def main() -> None:
    """Runs one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(ATTACKS))
    parser.add_argument("address")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--model", default="reference")
    parser.add_argument("--features", type=int, default=30)
    options = parser.parse_args()
    rows = _SLOW_ROWS if options.name == "slow-readers" else _ROWS
    message = _request(options.model, rows, options.features)
    found = ATTACKS[options.name](options.address, time.monotonic() + options.seconds, message)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
