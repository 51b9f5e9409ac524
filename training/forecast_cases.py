"""The cases that forecasting is tuned on: series not evaluated, that no tree has learned from.

The fifth of the public series that `forecast_rows.is_held_out` names, and as many made ones from
another seed than those that the trees learn from.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from stubtail.forecasting import auto, network
from stubtail.forecasting.engine import past_of
from stubtail.forecasting.graphs import Graphs
from stubtail.forecasting.members import Past
from stubtail.forecasting.pace import Pace
from stubtail.forecasting.task import AUTO, TREES, ZERO_SHOT, Doubles, GraphFile, Task
from training.forecast_corpus import Known, made, public
from training.forecast_rows import is_held_out

SEED: Final = 77  # not that of the trees
MADE: Final = 160
ORIGINS: Final = 2  # cases of one series
HISTORY: Final = 2000
HORIZONS: Final = ((3600.0, 48), (86_400.0, 14), (7 * 86_400.0, 13), (32 * 86_400.0, 18))
HORIZON_LONG_STEPS: Final = 8  # quarters, years, and where nobody knows


@dataclass(frozen=True, slots=True)
class Case:
    """One forecast whose truth is known.

    Attributes:
        series: its name.
        task: what is asked.
        truth: float64 [horizon], NaN where missing.
    """

    series: str
    task: Task
    truth: Doubles


@dataclass(frozen=True, slots=True)
class Found:
    """A case with what the models said of it."""

    case: Case
    past: Past
    gathered: auto.Gathered


def cases() -> Iterator[Case]:
    """All cases, those of one series after each other."""
    held = (one for one in public() if is_held_out(one.name))
    for known in (*held, *made(np.random.default_rng(SEED), MADE)):
        step_s = known.frequency.seconds if known.frequency else 0.0
        steps = [most for longest_s, most in HORIZONS if 0 < step_s <= longest_s]
        horizon = steps[0] if steps else HORIZON_LONG_STEPS
        for back in range(ORIGINS):
            case = _case(known, len(known.values) - horizon * (back + 1), horizon, step_s)
            if case is not None:
                yield case


def _case(known: Known, end: int, horizon: int, step_s: float) -> Case | None:
    first = max(0, end - HISTORY)
    values, truth = known.values[first : max(end, 0)], known.values[max(end, 0) :][:horizon]
    seen = values[np.isfinite(values)]
    if len(seen) < max(2 * horizon, 16) or np.ptp(seen) == 0 or not np.isfinite(truth).any():
        return None
    start_s = None if known.start_s is None else known.start_s + first * step_s
    task = Task(values, horizon, np.array([0.5]), AUTO, step_s=step_s, start_s=start_s)
    return Case(known.name, task, truth)


def gather(folder: Path, jobs: int) -> list[Found]:
    """What the exported models of a folder say of every case, in so many processes."""
    work = [(case, str(folder)) for case in cases()]
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(_gather, work, chunksize=8))


def _gather(work: tuple[Case, str]) -> Found:
    case, folder = work
    _, past = past_of(case.task)
    with ThreadPoolExecutor(1) as pool:
        runs = auto.Runs(*_runners(folder), pool, Pace(), time.monotonic)
        return Found(case, past, auto.gather(past, case.task.horizon, runs, float("inf")))


@cache
def _runners(folder: str) -> tuple[network.Run, Callable[..., Any]]:
    """What runs the graphs, once for each process."""
    graphs = Graphs()
    runners = []
    for name in (ZERO_SHOT, TREES):
        path = Path(folder) / name / "1" / "model.onnx"
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        runners.append(graphs.runner(GraphFile(name, "1", str(path), digest)))
    return runners[0], runners[1]
