"""What the proxy to language models adds: to a call, a first token, a chunk, and its neighbours.

An upstream on this machine answers at once or at a pace. It is asked directly and through the
proxies in turn, in one run, so that what a proxy adds is a difference within a round.
"""

import argparse
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.figures import Spread, quantile
from benchmarks.llm_latency import Caller, Latencies
from benchmarks.llm_load import Load, loads, scoring
from benchmarks.llm_report import added, report
from benchmarks.llm_servers import (
    DIRECT,
    FIRST_MODEL,
    LITELLM,
    STUBTAIL,
    Contestant,
    direct,
    litellm_proxy,
    pinned,
    python_module,
    stubtail_proxy,
    through,
)
from benchmarks.processes import Server
from benchmarks.results import Promise, machine
from benchmarks.scenario import add_common, add_transport, finish

_WARM_UP_CALLS = 100
_SLOW_PART = 5  # LiteLLM gets a fifth of the calls: it takes that much longer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks llm`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--rounds", type=int, default=3, help="the proxies take turns in each")
    parser.add_argument("--calls", type=int, default=1000, help="single calls in each round")
    parser.add_argument("--streams", type=int, default=200, help="at once")
    parser.add_argument("--few", type=int, default=10, help="at once, for those who need time")
    parser.add_argument("--rate", type=int, default=50, help="pieces a second of each stream")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the streams")
    parser.add_argument(
        "--litellm-python",
        type=Path,
        default=Path(".cache/venvs/litellm/bin/python"),
        metavar="FILE",
        help="of an environment with LiteLLM's proxy (make litellm); without it, it is left out",
    )


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when the promises were kept."""
    about = machine()
    core = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    latencies: dict[str, list[Latencies]] = {}
    with started(options, None) as contestants:
        for number in range(options.rounds):
            order = contestants if number % 2 == 0 else contestants[::-1]
            for one in order:
                found = measure_latencies(one, options.calls)
                latencies.setdefault(one.name, []).append(found)
    # Under load each proxy stands on one core, the upstream and the callers where there is room.
    with started(options, core) as contestants:
        few = loads(contestants, options, options.few)
        load = loads(contestants, options, options.streams)
        lane = scoring(contestants, options)
    figures = {
        "added": {name: added(latencies, name) for name in latencies if name != DIRECT},
        "direct": absolute(latencies[DIRECT]),
        "loads": [
            {"streams": count, **{name: one.document() for name, one in found.items()}}
            for count, found in ((options.few, few), (options.streams, load))
        ],
        "scoring": lane,
        "streams": options.streams,
        "rate": options.rate,
    }
    print(report(figures), flush=True)
    return finish("llm", options, about, promises(figures, load[STUBTAIL]), figures)


@contextmanager
def started(options: argparse.Namespace, core: int | None) -> Iterator[list[Contestant]]:
    """The upstream, asked directly and through each proxy; these on `core`, where it is given."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        upstream = stack.enter_context(Server(python_module("benchmarks.servers.llm_upstream")))
        contestants = [direct(upstream.address)]
        with pinned(core):
            for name, server in _proxies(options, Path(folder), upstream.address):
                contestants.append(through(name, stack.enter_context(server)))
        yield contestants


def measure_latencies(one: Contestant, calls: int) -> Latencies:
    """Single calls, one after the other, whole ones and the beginnings of streams in turn."""
    count = calls // _SLOW_PART if one.name == LITELLM else calls
    with Caller(one.address, one.wire()) as caller:
        for _ in range(min(count, _WARM_UP_CALLS)):
            caller.unary_s()
            caller.first_s(FIRST_MODEL)
        found = Latencies()
        for _ in range(count):
            found.unary_s.append(caller.unary_s())
            found.first_s.append(caller.first_s(FIRST_MODEL))
    return found


def absolute(rounds: Sequence[Latencies]) -> dict[str, float]:
    """Without a proxy: what the others are compared with, medians of the rounds in milliseconds."""
    return {
        f"{kind}_p{part}_ms": Spread.of(
            [quantile(getattr(one, f"{kind}_s"), part / 100) * 1e3 for one in rounds]
        ).median
        for kind in ("unary", "first")
        for part in (50, 99)
    }


def promises(figures: dict[str, Any], load: Load) -> list[Promise]:
    """What is promised of the proxy, and what was measured."""
    ours = figures["added"][STUBTAIL]
    cpu_us, longest_ms = (
        math.nan if load.failed else value for value in (load.cpu_us, load.age_max_ms)
    )
    what = f"{figures['streams']} streams of {figures['rate']} pieces/s on one core"
    lane = figures["scoring"]
    quiet, straight, proxied = (
        math.nan if lane[name] is None else lane[name]
        for name in ("quiet_ms", "beside_direct_ms", "beside_proxied_ms")
    )
    closed = (lane.get("beside_proxied_closed_ms") or math.nan) / lane["quiet_closed_ms"]
    return [
        Promise("added to an answer, p50", ours["unary_p50_ms"]["median"], "at most", 0.5, " ms"),
        Promise("added to an answer, p99", ours["unary_p99_ms"]["median"], "at most", 2, " ms"),
        Promise(
            "added to the first token, p99", ours["first_p99_ms"]["median"], "at most", 1, " ms"
        ),
        Promise(f"CPU per chunk, {what}", cpu_us, "at most", 50, " us"),
        Promise(f"longest delay of a chunk, {what}", longest_ms, "at most", 50, " ms"),
        Promise(
            "p99 of Score meanwhile, to its quiet value",
            proxied / quiet,
            "at most",
            2,
            note="500 calls a second; beside the same streams without the proxy"
            f" {straight / quiet:.2f}x; one call after the other without a pause {closed:.2f}x",
        ),
    ]


def _proxies(options: argparse.Namespace, folder: Path, upstream: str) -> list[tuple[str, Server]]:
    pace = f"pace-{round(options.seconds * options.rate)}-{options.rate}"
    ours = stubtail_proxy(folder, upstream, options.models, options.transport, [pace])
    found = [(STUBTAIL, ours)]
    if options.litellm_python.exists():
        found.append((LITELLM, litellm_proxy(folder, upstream, options.litellm_python)))
    else:
        print(f"LiteLLM is left out: there is no {options.litellm_python} (make litellm)")
    return found
