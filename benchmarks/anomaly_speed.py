"""How long Detect and Watch take, and what Score feels of series beside it."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np

from benchmarks.calls import Calls
from benchmarks.client import Client
from benchmarks.figures import quantile
from benchmarks.results import Promise
from stubtail.v1 import anomaly_pb2

DETECT = "/stubtail.v1.AnomalyService/Detect"
WATCH = "/stubtail.v1.AnomalyService/Watch"
FEATURES = 15  # of the shipped model
CALLS = 400
SERIES_POINTS = 1000
KEYS = 10_000
MESSAGE_POINTS = 2000
MESSAGES = 100
MESSAGES_AHEAD = 8
CALL_S = 30.0


def speeds(address: str, channel: grpc.Channel, figures: dict[str, Any]) -> list[Promise]:
    """Measures one call after the other, and a stream as fast as it goes.

    Single rows are sent as `peers` and `floor` send theirs, by a client that adds little, and by
    grpcio's as well, which takes about as long as the server does.
    """
    untyped: Any = channel
    call = untyped.unary_unary(DETECT, None, None)
    rng = np.random.default_rng(3)
    with Client(
        address, Calls(DETECT, [_row(rng, 0) for _ in range(CALLS)]), connections=1
    ) as client:
        client.closed(streams=1, count=20)
        row_s = client.closed(streams=1, count=CALLS).latencies_s
    row_grpcio_s = _times(call, lambda: _row(rng, 0))
    driven_s = _times(call, lambda: _row(rng, 3))
    series_s = _times(call, lambda: _series(rng))
    alone, beside = _beside(call, rng)
    points_a_second = _watch(untyped, rng)
    found = {
        "row_ms": _quantiles(row_s),
        "row_by_grpcio_client_ms": _quantiles(row_grpcio_s),
        "row_with_drivers_ms": _quantiles(driven_s),
        "series_1000_ms": _quantiles(series_s),
        "row_alone_ms": _quantiles(alone),
        "row_beside_series_ms": _quantiles(beside),
        "watch_points_a_second": round(points_a_second),
    }
    for name, value in found.items():
        print(f"  {name}: {value}", flush=True)
    figures["speed"] = found
    return [
        Promise(
            "rows: one row, p50",
            quantile(row_s, 0.5) * 1e3,
            "at most",
            0.5,
            " ms",
            note=f"{quantile(row_grpcio_s, 0.5) * 1e3:.3f} ms through grpcio's client in Python",
        ),
        Promise("series: 1,000 points, p50", quantile(series_s, 0.5) * 1e3, "at most", 15, " ms"),
        Promise(f"watch: points a second, {KEYS:,} keys", points_a_second, "at least", 20_000, ""),
    ]


def _times(call: Any, make: Callable[[], bytes]) -> list[float]:
    messages = [make() for _ in range(CALLS)]
    for message in messages[:20]:
        call(message, timeout=CALL_S)
    times = []
    for message in messages:
        begin = time.perf_counter()
        call(message, timeout=CALL_S)
        times.append(time.perf_counter() - begin)
    return times


def _row(rng: np.random.Generator, top: int) -> bytes:
    values = (rng.random(FEATURES) * 100).astype(np.float32)
    request = anomaly_pb2.DetectRequest(model="anomaly", top_features=top, dense={"values": values})
    return request.SerializeToString()


def _series(rng: np.random.Generator) -> bytes:
    made = anomaly_pb2.DetectSeries(values=rng.normal(size=SERIES_POINTS))
    series = anomaly_pb2.DetectSeriesInput(series=[made])
    return anomaly_pb2.DetectRequest(series=series).SerializeToString()


def _beside(call: Any, rng: np.random.Generator) -> tuple[list[float], list[float]]:
    """Rows with nothing else, and rows while another caller sends one series after the other."""
    alone = _times(call, lambda: _row(rng, 0))
    series = [_series(rng) for _ in range(50)]
    done = threading.Event()

    def trouble() -> None:
        at = 0
        while not done.is_set():
            call(series[at % len(series)], timeout=CALL_S)
            at += 1

    other = threading.Thread(target=trouble)
    other.start()
    try:
        beside = _times(call, lambda: _row(rng, 0))
    finally:
        done.set()
        other.join()
    return alone, beside


def _watch(channel: Any, rng: np.random.Generator) -> float:
    """Points a second of one stream, each message answered; keys come in turn."""
    names = [f"host-{at}" for at in range(KEYS)]
    messages = []
    for at in range(MESSAGES):
        first = at * MESSAGE_POINTS % KEYS
        keys = [names[(first + place) % KEYS] for place in range(MESSAGE_POINTS)]
        points = anomaly_pb2.WatchPoints(keys=keys, values=rng.normal(size=MESSAGE_POINTS))
        messages.append(anomaly_pb2.WatchRequest(points=points).SerializeToString())
    gate = threading.Semaphore(MESSAGES_AHEAD)

    def requests() -> Iterator[bytes]:
        for message in messages:
            gate.acquire()
            yield message

    begin = time.perf_counter()
    answered = 0
    for _ in channel.stream_stream(WATCH, None, None)(requests(), timeout=4 * CALL_S):
        answered += 1
        gate.release()
    return answered * MESSAGE_POINTS / (time.perf_counter() - begin)


def _quantiles(times_s: list[float]) -> dict[str, float]:
    return {f"p{part}": round(quantile(times_s, part / 100) * 1e3, 3) for part in (50, 90, 99)}
