"""Can the load harness be believed? Against h2load, against a server that pauses, and at speed."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.calls import Calls
from benchmarks.errors import H2loadError
from benchmarks.h2load import Turn, duel
from benchmarks.processes import Server
from benchmarks.results import Promise, machine
from benchmarks.rows import INFER_PATH, Pool, Subject
from benchmarks.scenario import add_common, add_transport, finish, server_of
from benchmarks.servers.pausing import COLUMNS
from stubtail.oip import inference_pb2
from stubtail_bench import arrivals
from stubtail_bench.connections import Slow
from stubtail_bench.crew import Target
from stubtail_bench.outcome import Outcome
from stubtail_bench.run import run_closed, run_open
from stubtail_bench.traffic import Kind

_LOADS = {"64 in flight": (8, 8), "one at a time": (1, 1)}
_RATE = 20_000.0
_PAUSE_MS, _EVERY_MS, _PAUSED_RATE = 50.0, 500.0, 500.0
_PAUSE_SEEN_S = 0.040  # a pause of 50 ms every 500 ms: 2 % of the calls wait longer than this
_WARM_UP_S = 0.5
_SPEED_S, _PAUSES_S = 3.0, 2.0  # at least, for these two


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks load-check`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=0.4, help="of each turn")
    parser.add_argument("--processes", type=int, default=1, help="for the load at speed")


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when every check held."""
    about = machine()
    pool = Pool(Subject(options.models / options.model), "infer", 1, seed=26)
    figures: dict[str, Any] = {}
    promises: list[Promise] = []
    with server_of(options) as server:
        if shutil.which("h2load") is None:
            print("skipped: h2load is missing (Debian: nghttp2-client)")
        else:
            found = duel(
                _harness,
                "harness",
                server,
                pool.calls,
                _LOADS,
                rounds=options.rounds,
                seconds=options.seconds,
            )
            print(found.show())
            promises += found.promises
            figures["turns"] = found.turns
        promises += _at_speed(options, server, pool.calls, figures)
    promises += _pauses(options, figures)
    return finish("load-check", options, about, promises, figures)


def _target(address: str, messages: Sequence[bytes], connections: int, processes: int) -> Target:
    kind = Kind("one row", INFER_PATH, messages, [1] * len(messages))
    return Target(address, [kind], connections, Slow(), 10.0, processes)


def _harness(server: Server, calls: Calls, connections: int, streams: int, seconds: float) -> Turn:
    target = _target(server.address, calls.messages, connections, 1)
    cpu_s = server.cpu_s()
    out, _ = run_closed(target, streams=streams, warm_up_s=0.0, seconds=seconds, seed=1)
    cpu_s = server.cpu_s() - cpu_s
    if set(out.statuses) != {"OK"}:
        raise H2loadError(f"our own calls failed: {dict(out.statuses)}")
    p50, p99 = (out.answered.quantile_s(part) * 1e6 for part in (0.5, 0.99))
    return Turn(out.good_per_s, p50, p99, cpu_s / out.issued * 1e6)


def _at_speed(
    options: argparse.Namespace, server: Server, calls: Calls, figures: dict[str, Any]
) -> list[Promise]:
    """Sends 20,000 calls a second and sees whether they left when they were due."""
    rng = np.random.default_rng(26)
    target = _target(server.address, calls.messages, 8, options.processes)
    span = {"warm_up_s": _WARM_UP_S, "seconds": max(options.seconds, _SPEED_S)}
    out, _ = run_open(
        target,
        arrivals.poisson(_RATE, sum(span.values()), rng),
        **span,
        seed=26,
    )
    _account(out)
    sent_per_s = out.issued / (span["seconds"] + out.lag.max_s)
    per_core = 1e6 / out.cpu_us_a_call
    figures["at_speed"] = {
        "processes": options.processes,
        "sent_per_s": round(sent_per_s, 1),
        "client_cpu_us_a_call": round(out.cpu_us_a_call, 2),
        "calls_per_s_of_a_busy_core": round(per_core, 1),
        "lag_p50_us": round(out.lag.quantile_s(0.5) * 1e6, 1),
        "lag_p99_us": round(out.lag.quantile_s(0.99) * 1e6, 1),
        "statuses": dict(out.statuses),
    }
    note = (
        f"by {options.processes} processes; half of the calls left within "
        f"{out.lag.quantile_s(0.5) * 1e3:.3f} ms, 99 % within "
        f"{out.lag.quantile_s(0.99) * 1e3:.2f} ms"
    )
    return [
        Promise("open loop: calls/s sent", sent_per_s, "at least", 0.98 * _RATE, "", note),
        Promise("open loop: calls/s for one busy core", per_core, "at least", _RATE, ""),
    ]


def _pauses(options: argparse.Namespace, figures: dict[str, Any]) -> list[Promise]:
    """An open load must see a pause in its p99; a closed one is shown beside it."""
    command = [sys.executable, "-m", "benchmarks.servers.pausing"]
    command += ["--pause-ms", str(_PAUSE_MS), "--every-ms", str(_EVERY_MS)]
    message = pausing_message()
    rng = np.random.default_rng(27)
    with Server(command) as server:
        target = _target(server.address, [message], 4, 1)
        span = {"warm_up_s": _WARM_UP_S, "seconds": max(options.seconds, _PAUSES_S)}
        due_s = arrivals.poisson(_PAUSED_RATE, sum(span.values()), rng)
        opened, _ = run_open(target, due_s, **span, seed=27)
        closed, _ = run_closed(_target(server.address, [message], 1, 1), streams=1, **span, seed=27)
    for out in (opened, closed):
        _account(out)
    open_s, closed_s = (out.answered.quantile_s(0.99) for out in (opened, closed))
    figures["pauses"] = {
        "pause_ms": _PAUSE_MS,
        "every_ms": _EVERY_MS,
        "open_p99_ms": round(open_s * 1e3, 2),
        "closed_p99_ms": round(closed_s * 1e3, 2),
    }
    note = f"one call at a time, as a closed loop would, sees {closed_s * 1e3:.2f} ms"
    text = "p99 of an open load with pauses of 50 ms every 500 ms"
    return [Promise(text, open_s * 1e3, "at least", _PAUSE_SEEN_S * 1e3, " ms", note)]


def pausing_message() -> bytes:
    """A request for `servers.pausing`."""
    request = inference_pb2.ModelInferRequest(model_name="pausing")
    request.inputs.add(name="x", datatype="FP32", shape=[1, COLUMNS])
    request.raw_input_contents.append(bytes(4 * COLUMNS))
    return bytes(request.SerializeToString())


def _account(out: Outcome) -> None:
    """Every call must have exactly one end; raises H2loadError."""
    if out.statuses.total() != out.issued:
        raise H2loadError(f"{out.issued} calls were issued, {out.statuses.total()} ended")
