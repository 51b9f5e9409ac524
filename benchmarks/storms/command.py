"""`python -m benchmarks storms`: misbehaving clients, one kind after the other."""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Self

import numpy as np

from benchmarks import reference
from benchmarks.connections import allow_descriptors
from benchmarks.errors import BenchmarkError
from benchmarks.processes import Server, stubtail
from benchmarks.results import FOLDER, machine, report_promises, save
from benchmarks.rows import INFER_PATH, Pool, Subject
from benchmarks.storms.attacks import ATTACKS
from benchmarks.storms.report import LEFT_TO_A_PROXY, Storm, promises_of, storms_table
from stubtail_bench import arrivals
from stubtail_bench.connections import Slow
from stubtail_bench.crew import Target
from stubtail_bench.outcome import Outcome
from stubtail_bench.run import run_open
from stubtail_bench.traffic import Kind

_RATE = 200.0  # of the others: well below what either transport takes
_CALM_S = 2.0  # before, and after
_BEGINS_S = 0.5  # the storm has begun when the others are measured
_LOOK_S = 0.02
_DESCRIPTORS = 12_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks storms`."""
    names = " ".join(ATTACKS)
    parser.add_argument("--only", default="", metavar="NAMES", help=f"of: {names}")
    parser.add_argument("--transport", choices=["native", "grpcio", "both"], default="both")
    parser.add_argument("--seconds", type=float, default=8.0, help="that each storm lasts")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="for the results")


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when every promise was kept."""
    names = options.only.replace(",", " ").split() or list(ATTACKS)
    unknown = set(names) - set(ATTACKS)
    if unknown:
        raise SystemExit(f"--only: {', '.join(sorted(unknown))}: none of {' '.join(ATTACKS)}")
    transports = ["native", "grpcio"] if options.transport == "both" else [options.transport]
    about = machine()
    allow_descriptors(_DESCRIPTORS)
    storms: list[Storm] = []
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="stubtail-storms-") as folder:
        models = reference.write(Path(folder))
        pool = Pool(Subject(models / reference.NAME), "infer", 1, seed=51)
        for transport in transports:
            for name in names:
                try:
                    storms.append(_storm(name, transport, models, pool, options.seconds))
                except BenchmarkError as error:
                    problems.append(f"{name}, {transport}: {str(error).splitlines()[-1]}")
                    print(problems[-1], flush=True)
                    continue
                last = storms[-1]
                print(f"  {transport:7} {name:15} {last.answered:.2%} answered,", end=" ")
                print(f"p99 {last.p99_ms[1]:.1f} ms, RSS {last.rss_mb[1]:.0f} MB", flush=True)
    print(f"\n{storms_table(storms)}\n")
    promises = promises_of(storms)
    kept = report_promises(promises)
    left = sorted(f"{name} ({transport})" for transport, name in LEFT_TO_A_PROXY)
    print(f"left to a proxy, as server/recipes/nginx.conf is one: {', '.join(left)}")
    figures = {
        "seconds": options.seconds,
        "left_to_a_proxy": left,
        "problems": problems,
        "promises": [promise.document() for promise in promises],
        "storms": [storm.document() for storm in storms],
    }
    name = "storms" if not options.only and len(transports) > 1 else "storms-partial"
    print(f"figures: {save(name, options.out, figures, about)}")
    return 0 if kept and not problems else 1


def _storm(name: str, transport: str, models: Path, pool: Pool, seconds: float) -> Storm:
    """A fresh server, calm, the storm, calm again."""
    with stubtail(models, transport) as server:
        kind = Kind("others", INFER_PATH, pool.calls.messages, [1] * len(pool.calls.messages))
        others = Target(server.address, [kind], 4, Slow(), 10.0, 1)
        before = _load(others, _CALM_S, 1, _CALM_S / 2)
        rss_before = server.own_rss_bytes()  # its verifier comes and goes by itself
        watch = _Watch(server)
        command = [sys.executable, "-m", "benchmarks.storms.attacks", name, server.address]
        command += ["--seconds", str(seconds + _BEGINS_S + 1.0)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as attack, watch:
            try:
                during = _load(others, seconds, 2, _BEGINS_S)
                said, _ = attack.communicate(timeout=seconds + 60.0)
            finally:
                attack.kill()
        if not server.running():
            raise BenchmarkError("the server ended in the storm")
        after = _load(others, _CALM_S, 3, 0.5)
        p99s = [one.answered.quantile_s(0.99) * 1e3 for one in (before, during, after)]
        got = json.loads(said) if said.strip() else {"ended with": attack.returncode}
        return Storm(
            name,
            transport,
            (p99s[0], p99s[1], p99s[2]),
            during.issued,
            dict(during.statuses),
            (rss_before / 1e6, watch.peak_bytes / 1e6, server.own_rss_bytes() / 1e6),
            got,
        )


def _load(target: Target, seconds: float, seed: int, warm_up_s: float) -> Outcome:
    due_s = arrivals.poisson(_RATE, warm_up_s + seconds, np.random.default_rng(seed))
    out, _ = run_open(target, due_s, warm_up_s=warm_up_s, seconds=seconds, seed=seed)
    return out


class _Watch:
    """The most memory that a server holds while this is entered, in bytes."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.peak_bytes = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(_LOOK_S):
            self.peak_bytes = max(self.peak_bytes, self._server.own_rss_bytes())
