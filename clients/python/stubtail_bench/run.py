"""One run of load: an open one by a schedule, or a closed one."""

import numpy as np

from stubtail_bench.arrivals import Times
from stubtail_bench.crew import Job, Loop, Samples, Span, Target, run_jobs
from stubtail_bench.outcome import Outcome
from stubtail_bench.plan import make_plan
from stubtail_bench.progress import Progress
from stubtail_bench.traffic import Traffic

_ORDER = 1 << 16  # calls until a closed loop begins again with the first


def run_open(
    target: Target, due_s: Times, *, warm_up_s: float, seconds: float, seed: int, title: str = ""
) -> tuple[Outcome, Samples]:
    """Sends calls when they are due.

    Args:
        target: What is sent where.
        due_s: Seconds from the begin, ascending, float64 [N].
        warm_up_s: Calls due before are in no figure.
        seconds: Of the measured part after it.
        seed: Of the mix.
        title: For the progress line.

    Returns:
        What came of it, and some replies (index of the body, message).

    Raises:
        LoadError: The server is not there.
    """
    traffic = Traffic(target.kinds)
    plan = make_plan(
        traffic,
        due_s,
        np.random.default_rng(seed),
        measured_from_s=warm_up_s,
        until_s=warm_up_s + seconds,
    )
    parts: list[Job] = [plan.part(number, target.processes) for number in range(target.processes)]
    return run_jobs(target, parts, Span(warm_up_s, seconds), Progress(title))


def run_closed(
    target: Target, *, streams: int, warm_up_s: float, seconds: float, seed: int, title: str = ""
) -> tuple[Outcome, Samples]:
    """Keeps `streams` calls in flight on each connection of each process; otherwise as above."""
    traffic = Traffic(target.kinds)
    jobs: list[Job] = []
    for number in range(target.processes):
        rng = np.random.default_rng([seed, number])
        plan = make_plan(traffic, np.zeros(_ORDER), rng, measured_from_s=0.0, until_s=0.0)
        jobs.append(Loop(plan.body.tolist(), streams))
    return run_jobs(target, jobs, Span(warm_up_s, seconds), Progress(title))
