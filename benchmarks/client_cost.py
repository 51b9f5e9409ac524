"""What the Python client adds to its raw stub: processor time of a call, at a steady rate."""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt

from benchmarks.results import Promise, machine
from benchmarks.scenario import add_common, add_transport, finish, server_of
from stubtail.v1 import models_pb2, models_pb2_grpc, scoring_pb2, scoring_pb2_grpc
from stubtail_client import AsyncClient, Client

BLOCK = 250  # calls of one kind before the other kind has its turn
POOL = 512  # different rows
ADDED_MAX_PERCENT = 25
TIMEOUT_S = 5.0  # as every caller should set one; it is never met
_FORMS = ("dense", "named")

Row = dict[str, float | str]
Ask = Callable[[int], Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks client`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--calls", type=int, default=10_000, help="of each kind")
    parser.add_argument("--rate", type=int, default=1_000, help="calls a second")


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when the promise was kept."""
    about = machine()
    found: dict[str, dict[str, float]] = {}
    with server_of(options) as server:
        named, dense = rows(server.address, options.model)
        for form in _FORMS:
            requests = (options.model, form, named, dense)
            with Client(server.address, timeout=TIMEOUT_S) as client:
                pair = blocking(server.address, client, *requests)
                found[f"sync {form}"] = compared(pair, options.calls, options.rate)
            found[f"async {form}"] = asyncio.run(
                awaited(server.address, requests, options.calls, options.rate)
            )
    for name, one in found.items():
        print(
            f"  {name}: raw stub {one['raw_us']:.0f} µs of processor time a call, "
            f"client {one['client_us']:.0f} µs, added {one['added_percent']:.1f} %",
            flush=True,
        )
    promises = [
        Promise(
            f"{name}: added to the raw stub",
            one["added_percent"],
            "at most",
            ADDED_MAX_PERCENT,
            " %",
        )
        for name, one in found.items()
    ]
    return finish("client", options, about, promises, {"clients": found, "rate": options.rate})


def rows(address: str, model: str) -> tuple[list[Row], npt.NDArray[np.float32]]:
    """Different rows, by name and as [N, F] float32, within what the model takes."""
    with grpc.insecure_channel(address) as channel:
        stub: Any = models_pb2_grpc.ModelServiceStub(channel)
        described = stub.GetModel(models_pb2.GetModelRequest(model=model), timeout=TIMEOUT_S)
    rng = np.random.default_rng(5)
    named: list[Row] = [{} for _ in range(POOL)]
    dense: npt.NDArray[np.float32] = np.empty((POOL, len(described.features)), np.float32)
    for at, feature in enumerate(described.features):
        for number in range(POOL):
            if feature.categories:
                chosen = int(rng.integers(len(feature.categories)))
                named[number][feature.name] = feature.categories[chosen]
                dense[number, at] = chosen
            else:
                value = round(float(rng.uniform(feature.minimum, feature.maximum)), 2)
                named[number][feature.name] = value
                dense[number, at] = value
    return named, dense


def message(model: str, form: str, named: Row, dense: npt.NDArray[np.float32]) -> Any:
    """The request that a caller of the raw stub builds."""
    request = scoring_pb2.ScoreRequest(model=model)
    if form == "dense":
        request.dense.values.extend(dense)
        return request
    for name, value in named.items():
        if isinstance(value, str):
            request.named.columns.add(name=name, strings=[value])
        else:
            request.named.columns.add(name=name, numbers=[value])
    return request


def blocking(
    address: str,
    client: Client,
    model: str,
    form: str,
    named: list[Row],
    dense: npt.NDArray[np.float32],
) -> tuple[Ask, Ask]:
    """A call by the raw stub, and one by the client, for the row of a number."""
    channel = grpc.insecure_channel(address)
    stub: Any = scoring_pb2_grpc.ScoringServiceStub(channel)

    def raw(at: int) -> float:
        reply = stub.Score(message(model, form, named[at], dense[at]), timeout=TIMEOUT_S)
        return float(reply.scores[0])

    def ours(at: int) -> float:
        row = dense[at] if form == "dense" else named[at]
        return float(client.score(model, row).scores[0])

    return raw, ours


def compared(pair: Sequence[Ask], calls: int, rate: int) -> dict[str, float]:
    """Processor time of both, in turn: a noisy machine treats them alike.

    A third turn only keeps the pace: what that takes is nobody's, and is taken off both.
    """
    spent: list[list[float]] = [[], [], []]
    _same(pair[0](0), pair[1](0))
    for _ in range(max(1, calls // BLOCK)):
        for kind, ask in enumerate((*pair, _nothing)):
            before = time.process_time()
            next_s = time.monotonic()
            for at in range(BLOCK):
                next_s += 1 / rate
                time.sleep(max(0.0, next_s - time.monotonic()))
                ask(at)
            spent[kind].append((time.process_time() - before) / BLOCK)
    return _figures(spent)


async def awaited(
    address: str,
    requests: tuple[str, str, list[Row], npt.NDArray[np.float32]],
    calls: int,
    rate: int,
) -> dict[str, float]:
    """The same for asyncio."""
    model, form, named, dense = requests
    async with (
        grpc.aio.insecure_channel(address) as channel,
        AsyncClient(address, timeout=TIMEOUT_S) as client,
    ):
        stub: Any = scoring_pb2_grpc.ScoringServiceStub(channel)

        async def raw(at: int) -> float:
            reply = await stub.Score(message(model, form, named[at], dense[at]), timeout=TIMEOUT_S)
            return float(reply.scores[0])

        async def ours(at: int) -> float:
            row = dense[at] if form == "dense" else named[at]
            return float((await client.score(model, row)).scores[0])

        pair: tuple[Callable[[int], Awaitable[float]], ...] = (raw, ours, _nothing_awaited)
        _same(await raw(0), await ours(0))
        spent: list[list[float]] = [[], [], []]
        for _ in range(max(1, calls // BLOCK)):
            for kind, ask in enumerate(pair):
                before = time.process_time()
                next_s = time.monotonic()
                for at in range(BLOCK):
                    next_s += 1 / rate
                    await asyncio.sleep(max(0.0, next_s - time.monotonic()))
                    await ask(at)
                spent[kind].append((time.process_time() - before) / BLOCK)
    return _figures(spent)


def _same(raw: float, ours: float) -> None:
    """Both kinds must do the same work; the first call also connects."""
    if abs(raw - ours) > 1e-6:
        raise AssertionError(f"the stub gives {raw}, the client {ours}")


def _nothing(_at: int) -> float:
    """A turn without a call."""
    return 0.0


async def _nothing_awaited(_at: int) -> float:
    return 0.0


def _figures(spent: Sequence[Sequence[float]]) -> dict[str, float]:
    """Of blocks of the stub, of the client and of nothing but the pace, in turn."""
    pace = statistics.median(spent[2])
    blocks = [[one - pace for one in kind] for kind in spent[:2]]
    raw, ours = (statistics.median(one) * 1e6 for one in blocks)
    added = statistics.median(ours / raw for raw, ours in zip(*blocks, strict=True)) - 1
    return {
        "pace_us": round(pace * 1e6, 1),
        "raw_us": round(raw, 1),
        "client_us": round(ours, 1),
        "added_percent": round(100 * added, 1),
    }
