"""Who makes the load: this process alone, or several that begin at the same moment."""

import math
import multiprocessing
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from stubtail_bench.connections import Slow
from stubtail_bench.door import OPEN, Door
from stubtail_bench.engine import Engine, Watch
from stubtail_bench.errors import LoadError
from stubtail_bench.outcome import Outcome, outcome_of
from stubtail_bench.plan import Plan
from stubtail_bench.progress import Glimpse, Progress, glimpse
from stubtail_bench.raw import Raw
from stubtail_bench.traffic import Kind, Traffic

_TO_BEGIN_S = 0.05  # for the word to reach every process
_TO_START_S = 60.0
_TO_END_S = 5.0

Samples = list[tuple[int, bytes]]
"""Some replies: index into `Traffic.bodies`, message."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a load goes, and what it is made of.

    Attributes:
        address: `host:port` of the server.
        kinds: Of calls.
        connections: Of each process.
        slow: Slow readers among them.
        patience_s: A call without an answer so long after the last one was due is lost.
        processes: Of the generator.
        door: What it shows the server.
    """

    address: str
    kinds: Sequence[Kind]
    connections: int
    slow: Slow
    patience_s: float
    processes: int = 1
    door: Door = OPEN


@dataclass(frozen=True, slots=True)
class Loop:
    """A closed loop: what the calls ask in turn, and how many in flight on each connection."""

    bodies: Sequence[int]
    streams: int


Job = Plan | Loop


@dataclass(frozen=True, slots=True)
class Span:
    """The warm-up and the measured part of a run, seconds."""

    warm_up_s: float
    seconds: float


def run_jobs(
    target: Target, jobs: Sequence[Job], span: Span, progress: Progress
) -> tuple[Outcome, Samples]:
    """Does one job in this process, or each of several in a process of its own.

    Raises:
        LoadError: The server is not there, or a process of the load ended early.
    """
    try:
        if len(jobs) > 1:
            return _in_processes(target, jobs, span, progress)
        return _do(target, jobs[0], span, None, lambda raw: progress.show(0, glimpse(raw)))
    finally:
        progress.done()


def _do(
    target: Target, job: Job, span: Span, begin: Connection | None, watch: Watch
) -> tuple[Outcome, Samples]:
    """Connects, waits for the moment to begin where others do the same, runs, sorts the logs."""
    start: float | None = None
    with Engine(
        target.address,
        Traffic(target.kinds, target.door),
        connections=target.connections,
        slow=target.slow,
        patience_s=target.patience_s,
    ) as engine:
        if begin is not None:
            begin.send("ready")
            start = begin.recv()
        raw: Raw
        if isinstance(job, Plan):
            raw = engine.open(job, start=start, watch=watch)
        else:
            seconds = span.warm_up_s + span.seconds
            raw = engine.closed(
                job.bodies, streams=job.streams, seconds=seconds, start=start, watch=watch
            )
    return outcome_of(raw, target.kinds, span.warm_up_s, span.seconds), raw.samples


def _in_processes(
    target: Target, jobs: Sequence[Job], span: Span, progress: Progress
) -> tuple[Outcome, Samples]:
    with _children(target, jobs, span) as pipes:
        for pipe in pipes:
            _expect(pipe, _TO_START_S)
        longest_s = max(job.to_prepare_s if isinstance(job, Plan) else 0.0 for job in jobs)
        start = (
            time.perf_counter() + _TO_BEGIN_S + longest_s
        )  # CLOCK_MONOTONIC: the same in all processes
        for pipe in pipes:
            pipe.send(start)
        found = _collect(pipes, progress)
    (total, samples), *others = found
    for outcome, more in others:
        total.merge(outcome)
        samples += more
    return total, samples


def _collect(pipes: Sequence[Connection], progress: Progress) -> list[tuple[Outcome, Samples]]:
    """Shows what the children see, until each has told its result."""
    numbers = {pipe.fileno(): number for number, pipe in enumerate(pipes)}
    found: dict[int, tuple[Outcome, Samples]] = {}
    while len(found) < len(pipes):
        busy = [pipe.fileno() for number, pipe in enumerate(pipes) if number not in found]
        for ready in wait(busy):
            number = numbers[int(ready)]  # type: ignore[arg-type]  # descriptors went in
            said = _expect(pipes[number], math.inf)
            if isinstance(said, Glimpse):
                progress.show(number, said)
            else:
                found[number] = said
    return [found[number] for number in range(len(pipes))]


@contextmanager
def _children(target: Target, jobs: Sequence[Job], span: Span) -> Iterator[list[Connection]]:
    """The pipes to one process a job; none of them outlives the block."""
    context = multiprocessing.get_context("spawn")
    pipes: list[Connection] = []
    children = []
    try:
        for job in jobs:
            ours, theirs = context.Pipe()
            child = context.Process(target=_child, args=(theirs, target, job, span), daemon=True)
            child.start()
            theirs.close()
            pipes.append(ours)
            children.append(child)
        yield pipes
        for child in children:
            child.join(_TO_END_S)
    finally:
        for child in children:
            if child.is_alive():
                child.terminate()
            child.join()


def _expect(pipe: Connection, patience_s: float) -> Any:
    """What a child says; raises LoadError for what it could not do."""
    if patience_s != math.inf and not pipe.poll(patience_s):
        raise LoadError(f"a process of the load was not ready in {patience_s:.0f} s")
    try:
        said = pipe.recv()
    except EOFError as error:
        raise LoadError("a process of the load ended without a result") from error
    if isinstance(said, LoadError):
        raise said
    return said


def _child(pipe: Connection, target: Target, job: Job, span: Span) -> None:
    """The life of one of several processes; Ctrl-C is their parent's, who ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Where the parent was killed, nobody is left to be told anything.
    with suppress(BrokenPipeError, ConnectionResetError, EOFError):
        try:
            pipe.send(_do(target, job, span, pipe, lambda raw: pipe.send(glimpse(raw))))
        except LoadError as error:
            pipe.send(error)
        except OSError as error:  # such as too few descriptors
            pipe.send(LoadError(str(error)))
