"""Micro benchmarks: what each step of a call costs without a network, in microseconds.

A benchmark is a function that prepares everything and returns the step to be timed:

    @micro("decode", "OIP request, 1 row")
    def decode_infer_1(bench: Bench) -> Step: ...

Register new ones in `micro_cases.py` (libraries) or `micro_stages.py` (this server).
"""

import argparse
import gc
import itertools
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from benchmarks.figures import Spread, digits, table
from benchmarks.results import machine, save
from benchmarks.rows import Pool, Rows, Subject
from benchmarks.scenario import add_common

Step = Callable[[], object]


class Bench:
    """What a micro benchmark may use: the model, and pools of fresh calls and rows."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.pool = cache(self._pool)

    def _pool(self, form: str, rows: int) -> Pool:
        return Pool(self.subject, form, rows, seed=26)

    def messages(self, form: str, rows: int) -> Callable[[], bytes]:
        """Gives the next of many different requests each time (about 0.05 us)."""
        return itertools.cycle(self.pool(form, rows).calls.messages).__next__

    def blocks(self, rows: int) -> Callable[[], Rows]:
        """Gives the next of many different blocks of rows each time (about 0.05 us)."""
        return itertools.cycle(list(self.pool("dense", rows).blocks)).__next__


@dataclass(frozen=True, slots=True)
class Micro:
    """One micro benchmark.

    Attributes:
        group: The step of a call that it belongs to: decode, schedule, run, encode, call.
        name: What exactly is done.
        prepare: Makes the step; what it does is not timed.
        calls: Calls that one step stands for; the time is given for one of them.
    """

    group: str
    name: str
    prepare: Callable[[Bench], Step]
    calls: int = 1


REGISTRY: list[Micro] = []


def micro(
    group: str, name: str, *, calls: int = 1
) -> Callable[[Callable[[Bench], Step]], Callable[[Bench], Step]]:
    """Registers a function as a micro benchmark; see `Micro` for the arguments."""

    def register(prepare: Callable[[Bench], Step]) -> Callable[[Bench], Step]:
        REGISTRY.append(Micro(group, name, prepare, calls))
        return prepare

    return register


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks micro`."""
    add_common(parser)
    parser.add_argument("--only", metavar="TEXT", help="those whose group or name has this text")
    parser.add_argument("--seconds", type=float, default=0.1, help="of each repetition")
    parser.add_argument("--repeat", type=int, default=7, help="repetitions; the median counts")


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when every benchmark ran."""
    from benchmarks import micro_cases, micro_stages  # noqa: F401, PLC0415  # they register

    about = machine()
    bench = Bench(Subject(options.models / options.model))
    wanted = (options.only or "").lower()
    rows: list[list[str]] = []
    figures: list[dict[str, Any]] = []
    problems: list[str] = []
    for one in REGISTRY:
        if wanted not in f"{one.group} {one.name}".lower():
            continue
        try:
            step = one.prepare(bench)
            step()
        except Exception as error:  # noqa: BLE001  # one broken benchmark must not hide the others
            problems.append(f"{one.group}: {one.name}: {type(error).__name__}: {error}")
            continue
        spread = time_step(step, one.calls, options.seconds, options.repeat)
        rows.append([f"{one.group}: {one.name}", spread.show(), digits(1e6 / spread.median)])
        figures.append(
            {
                "group": one.group,
                "name": one.name,
                "median_us": round(spread.median, 4),
                "low_us": round(spread.low, 4),
                "high_us": round(spread.high, 4),
            }
        )
    print(table(["step", "us/call: median (low-high)", "calls/s of one core"], rows))
    for problem in problems:
        print(f"FAIL  {problem}")
    print(f"figures: {save('micro', options.out, {'micro': figures, 'problems': problems}, about)}")
    return 1 if problems else 0


def time_step(step: Step, calls: int, seconds: float, repeat: int) -> Spread:
    """Microseconds for one call, over `repeat` repetitions of about `seconds` each."""
    timer = timeit.Timer(step)
    number, took = timer.autorange()
    number = max(1, round(number * seconds / took))
    gc.collect()
    return Spread.of([took / number / calls * 1e6 for took in timer.repeat(repeat, number)])
