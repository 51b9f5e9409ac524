"""Permanent overload in simulated time: what is admitted is answered in time, and enough is."""

import pytest

from stubtail.lane.job import Job
from stubtail.lane.latency import LatencyModel
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.policy import Policy
from stubtail.lane.priority import CRITICAL, LOW
from stubtail.lane.scheduler import Scheduler
from tests.unit.lane.flows import ARRIVAL_S, Flow, play

RUN_S = 300e-6  # of one call, really
CAPACITY = 1 / (RUN_S + ARRIVAL_S)
SECONDS = 3.0


def storm(load: float, policy: Policy | None = None, seed: int = 1) -> Flow:
    """Calls at `load` times the capacity, on a model thought to be twice as fast."""
    flow = Flow("model", RUN_S, load * CAPACITY, 0.05, expected=0.5)
    play(flow, policy=policy, seconds=SECONDS, seed=seed)
    return flow


@pytest.mark.parametrize("load", [2.0, 5.0])
@pytest.mark.parametrize("seed", range(3))
def test_goodput_survives_overload(load: float, seed: int) -> None:
    """At least 0.9 of what the lane can do after refusing the rest; hardly anything is late."""
    best = storm(1.0, seed=seed).in_time
    found = storm(load, seed=seed)
    left = 1 - (load - 1) * CAPACITY * ARRIVAL_S  # of the lane's time, after the refusals
    assert found.in_time >= 0.9 * left * best, found
    assert found.missed <= 0.01, found


def test_admitting_up_to_the_deadline_collapses() -> None:
    """The control: without room for errors and the way back, most answers come too late."""
    assert storm(2.0, Policy(wait_part_max=1.0)).missed > 0.5


def test_half_load_is_hardly_refused() -> None:
    """Room for errors does not cost calls while there is room for all."""
    found = storm(0.5)
    assert found.refused + found.late + found.expired == 0, found


@pytest.mark.parametrize("seed", range(3))
def test_urgent_calls_beside_a_flood_of_low_ones(seed: int) -> None:
    """They are all in time, and so are the low ones that were let in.

    A low call is overtaken by urgent ones that come after it. Without counting on them, nine of
    ten low calls that were let in were late.
    """
    urgent, low = play(
        Flow("model", RUN_S, 0.5 * CAPACITY, priority=CRITICAL),
        Flow("model", RUN_S, 2.0 * CAPACITY, priority=LOW),
        seconds=SECONDS,
        seed=seed,
    )
    assert urgent.kept >= 0.99, urgent
    assert low.missed <= 0.01, low
    assert low.busy_s >= 0.3 * SECONDS, low  # of the half that is left, after the refusals


@pytest.mark.parametrize("seed", range(3))
def test_waits_that_are_longer_than_expected_are_refused(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the expectation is wrong, what was waited for corrects it.

    Here it leaves out who overtakes, so that low calls wait twice as long as expected.
    """
    monkeypatch.setattr("stubtail.lane.wait._overtaken_s", lambda waits_s, *_: waits_s)
    urgent, low = play(
        Flow("model", RUN_S, 0.5 * CAPACITY, priority=CRITICAL),
        Flow("model", RUN_S, 2.0 * CAPACITY, priority=LOW),
        seconds=SECONDS,
        seed=seed,
    )
    assert urgent.kept >= 0.99, urgent
    assert low.missed <= 0.05, low
    assert low.busy_s >= 0.25 * SECONDS, low


@pytest.mark.parametrize("deadline_s", [0.1, 5.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_lowest_class_gets_its_share(deadline_s: float, seed: int) -> None:
    """Beside twice the capacity of a higher class it has at least 0.8 of what is kept for it."""
    share = Policy().shares[LOW]
    normal, low = play(
        Flow("model", RUN_S, 2.0 * CAPACITY),
        Flow("model", RUN_S, 2.0 * share * CAPACITY, deadline_s, LOW),
        seconds=SECONDS,
        seed=seed,
    )
    assert low.busy_s >= 0.8 * share * (normal.busy_s + low.busy_s), (normal, low)


@pytest.mark.parametrize("deadline_s", [0.1, 5.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_light_model_beside_a_saturated_heavy_one(deadline_s: float, seed: int) -> None:
    """It waits for about one of the heavy runs, however many wait and however long they may."""
    light, _ = play(
        Flow("light", 10e-6, 500.0),
        Flow("heavy", 5e-3, 2.0 / 5e-3, deadline_s),
        seconds=SECONDS,
        seed=seed,
    )
    assert light.kept == 1.0, light
    assert light.wait_s(0.99) <= 2 * 6e-3, light.wait_s(0.99)


def test_models_have_equal_parts_of_a_class() -> None:
    """Whatever their calls take; and who needs less than its part has all that it needs."""
    quick, slow = play(Flow("quick", RUN_S, 2.0 * CAPACITY), Flow("slow", 2e-3, 1000.0))
    assert quick.busy_s == pytest.approx(slow.busy_s, rel=0.15), (quick, slow)
    modest, greedy = play(Flow("modest", RUN_S, 0.3 * CAPACITY), Flow("greedy", 2e-3, 1000.0))
    assert modest.kept == 1.0, modest
    assert greedy.missed <= 0.01, greedy


def test_a_model_that_was_slow_for_a_while_is_served_again() -> None:
    """Refused calls teach nothing, so that one a second is run in spite of what was learned."""
    scheduler = Scheduler(Policy())
    queue = ModelQueue("model", LatencyModel(20e-6, 1e-3))
    for _ in range(180):
        queue.latency.observe(1, 12e-3)
    refused, last_refused_s = 0, 0.0
    for step in range(2_000):
        now = step * 0.01
        job = Job(queue, 1, b"", 100, 2, encoder=None)  # type: ignore[arg-type]  # never encoded
        job.arrived_s, job.deadline_s = now, now + 0.010
        if scheduler.take_alone(job, now) is None and scheduler.offer(job, now) is not None:
            refused += 1
            last_refused_s = now
            continue
        batch = scheduler.inline.running[0] if scheduler.inline.running else None
        batch = batch or scheduler.next_batch(scheduler.inline, now)
        assert batch is not None
        batch.learned_rows = 1
        scheduler.finish(batch, scheduler.inline, 1e-3)
    assert 0 < refused < 500
    assert last_refused_s < 5.0
