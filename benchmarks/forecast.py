"""How good and how fast forecasts are: a table of accuracy, and latency over a connection."""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, Final

import grpc
import numpy as np

from benchmarks.errors import BenchmarkError, WrongAnswerError
from benchmarks.figures import quantile
from benchmarks.forecast_accuracy import ALL, LAST, Row, judge, table
from benchmarks.forecast_data import FOLDER, GROUPS, m4
from benchmarks.forecast_report import HEAD, SEEN, lines, losses
from benchmarks.results import Promise, machine
from benchmarks.scenario import add_common, add_transport, finish, server_of
from stubtail.forecasting.task import AUTO, ETS, NAIVE, THETA, TREES, ZERO_SHOT
from stubtail.v1 import forecasting_pb2

PATH: Final = "/stubtail.v1.ForecastingService/Forecast"
MODELS: Final = (NAIVE, LAST, ETS, THETA, ZERO_SHOT, TREES, AUTO)
RIVALS: Final = (NAIVE, ETS, THETA, ZERO_SHOT)
POINTS: Final = 2000
HORIZON: Final = 48
MANY: Final = 64  # series in one call
CALL_S: Final = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks forecast`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--only", choices=["accuracy", "latency"], help="one half of it")
    parser.add_argument("--m4", type=int, default=414, metavar="N", help="series of M4 Hourly")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes for accuracy")
    parser.add_argument("--calls", type=int, default=200, help="one after the other, all different")


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves each half; 0 when the promises were kept."""
    status = 0
    if options.only != "latency":
        about = machine()
        status |= finish_accuracy(options, about, _accuracy(options))
    if options.only != "accuracy":
        about = machine()
        times = _latency(options)
        figures = {"latency_ms": times}
        status |= finish("forecast-latency", options, about, _latency_promises(times), figures)
    return status


def finish_accuracy(
    options: argparse.Namespace, about: Mapping[str, Any], rows: Sequence[Row]
) -> int:
    """Prints and saves the table; 0 when the promises were kept."""
    for cells in (HEAD, *lines(rows)):
        print("  " + "".join(f"{cell:>16}" for cell in cells))
    for text in (*losses(rows), SEEN):
        print(f"  {text}")
    figures = {"accuracy": [asdict(row) for row in rows]}
    return finish("forecast-accuracy", options, about, _accuracy_promises(rows), figures)


def _accuracy(options: argparse.Namespace) -> list[Row]:
    if not FOLDER.is_dir():
        raise BenchmarkError(
            f"accuracy needs the public series in {FOLDER.name}; use --only latency"
        )
    series = [
        one
        for name, make in GROUPS.items()
        for one in (m4(options.m4) if name == "M4 Hourly" else make())
    ]
    return table(judge(series, MODELS, options.models.resolve(), options.jobs))


def _accuracy_promises(rows: Sequence[Row]) -> list[Promise]:
    overall = {row.model: row.relative for row in rows if row.group == ALL}
    promises = [Promise("auto against seasonal-naive", overall[AUTO], "at most", 0.78)]
    promises += [
        Promise(f"auto against {rival}", overall[AUTO] / overall[rival], "at most", 1.0)
        for rival in RIVALS[1:]
    ]
    for row in rows:
        if row.model == AUTO and row.group != ALL:
            text = f"80 % intervals of auto hold, {row.group}"
            promises.append(Promise(text, row.coverage, "at least", 0.75, ""))
            promises.append(Promise(text, row.coverage, "at most", 0.85, ""))
    return promises


def _latency(options: argparse.Namespace) -> dict[str, float]:
    """Milliseconds by what was measured."""
    rng = np.random.default_rng(17)
    times: dict[str, float] = {}
    with server_of(options) as server, grpc.insecure_channel(server.address) as channel:
        call: Any = channel.unary_unary(PATH, None, None)
        for model in (ZERO_SHOT, AUTO):
            _ask(call, [_request(model, _series(rng, 4))])  # starts processes, loads graphs
            made = [_request(model, _series(rng, 1)) for _ in range(options.calls)]
            _ask(call, made[:10])
            taken = _ask(call, made)
            for part in (50, 90, 99):
                times[f"{model} p{part}"] = round(quantile(taken, part / 100) * 1e3, 2)
            times[f"{model} one at a time, {MANY}"] = round(sum(taken[:MANY]) * 1e3, 1)
            together = [_ask(call, [_request(model, _series(rng, MANY))])[0] for _ in range(3)]
            times[f"{model} {MANY} in one call"] = round(float(np.median(together)) * 1e3, 1)
            print(f"  {model}: " + ", ".join(f"{k} {v}" for k, v in times.items() if model in k))
        times["seasonal-naive beside auto p99"] = _beside(call, rng)
    return times


def _beside(call: Any, rng: np.random.Generator) -> float:
    """p99 of a light call while `auto` is busy in another one, ms: nobody holds up the lane."""
    light = [_request(NAIVE, _series(rng, 1)) for _ in range(100)]
    with ThreadPoolExecutor(1) as pool:
        heavy = pool.submit(_ask, call, [_request(AUTO, _series(rng, 32))])
        taken = _ask(call, light)
        heavy.result()
    return round(quantile(taken, 0.99) * 1e3, 2)


def _latency_promises(times: dict[str, float]) -> list[Promise]:
    shape = f"{POINTS:,} values, horizon {HORIZON}"
    promises = [
        Promise(f"zero-shot p50, {shape}", times[f"{ZERO_SHOT} p50"], "at most", 20, " ms"),
        Promise(f"auto p50, {shape}", times[f"{AUTO} p50"], "at most", 60, " ms"),
        Promise(f"auto p99, {shape}", times[f"{AUTO} p99"], "at most", 100, " ms"),
    ]
    for model in (ZERO_SHOT, AUTO):
        ratio = times[f"{model} one at a time, {MANY}"] / times[f"{model} {MANY} in one call"]
        text = f"{model}: {MANY} series in one call against one at a time"
        promises.append(Promise(text, ratio, "at least", 1.6))
    return promises


def _series(rng: np.random.Generator, count: int) -> list[Any]:
    """Hours with a day and a week in them, all different."""
    steps = np.arange(POINTS)
    made = []
    for _ in range(count):
        day = rng.uniform(5, 20) * np.sin(2 * np.pi * (steps + rng.integers(24)) / 24)
        week = rng.uniform(1, 8) * np.sin(2 * np.pi * (steps + rng.integers(168)) / 168)
        noise = np.cumsum(rng.normal(0, 0.1, POINTS)) + rng.normal(0, 2, POINTS)
        made.append(100 + day + week + noise)
    return made


def _request(model: str, series: Sequence[Any]) -> bytes:
    request = forecasting_pb2.ForecastRequest(
        model=model, horizon=HORIZON, quantile_levels=[0.1, 0.5, 0.9], frequency="h"
    )
    for values in series:
        request.series.add(values=values.tolist())
    return request.SerializeToString()


def _ask(call: Callable[..., bytes], messages: Sequence[bytes]) -> list[float]:
    """Calls one after the other; the seconds that each took; raises WrongAnswerError."""
    taken = []
    for message in messages:
        begin = time.perf_counter()
        try:
            reply = call(message, timeout=CALL_S, wait_for_ready=True)
        except grpc.RpcError as error:
            code: Any = error
            raise WrongAnswerError(f"{code.code().name}: {code.details()}") from error
        taken.append(time.perf_counter() - begin)
        answer = forecasting_pb2.ForecastResponse.FromString(reply)
        if (
            len(answer.points) != len(answer.series) * HORIZON
            or not np.isfinite(answer.points).all()
        ):
            raise WrongAnswerError(f"{len(answer.points)} points for {len(answer.series)} series")
    return taken
