"""Does a new version going live disturb callers? p99 at half load, steady and during reloads."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.checks import check_server
from benchmarks.client import Client
from benchmarks.figures import digits, quantile
from benchmarks.load import Load
from benchmarks.processes import Server
from benchmarks.results import Promise, machine
from benchmarks.rows import Pool, Subject
from benchmarks.scenario import add_common, add_transport, finish, server_of
from stubtail.oip import inference_pb2

_CONNECTIONS = 8
_SETTLE_S = 1.0  # the last version must have time to be seen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks reload`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--reloads", type=int, default=100, help="versions published under load")
    parser.add_argument(
        "--interval", type=float, default=0.4, metavar="S", help="between two of them"
    )
    parser.add_argument("--steady", type=float, default=15.0, metavar="S", help="before and after")
    parser.add_argument("--part", type=float, default=0.5, help="of the server's capacity")


@dataclass(frozen=True, slots=True)
class _Phases:
    """Load before, during and after the reloads, all at one rate (calls a second)."""

    rate: float
    before: Load
    during: Load
    after: Load


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when the promise was kept."""
    about = machine()
    subject = Subject(options.models / options.model)
    pool = Pool(subject, "infer", 1, seed=21)
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder, "models")
        model = models / subject.name
        shutil.copytree(subject.version_folder, model / subject.version_folder.name)
        with server_of(options, models) as server:
            check_server(server.address, pool, "scores", seed=1)
            phases = _load(options, server, subject, model, pool)
    loads = [phases.before, phases.during, phases.after]
    for load in loads:
        pool.check(load.samples)
    live = versions_seen(phases.during) - versions_seen(phases.before)
    steady = [quantile(load.latencies_s, 0.99) for load in (phases.before, phases.after)]
    p99 = quantile(phases.during.latencies_s, 0.99)
    lost = sum(load.failures.total() + load.without_outcome for load in loads)
    promises = [
        Promise(
            "p99 during reloads : steady",
            p99 / (sum(steady) / 2),
            "at most",
            2.0,
            note=f"{p99 * 1e3:.2f} ms : {', '.join(f'{one * 1e3:.2f}' for one in steady)} ms",
        ),
        Promise("new versions that answered", len(live), "at least", options.reloads, ""),
        Promise("calls failed or lost", lost, "at most", 0, ""),
    ]
    figures = {
        "reloads": options.reloads,
        "interval_s": options.interval,
        "rate_calls_per_s": round(phases.rate, 1),
        "phases": [_document(load) for load in loads],
    }
    return finish("reload", options, about, promises, figures)


def _load(
    options: argparse.Namespace, server: Server, subject: Subject, model: Path, pool: Pool
) -> _Phases:
    """Finds the capacity, then sends a part of it: steady, during reloads, steady again."""
    with Client(server.address, pool.calls, connections=_CONNECTIONS) as client:
        capacity = client.closed(streams=8, seconds=min(3.0, options.steady)).calls_per_s
        rate = capacity * options.part
        print(f"capacity {capacity:,.0f} calls/s; the load is {rate:,.0f} calls/s", flush=True)
        before = _show("steady", client.open(rate=rate, seconds=options.steady))
        publisher = _publisher(options, subject, model)
        try:
            seconds = options.reloads * options.interval + _SETTLE_S
            during = _show("reloads", client.open(rate=rate, seconds=seconds))
        finally:
            publisher.terminate()
            publisher.wait()
        after = _show("steady", client.open(rate=rate, seconds=options.steady))
    return _Phases(rate, before, during, after)


def _publisher(
    options: argparse.Namespace, subject: Subject, model: Path
) -> subprocess.Popen[bytes]:
    """Starts the process that publishes the versions."""
    staging = model.parent.parent / "staging"
    staging.mkdir()
    command = [sys.executable, "-m", "benchmarks.publish"]
    command += [str(subject.version_folder), str(model), str(staging)]
    command += ["--first", str(int(subject.version_folder.name) + 1)]
    command += ["--count", str(options.reloads), "--interval", str(options.interval)]
    return subprocess.Popen(command)


def versions_seen(load: Load) -> set[str]:
    """The versions that answered, from the kept replies."""
    parse = inference_pb2.ModelInferResponse.FromString
    return {parse(message).model_version for _, message in load.samples}


def _show(phase: str, load: Load) -> Load:
    figures = _document(load)
    names = ("p50_us", "p99_us", "p999_us", "max_us")
    texts = [f"{name} {digits(figures[name])}" for name in names]
    print(f"  {phase:8} {load.answered:>8,} calls  {'  '.join(texts)}", flush=True)
    if load.failures:
        print(f"           failures: {dict(load.failures.most_common(3))}")
    return load


def _document(load: Load) -> dict[str, Any]:
    parts = {"p50_us": 0.5, "p99_us": 0.99, "p999_us": 0.999, "max_us": 1.0}
    return {
        "calls": load.answered,
        "seconds": round(load.seconds, 3),
        "failures": dict(load.failures),
        "client_busy": round(load.client_cpu_s / load.seconds, 3),
        **{name: round(quantile(load.latencies_s, part) * 1e6, 1) for name, part in parts.items()},
    }
