"""How long from starting the process to the first right answer, and how much memory it holds."""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.client import Client
from benchmarks.figures import Spread
from benchmarks.results import Promise, machine
from benchmarks.rows import Pool, Subject
from benchmarks.scenario import add_common, add_transport, finish, server_of
from benchmarks.wire import Wire


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks start`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--starts", type=int, default=5, help="times the server is started")
    parser.add_argument("--seconds", type=float, default=2.0, help="of load before RSS is read")


def run(options: argparse.Namespace) -> int:
    """Measures with all models and with one; 0 when the promises were kept."""
    about = machine()
    print("all models:")
    everything = _starts(options, options.models)
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder, "models")
        shutil.copytree(options.models / options.model, alone / options.model)
        print(f"{options.model} alone:")
        one = _starts(options, alone)
    promises = [
        Promise(
            "start to first answer, all models",
            Spread.of(everything["first_answer_s"]).median,
            "at most",
            2.0,
            " s",
        ),
        Promise("RSS, all models", max(everything["rss_loaded_mb"]), "at most", 150.0, " MB"),
        Promise(f"RSS, {options.model} alone", max(one["rss_loaded_mb"]), "at most", 120.0, " MB"),
    ]
    figures = {"all_models": everything, options.model: one}
    return finish("start", options, about, promises, figures)


def _starts(options: argparse.Namespace, models: Path) -> dict[str, list[float]]:
    """Seconds to the first answer, and RSS in MB before and after load, of each start."""
    pool = Pool(Subject(models / options.model), "infer", 1, seed=24)
    answered_s: list[float] = []
    fresh_mb: list[float] = []
    loaded_mb: list[float] = []
    for _ in range(options.starts):
        with server_of(options, models) as server:
            wire = Wire(server.address, pool.calls)
            answered_s.append(time.perf_counter() - server.started)
            fresh_mb.append(server.own_rss_bytes() / 1e6)
            wire.close()
            pool.check([(0, wire.first_message)])
            with Client(server.address, pool.calls, connections=8) as client:
                client.closed(streams=8, seconds=options.seconds)
            server.alone()  # the process that checked the models is gone a few seconds later
            loaded_mb.append(server.rss_bytes() / 1e6)
            print(
                f"  ready after {server.ready_s:.3f} s, first answer after {answered_s[-1]:.3f} s, "
                f"RSS {fresh_mb[-1]:.1f} MB, {loaded_mb[-1]:.1f} MB after load",
                flush=True,
            )
    return {
        "first_answer_s": [round(one, 4) for one in answered_s],
        "rss_fresh_mb": [round(one, 2) for one in fresh_mb],
        "rss_loaded_mb": [round(one, 2) for one in loaded_mb],
    }
