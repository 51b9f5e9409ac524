"""Does goodput survive overload? Open loop with deadlines, at parts and multiples of capacity."""

import argparse
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import reference
from benchmarks.calls import Calls
from benchmarks.checks import check_server
from benchmarks.client import Client
from benchmarks.figures import digits, quantile
from benchmarks.load import Load
from benchmarks.results import Promise, machine
from benchmarks.rows import Pool, Subject
from benchmarks.scenario import add_common, add_transport, finish, server_of

_CONNECTIONS = 8
_STREAMS = 8
_RECOVERY_S = 2.0  # the server has so long to be as before
LOADS = (0.8, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class _Step:
    """One rate of offered load.

    Attributes:
        part: of the capacity.
        rate: calls a second that were due.
        in_time: answers within the deadline, from the moment the call was due, a second.
        late: answers after it, a second.
        ends: all other calls, by status, a second.
    """

    part: float
    rate: float
    in_time: float
    late: float
    ends: Counter[str]
    p50_ms: float
    p99_ms: float
    client_busy: float

    def document(self) -> dict[str, Any]:
        """As it is kept in JSON."""
        return {
            "offered_to_capacity": self.part,
            "rate_calls_per_s": round(self.rate),
            "in_time_per_s": round(self.in_time),
            "late_per_s": round(self.late, 1),
            "others_per_s": {name: round(count, 1) for name, count in self.ends.items()},
            "p50_ms": round(self.p50_ms, 3),
            "p99_ms": round(self.p99_ms, 3),
            "client_busy": round(self.client_busy, 3),
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks overload`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--rows", type=int, default=64, help="rows of each call")
    parser.add_argument("--deadline", type=float, default=0.05, metavar="S", help="of each call")
    parser.add_argument("--seconds", type=float, default=5.0, help="at each rate")
    parser.add_argument(
        "--rounds", type=int, default=3, help="times that each rate is measured; medians count"
    )


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when every promise was kept.

    The model is the reference ensemble, so that the model and not the load generator, which
    shares the machine, is what runs out first.
    """
    about = machine()
    with tempfile.TemporaryDirectory(prefix="stubtail-reference-") as folder:
        models = reference.write(Path(folder))
        subject = Subject(models / reference.NAME)
        pool = Pool(subject, "infer", options.rows, seed=29)
        steps: list[_Step] = []
        with server_of(options, models) as server:
            check_server(server.address, pool, "scores", seed=1)
            for _ in range(options.rounds):
                steps += _round(options, server.address, pool)
    medians = [_median([one for one in steps if one.part == part]) for part in (*LOADS, 0.5)]
    *loads, after = medians
    best = max(one.in_time for one in loads if one.part <= 1)
    promises = [
        Promise(
            f"goodput at {one.part:g}x : best at 1x or less",
            one.in_time / best,
            "at least",
            0.9,
            note=f"{digits(one.in_time)} : {digits(best)} answers/s in time",
        )
        for one in loads
        if one.part > 1
    ]
    promises += [
        Promise(
            f"late answers at {one.part:g}x : all answers",
            one.late / max(one.in_time + one.late, 1.0),
            "at most",
            0.01,
        )
        for one in loads
        if one.part > 1
    ]
    served = after.in_time / after.rate
    promises.append(Promise("after the storm, at 0.5x: answered in time", served, "at least", 0.99))
    figures = {
        "model": subject.name,
        "rows": options.rows,
        "deadline_s": options.deadline,
        "steps": [step.document() for step in steps],
    }
    return finish("overload", options, about, promises, figures)


def _round(options: argparse.Namespace, address: str, pool: Pool) -> list[_Step]:
    """The capacity, then each rate, then half of it again after the worst storm."""
    with Client(address, pool.calls, connections=_CONNECTIONS) as client:
        client.closed(streams=_STREAMS, seconds=1.0)
        capacity = client.closed(streams=_STREAMS, seconds=2.0).calls_per_s
    print(f"capacity {capacity:,.0f} calls/s of {options.rows} rows", flush=True)
    timeout = ("grpc-timeout", f"{options.deadline * 1e6:.0f}u")
    calls = Calls(pool.calls.path, pool.calls.messages, extra=[timeout])
    steps: list[_Step] = []
    for part in (*LOADS, 0.5):
        with Client(address, calls, connections=_CONNECTIONS) as client:
            if part < LOADS[-1] and steps and steps[-1].part == LOADS[-1]:
                client.open(rate=capacity * part, seconds=_RECOVERY_S)
            load = client.open(rate=capacity * part, seconds=options.seconds)
        pool.check(load.samples)
        steps.append(_step(part, capacity * part, load, options))
    return steps


def _step(part: float, rate: float, load: Load, options: argparse.Namespace) -> _Step:
    seconds = options.seconds
    in_time = sum(one <= options.deadline for one in load.latencies_s)
    # Statuses without their messages; what nobody answered is told as such.
    ends: Counter[str] = Counter()
    for outcome, count in load.failures.items():
        ends[outcome.partition(":")[0]] += count / seconds
    if load.without_outcome:
        ends["no answer"] = load.without_outcome / seconds
    step = _Step(
        part=part,
        rate=rate,
        in_time=in_time / seconds,
        late=(load.answered - in_time) / seconds,
        ends=ends,
        p50_ms=quantile(load.latencies_s, 0.5) * 1e3 if load.latencies_s else float("nan"),
        p99_ms=quantile(load.latencies_s, 0.99) * 1e3 if load.latencies_s else float("nan"),
        client_busy=load.client_cpu_s / load.seconds,
    )
    others = ", ".join(f"{name} {digits(count)}" for name, count in ends.most_common())
    print(
        f"  {part:>4g}x {rate:>8,.0f}/s  in time {step.in_time:>8,.0f}/s  late {step.late:>6,.0f}/s"
        f"  p50 {step.p50_ms:.1f} ms  p99 {step.p99_ms:.1f} ms  {others}",
        flush=True,
    )
    return step


def _median(steps: list[_Step]) -> _Step:
    """The round in the middle, by goodput."""
    return sorted(steps, key=lambda step: step.in_time / step.rate)[len(steps) // 2]
