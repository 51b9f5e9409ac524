"""Pins how slow models run in threads of their own, and that no job is left without a runner."""

import threading
from collections.abc import Iterator

import pytest

from stubtail.lane.latency import LatencyModel
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.policy import Policy
from tests.unit.lane.puppets import POISON, Stage

PATIENCE_S = 10.0


class Gate:
    """Holds runs until a test opens it."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Semaphore(0)

    def pass_through(self) -> None:
        """Called by a run."""
        self.entered.release()
        assert self.opened.acquire(timeout=PATIENCE_S)

    def wait_for_run(self) -> None:
        """Until one more run has begun."""
        assert self.entered.acquire(timeout=PATIENCE_S)

    def open(self, runs: int = 1) -> None:
        """Lets runs go on."""
        self.opened.release(runs)


@pytest.fixture
def gate() -> Gate:
    """Closed."""
    return Gate()


@pytest.fixture
def stage(gate: Gate) -> Iterator[Stage]:
    """A lane whose model runs in a pool of one thread."""
    stage = Stage(Policy(pool_slots=1), pooled=True)
    stage.model.before_run = gate.pass_through
    stage.lane.start()
    yield stage
    gate.open(1000)
    stage.lane.close()
    assert stage.at_rest


def test_pooled_jobs_run_without_the_lane(stage: Stage, gate: Gate) -> None:
    """Nobody has to ask for the batch; the lane has nothing to do."""
    stage.lane.offer([stage.job(1, "a")])
    assert not stage.lane.run_inline()
    gate.wait_for_run()
    gate.open()
    stage.callers.wait()
    assert stage.callers.end(1) == "A"


def test_jobs_that_come_during_a_run_share_the_next(stage: Stage, gate: Gate) -> None:
    """The thread that ran the first batch takes the second; nothing waits for an event."""
    stage.lane.offer([stage.job(1, "a")])
    gate.wait_for_run()
    for call in (2, 3, 4):
        stage.lane.offer([stage.job(call, "b")])
    gate.open(2)
    stage.callers.wait(4)
    assert stage.model.runs == [["a"], ["b", "b", "b"]]
    assert [stage.callers.end(call) for call in (2, 3, 4)] == ["B"] * 3


def test_a_cancelled_job_behind_a_long_run_does_not_run(stage: Stage, gate: Gate) -> None:
    """While another thread runs, the queue can be changed."""
    stage.lane.offer([stage.job(1, "a")])
    gate.wait_for_run()
    jobs = [stage.job(2, "b"), stage.job(3, "c")]
    stage.lane.offer(jobs)
    stage.lane.cancel(jobs[0])
    gate.open(2)
    stage.callers.wait(2)
    assert stage.model.runs == [["a"], ["c"]]


def test_a_lane_that_closes_ends_the_run_and_drops_the_rest(stage: Stage, gate: Gate) -> None:
    """What runs is answered, what waits is told."""
    stage.lane.offer([stage.job(1, "a")])
    gate.wait_for_run()
    stage.lane.offer([stage.job(2, "b")])
    closing = threading.Thread(target=stage.lane.close)
    closing.start()
    stage.callers.wait()
    assert stage.callers.end(2) == "DRAINING"
    gate.open()
    closing.join(PATIENCE_S)
    assert stage.callers.end(1) == "A"


def test_the_pool_outlives_a_failed_run_and_a_defect(stage: Stage, gate: Gate) -> None:
    """A slot that is lost would stop all slow models for ever."""
    gate.open(100)
    stage.lane.offer([stage.job(1, POISON)])
    respond = stage.callers.respond
    broken = threading.Event()

    def fail_once(call: object, payload: bytes, trailing: object) -> None:
        stage.callers.respond = respond  # type: ignore[method-assign]
        broken.set()
        raise RuntimeError("a transport that breaks its promise")

    stage.callers.respond = fail_once  # type: ignore[method-assign]
    stage.lane.offer([stage.job(2, "b")])
    assert broken.wait(PATIENCE_S)
    stage.callers.wait(2)
    stage.lane.offer([stage.job(3, "c")])
    stage.callers.wait()
    ends = [stage.callers.end(call) for call in (1, 2, 3)]
    assert ends == ["INFERENCE_FAILED", "SERVER_DEFECT", "C"]


def test_several_slots_run_at_once(gate: Gate) -> None:
    """As many batches as there are slots, and no more."""
    stage = Stage(Policy(pool_slots=2), pooled=True)
    stage.model.before_run = gate.pass_through
    stage.lane.start()
    stage.lane.offer([stage.job(1, "a")])
    gate.wait_for_run()
    stage.lane.offer([stage.job(2, "b")])
    gate.wait_for_run()
    stage.lane.offer([stage.job(3, "c")])
    assert not gate.entered.acquire(blocking=False)
    gate.open(3)
    stage.callers.wait(3)
    stage.lane.close()
    assert sorted(stage.model.runs) == [["a"], ["b"], ["c"]]
    assert stage.at_rest


def test_jobs_offered_by_many_threads_all_end(stage: Stage, gate: Gate) -> None:
    """Whoever offers last, somebody runs it."""
    gate.open(10_000)

    def offer_all(first: int) -> None:
        for index in range(100):
            stage.lane.offer([stage.job((first, index), "a")])

    threads = [threading.Thread(target=offer_all, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    stage.callers.wait(400)
    assert len(stage.callers.ends) == 400
    assert all(stage.callers.end((first, index)) == "A" for first in range(4) for index in (0, 99))


def test_runs_that_wait_elsewhere_leave_the_pool_to_others(stage: Stage, gate: Gate) -> None:
    """However many forecasts hang, a slow model computes."""
    apart = ModelQueue(stage.model, LatencyModel(0.001, 1e-6), solo=True, apart=True)
    hanging = [stage.job(call, "a") for call in range(4)]
    for job in hanging:
        job.queue = apart
    stage.lane.offer(hanging)
    for _ in range(2):  # as many as such runs have threads
        gate.wait_for_run()

    stage.model.before_run = lambda: None
    stage.lane.offer([stage.job("slow model", "b")])
    stage.callers.wait()
    assert [call for call, _ in stage.callers.ends] == ["slow model"]
    gate.open(4)
    stage.callers.wait(4)
