"""Does goodput survive overload? Open loop with deadlines, at parts and multiples of capacity."""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import reference
from benchmarks.figures import digits
from benchmarks.results import Promise, machine
from benchmarks.rows import Subject
from benchmarks.scenario import add_common, add_transport, finish, server_of
from benchmarks.storm import Fate, Storm
from stubtail_bench.workload import CallSpec

_RECOVERY_S = 2.0  # the server has so long to be as before
_LOADS = (0.8, 1.0, 2.0, 5.0)
_CALM = 0.5  # of the capacity: before the storm, and after it
_BACK = 1.5  # of the p99 before: what two cores shared with the load tell from chance


@dataclass(frozen=True, slots=True)
class _Case:
    """One kind of call whose overload is measured."""

    model: str
    rows: int

    @property
    def title(self) -> str:
        return f"{self.rows} rows of {self.model}"


CASES = (_Case("heavy", 8), _Case("middling", 8), _Case(reference.NAME, 64))


@dataclass(frozen=True, slots=True)
class _Step:
    """One rate of offered load, in one round."""

    case: str
    part: float  # of the capacity
    fate: Fate
    after: bool  # the worst storm


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks overload`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--deadline", type=float, default=0.05, metavar="S", help="of each call")
    parser.add_argument("--seconds", type=float, default=5.0, help="at each rate")
    parser.add_argument(
        "--rounds", type=int, default=3, help="times that each rate is measured; medians count"
    )


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when every promise was kept.

    Three kinds of call: of 2.5 ms of processor time, of 0.3 and of 0.2, where saying no costs a
    good part of what an answer does. The models are ensembles of random trees, so that they, and
    not the load generator on the same machine, are what runs out first.
    """
    about = machine()
    steps: list[_Step] = []
    with tempfile.TemporaryDirectory(prefix="stubtail-overload-") as folder:
        models = reference.write(Path(folder))
        for name, trees in reference.HEAVIER.items():
            reference.write(models, name=name, trees=trees)
        for case in CASES:
            subject = Subject(models / case.model)
            with server_of(options, models) as server:
                storm = Storm(server.address, [_spec(case, options.deadline)])
                for _ in range(options.rounds):
                    steps += _round(options, storm, case, subject)
    promises = [promise for case in CASES for promise in _promises(steps, case)]
    figures = {
        "deadline_s": options.deadline,
        "steps": [
            {
                "case": one.case,
                "offered_to_capacity": one.part,
                "after": one.after,
                **one.fate.document(),
            }
            for one in steps
        ],
    }
    return finish("overload", options, about, promises, figures)


def _spec(case: _Case, deadline_s: float) -> CallSpec:
    return CallSpec(
        model=case.model,
        name=case.title,
        rows=(case.rows, case.rows),
        deadline_ms=deadline_s * 1e3,
        enforce_deadline=False,  # late answers are to be seen
    )


def _round(options: argparse.Namespace, storm: Storm, case: _Case, subject: Subject) -> list[_Step]:
    """The capacity, then half of it, each rate, and half of it again after the worst storm."""
    capacity = storm.capacity(case.title, 2.0)
    print(f"{case.title}: capacity {capacity:,.0f} calls/s", flush=True)
    steps = []
    for part, after in [*((part, False) for part in (_CALM, *_LOADS)), (_CALM, True)]:
        rates = {case.title: capacity * part}
        warm_up_s = _RECOVERY_S if after else 0.5
        fates, _, samples = storm.offer(rates, options.seconds, warm_up_s=warm_up_s)
        storm.check(samples, rates, [subject])
        print(f"  {part:>4g}x  {fates[case.title].show()}", flush=True)
        steps.append(_Step(case.title, part, fates[case.title], after))
    return steps


def _promises(steps: Sequence[_Step], case: _Case) -> list[Promise]:
    """What is promised of one kind of call; medians over the rounds, ratios within each."""
    mine = [one for one in steps if one.case == case.title]
    by_part = {
        part: [one.fate for one in mine if one.part == part and not one.after]
        for part in (_CALM, *_LOADS)
    }
    after = [one.fate for one in mine if one.after]
    best = [
        max(calm, full)
        for calm, full in zip(
            *([fate.in_time for fate in by_part[part]] for part in _LOADS if part <= 1),
            strict=True,
        )
    ]

    def median(part: float, figure: Callable[[Fate], float]) -> float:
        return statistics.median(figure(fate) for fate in by_part[part])

    promises = []
    for part in (part for part in _LOADS if part > 1):
        goodputs = [fate.in_time for fate in by_part[part]]
        ratios = [good / most for good, most in zip(goodputs, best, strict=True)]
        note = f"{digits(statistics.median(goodputs))} : {digits(statistics.median(best))} calls/s"
        promises += [
            Promise(
                f"{case.title}, goodput at {part:g}x : best at 1x or less",
                statistics.median(ratios),
                "at least",
                0.9,
                note=note,
            ),
            Promise(
                f"{case.title}, admitted at {part:g}x and late : admitted",
                median(part, _missed),
                "at most",
                0.01,
            ),
            Promise(
                f"{case.title}, refused at {part:g}x, p99",
                median(part, lambda fate: fate.refused_p99_ms),
                "at most",
                5.0,
                " ms",
            ),
        ]
    slower = [one.p99_ms / calm.p99_ms for calm, one in zip(by_part[_CALM], after, strict=True)]
    kept = statistics.median(fate.kept for fate in after)
    text = f"{case.title}, two seconds after the storm, at 0.5x:"
    return [
        *promises,
        Promise(f"{text} answered in time", kept, "at least", 0.99),
        Promise(f"{text} p99, to that before", statistics.median(slower), "at most", _BACK),
    ]


def _missed(fate: Fate) -> float:
    """Of the calls that were taken in, the part that had no answer in time."""
    missed = fate.late + fate.others.get("DEADLINE_EXCEEDED", 0.0)
    return missed / max(fate.in_time + missed, 1.0)
