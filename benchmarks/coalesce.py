"""What the coalescing scorer gains: calls a second of one process with many callers at once."""

import argparse
import asyncio
import itertools
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.client_cost import POOL, rows
from benchmarks.figures import quantile
from benchmarks.results import Promise, machine
from benchmarks.scenario import add_common, add_transport, finish, server_of
from stubtail_client import AsyncClient, AsyncCoalescer, Client, Coalescer

TIMEOUT_S = 30.0
Times = list[float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks coalesce`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--callers", type=int, default=64, help="tasks, or threads, at once")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each kind in each round")
    parser.add_argument("--rounds", type=int, default=3, help="in which both kinds take turns")


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when the promise was kept."""
    about = machine()
    found: dict[str, dict[str, float]] = {}
    with server_of(options) as server:
        named, dense = rows(server.address, options.model)
        for form, pool in (("dense", list(dense)), ("named", named)):
            found[f"async {form}"] = asyncio.run(of_tasks(server.address, pool, options))
            found[f"threads {form}"] = of_threads(server.address, pool, options)
    for name, one in found.items():
        print(
            f"  {name}: alone {one['alone_per_s']:.0f} calls/s (p99 {one['alone_p99_ms']:.1f} ms), "
            f"joined {one['joined_per_s']:.0f} (p99 {one['joined_p99_ms']:.1f} ms), "
            f"{one['gain']:.1f} times",
            flush=True,
        )
    promises = [
        Promise(f"{name}: rows joined against rows alone", one["gain"], "at least", 2)
        for name, one in found.items()
    ]
    figures = {"coalescing": found, "callers": options.callers}
    return finish("coalesce", options, about, promises, figures)


async def of_tasks(address: str, pool: list[Any], options: argparse.Namespace) -> dict[str, float]:
    """Callers are tasks of one event loop."""
    async with (
        AsyncClient(address, timeout=TIMEOUT_S) as client,
        AsyncCoalescer(client, options.model) as scorer,
    ):
        kinds: list[Callable[[Any], Awaitable[Any]]] = [
            lambda row: client.score(options.model, row),
            scorer.score,
        ]
        seen: list[tuple[float, Times]] = [(0.0, []), (0.0, [])]
        for ask in kinds:
            await ask(pool[0])
        for _ in range(options.rounds):
            for at, ask in enumerate(kinds):
                took_s: Times = []
                start_s = time.monotonic()
                await asyncio.gather(
                    *(
                        _task(ask, pool, first, start_s + options.seconds, took_s)
                        for first in range(options.callers)
                    )
                )
                seen[at] = (seen[at][0] + time.monotonic() - start_s, seen[at][1] + took_s)
    return _figures(seen)


async def _task(
    ask: Callable[[Any], Awaitable[Any]], pool: list[Any], first: int, end_s: float, took_s: Times
) -> None:
    for at in itertools.count(first * 7):
        start_s = time.monotonic()
        if start_s > end_s:
            return
        await ask(pool[at % POOL])
        took_s.append(time.monotonic() - start_s)


def of_threads(address: str, pool: list[Any], options: argparse.Namespace) -> dict[str, float]:
    """Callers are threads."""
    with Client(address, timeout=TIMEOUT_S) as client, Coalescer(client, options.model) as scorer:
        kinds: list[Callable[[Any], Any]] = [
            lambda row: client.score(options.model, row),
            scorer.score,
        ]
        seen: list[tuple[float, Times]] = [(0.0, []), (0.0, [])]
        for ask in kinds:
            ask(pool[0])
        for _ in range(options.rounds):
            for at, ask in enumerate(kinds):
                took_s: Times = []
                start_s = time.monotonic()
                threads = [
                    threading.Thread(
                        target=_thread, args=(ask, pool, first, start_s + options.seconds, took_s)
                    )
                    for first in range(options.callers)
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                seen[at] = (seen[at][0] + time.monotonic() - start_s, seen[at][1] + took_s)
    return _figures(seen)


def _thread(
    ask: Callable[[Any], Any], pool: list[Any], first: int, end_s: float, took_s: Times
) -> None:
    for at in itertools.count(first * 7):
        start_s = time.monotonic()
        if start_s > end_s:
            return
        ask(pool[at % POOL])
        took_s.append(time.monotonic() - start_s)  # appending is atomic


def _figures(seen: list[tuple[float, Times]]) -> dict[str, float]:
    alone, joined = (len(took_s) / seconds for seconds, took_s in seen)
    alone_p99, joined_p99 = (quantile(took_s, 0.99) * 1e3 for _, took_s in seen)
    return {
        "alone_per_s": round(alone, 1),
        "joined_per_s": round(joined, 1),
        "alone_p99_ms": round(alone_p99, 2),
        "joined_p99_ms": round(joined_p99, 2),
        "gain": round(joined / alone, 2),
    }
