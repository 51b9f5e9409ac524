"""Many streams at once through each way to the upstream, and Score beside them."""

import argparse
import json
import math
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.client import Client
from benchmarks.figures import quantile
from benchmarks.llm_servers import DIRECT, STUBTAIL, Contestant, python_module
from benchmarks.llm_streams import Streams
from benchmarks.rows import Pool, Subject

_WARM_UP_S = 1.0
_SCORE_RATE = 500.0  # calls a second: a tenth of what one core can answer of them
_SETTLE_S = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """What many streams saw.

    Attributes:
        chunks: pieces that came.
        cpu_us: processor time of the proxy's whole process tree, a piece.
        age_p50_ms, age_p99_ms, age_max_ms: of pieces, from the upstream to the caller.
        gap_max_ms: the longest silence of a stream.
        failed: why there are no figures; empty where there are.
    """

    chunks: int
    cpu_us: float
    age_p50_ms: float
    age_p99_ms: float
    age_max_ms: float
    gap_max_ms: float
    failed: str = ""

    def document(self) -> dict[str, Any]:
        """As it is kept in JSON."""
        return {
            key: round(value, 3) if isinstance(value, float) else value
            for key, value in asdict(self).items()
        }


def plan_of(one: Contestant, options: argparse.Namespace, streams: int) -> Streams:
    """So many of the streams that the options ask for."""
    chunks = round(options.seconds * options.rate)
    return Streams(one.address, one.protocol, streams, chunks, options.rate, one.prefix, one.key)


def loads(
    contestants: Sequence[Contestant], options: argparse.Namespace, streams: int
) -> dict[str, Load]:
    """The same streams through each, one after the other."""
    found = {}
    for one in contestants:
        cpu_s = one.server.cpu_s() if one.server else 0.0
        with streaming(plan_of(one, options, streams)) as process:
            said = result(process)
        spent_s = (one.server.cpu_s() if one.server else 0.0) - cpu_s
        found[one.name] = _load(said, spent_s)
    return found


def _load(said: dict[str, Any], spent_s: float) -> Load:
    if "failed" in said:
        return Load(0, 0.0, 0.0, 0.0, 0.0, 0.0, said["failed"])
    ages = {name: said[name] for name in ("age_p50_ms", "age_p99_ms", "age_max_ms", "gap_max_ms")}
    return Load(said["chunks"], spent_s / said["chunks"] * 1e6, **ages)


def scoring(
    contestants: Sequence[Contestant], options: argparse.Namespace
) -> dict[str, float | None]:
    """The p99 of Score: quiet, beside streams, and beside proxied streams, in turn.

    Score comes at a steady rate, which is the same in all three: one call after the other without
    a pause would take whatever the streams leave of the core, and then wait for itself. That is
    told too (`closed`). Streams that pass the proxy by show what the machine has to do with it.

    Returns:
        Milliseconds, medians of the rounds; None where the streams beside it failed.
    """
    by_name = {one.name: one for one in contestants}
    ours = by_name[STUBTAIL]
    pool = Pool(Subject(options.models / options.model), "named", 1, seed=71)
    found: dict[str, list[float]] = {}

    def measure(name: str) -> None:
        seconds = options.seconds * 0.4
        steady = client.open(rate=_SCORE_RATE, seconds=seconds).latencies_s
        closed = client.closed(streams=1, seconds=seconds).latencies_s
        for kind, latencies_s in (("", steady), ("closed_", closed)):
            found.setdefault(f"{name}_{kind}ms", []).append(quantile(latencies_s, 0.99) * 1e3)

    with Client(ours.address, pool.calls, connections=1) as client:
        client.open(rate=_SCORE_RATE, seconds=_WARM_UP_S)
        client.closed(streams=1, seconds=_WARM_UP_S)
        for _ in range(options.rounds):
            measure("quiet")
            for name, one in (("beside_direct", by_name[DIRECT]), ("beside_proxied", ours)):
                with streaming(plan_of(one, options, options.streams)) as process:
                    # Within the streams, not beside their beginnings and ends.
                    client.open(rate=_SCORE_RATE, seconds=options.seconds * 0.1)
                    measure(name)
                    said = result(process)
                if "failed" in said:
                    print(f"streams beside Score: {said['failed']}")
                    found[f"{name}_ms"] = [math.nan]
    medians = {name: statistics.median(values) for name, values in found.items()}
    return {name: None if math.isnan(one) else round(one, 4) for name, one in medians.items()}


@contextmanager
def streaming(plan: Streams) -> Iterator["subprocess.Popen[str]"]:
    """Streams in a process of their own, which is waited for at the end."""
    process = subprocess.Popen(
        python_module("benchmarks.llm_streams"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(plan)) + "\n")
        process.stdin.close()
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def result(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """What the streams saw, once they are over."""
    assert process.stdout is not None
    line = process.stdout.readline()
    process.wait(_SETTLE_S)
    return dict(json.loads(line)) if line else {"failed": "the load ended early"}
