"""Who is served beside a flood? Urgent calls, the lowest class, and light models beside heavy."""

import argparse
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import reference
from benchmarks.results import Promise, machine
from benchmarks.scenario import add_common, add_transport, finish, server_of
from benchmarks.storm import Fate, Storm
from stubtail.config import Settings
from stubtail_bench.workload import CallSpec

_DEADLINE_MS = 100.0
_PATIENT_MS = 5_000.0  # of a job at night
_HEAVY = "heavy"
_HEAVY_TREES, _HEAVY_ROWS = 25_000, 16  # about 20 ms a call on one core
_LIGHT_RATE = 500.0

_URGENT = "critical calls at half the capacity, beside low ones at twice it: in time"
_LOWEST = "low calls beside normal ones at twice the capacity: answered : their reserved share"
_ABOVE = "normal calls beside those low ones: answered : low ones answered"
_LIGHT = "a light model beside a saturated heavy one: p99 : (3 of its own p99 + one heavy run)"


def _spec(name: str, model: str, rows: int, deadline_ms: float, priority: str = "") -> CallSpec:
    return CallSpec(
        model=model,
        name=name,
        rows=(rows, rows),
        deadline_ms=deadline_ms,
        priority=priority,
        enforce_deadline=False,
    )


_SPECS = (
    _spec("critical", reference.NAME, 64, _DEADLINE_MS, "critical"),
    _spec("normal", reference.NAME, 64, _DEADLINE_MS),
    _spec("low", reference.NAME, 64, _DEADLINE_MS, "low"),
    _spec("patient", reference.NAME, 64, _PATIENT_MS, "low"),
    _spec("light", reference.NAME, 1, _DEADLINE_MS),
    _spec("heavy", _HEAVY, _HEAVY_ROWS, _PATIENT_MS),
)


@dataclass(slots=True)
class _Notes:
    """What was seen: a figure for each promise and round, and every load for the results."""

    figures: dict[str, list[float]] = field(default_factory=dict)
    loads: list[dict[str, object]] = field(default_factory=list)

    def figure(self, text: str, value: float) -> None:
        self.figures.setdefault(text, []).append(value)

    def load(self, case: str, fates: dict[str, Fate]) -> None:
        for fate in fates.values():
            print(f"  {case}: {fate.show()}", flush=True)
            self.loads.append({"case": case, **fate.document()})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks fairness`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=3, help="of each case; medians count")


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when every promise was kept."""
    about = machine()
    notes = _Notes()
    with tempfile.TemporaryDirectory(prefix="stubtail-fairness-") as folder:
        models = reference.write(Path(folder))
        reference.write(models, name=_HEAVY, trees=_HEAVY_TREES)
        for case in (_urgent, _lowest, _light):
            with server_of(options, models) as server:
                storm = Storm(server.address, _SPECS)
                for _ in range(options.rounds):
                    case(storm, options.seconds, notes)
    median = {text: statistics.median(values) for text, values in notes.figures.items()}
    promises = [
        Promise(_URGENT, median[_URGENT], "at least", 0.99),
        Promise(_LOWEST, median[_LOWEST], "at least", 0.8),
        Promise(_ABOVE, median[_ABOVE], "at least", 1.0),
        Promise(_LIGHT, median[_LIGHT], "at most", 1.0),
    ]
    return finish("fairness", options, about, promises, {"loads": notes.loads})


def _urgent(storm: Storm, seconds: float, notes: _Notes) -> None:
    capacity = storm.capacity("normal", 2.0)
    fates, _, _ = storm.offer({"critical": capacity * 0.5, "low": capacity * 2}, seconds)
    notes.load("urgent", fates)
    notes.figure(_URGENT, fates["critical"].kept)


def _lowest(storm: Storm, seconds: float, notes: _Notes) -> None:
    """Low calls come at twice their share, so that only the scheduler keeps them from it.

    Capacity is what both classes together get: the load itself has its price on this machine.
    """
    capacity = storm.capacity("normal", 2.0)
    share = Settings().scheduling.share_low
    rates = {"normal": capacity * 2, "patient": capacity * share * 2}
    fates, _, _ = storm.offer(rates, seconds, warm_up_s=_DEADLINE_MS / 1e3 * 10)
    notes.load("lowest", fates)
    served = sum(fate.in_time for fate in fates.values())
    low = fates["patient"].in_time
    # A share of little is easily had: the class above must not be what pays for it.
    notes.figure(_LOWEST, low / (served * share) if served else 0.0)
    notes.figure(_ABOVE, fates["normal"].in_time / max(low, 1e-9))


def _light(storm: Storm, seconds: float, notes: _Notes) -> None:
    alone, _, _ = storm.offer({"light": _LIGHT_RATE}, seconds)
    notes.load("light alone", alone)
    one, _, _ = storm.offer({"heavy": 2.0}, seconds)
    notes.load("heavy, one at a time", one)
    capacity = storm.capacity("heavy", 2.0)
    both, _, _ = storm.offer({"light": _LIGHT_RATE, "heavy": capacity * 1.5}, seconds)
    notes.load("light beside heavy", both)
    bound_ms = 3 * alone["light"].p99_ms + one["heavy"].p50_ms
    notes.figure(_LIGHT, both["light"].p99_of_all_ms / bound_ms)  # a refused call is not quick
