"""Pins how long others wait for a search for failing rows, and what becomes of those it left."""

from collections.abc import Iterator

import pytest

from stubtail.lane.isolation import RUNS_MAX, SEARCH_S
from tests.unit.lane.puppets import POISON, Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A lane at rest before and after each test."""
    stage = Stage()
    yield stage
    assert stage.at_rest


@pytest.mark.parametrize("good", [0, 150, 299])
def test_one_good_call_among_hundreds_of_poisoned_ones_is_answered(stage: Stage, good: int) -> None:
    """However many fail, nobody else's answer is lost by it."""
    jobs = [stage.job(i, "ok" if i == good else POISON) for i in range(300)]
    stage.lane.offer(jobs)
    stage.run_all()
    ends = [stage.callers.end(index) for index in range(300)]
    assert ends[good] == "OK"
    assert ends.count("INFERENCE_FAILED") == 299


def test_the_search_for_poisoned_rows_is_bounded(stage: Stage) -> None:
    """With very many of them it ends; all get an end, and no poisoned one an answer."""
    count = 2 * RUNS_MAX
    jobs = [stage.job(i, POISON if i % 2 else "ok", within_s=1e3) for i in range(count)]
    stage.lane.offer(jobs)
    stage.run_all()
    ends = [stage.callers.end(index) for index in range(count)]
    assert ends == ["OK", "INFERENCE_FAILED"] * RUNS_MAX
    assert len(stage.model.runs) <= 1 + RUNS_MAX + count


def test_a_search_of_a_slow_model_goes_on_in_turns_with_others(stage: Stage) -> None:
    """It holds the thread for a second; then each call that is left runs alone, and is answered."""
    stage.model.run_s = 0.05
    jobs = [stage.job(i, POISON if i % 2 else "ok", within_s=60.0) for i in range(100)]
    stage.lane.offer(jobs)
    began_s = stage.clock.now
    assert stage.lane.run_inline()
    assert stage.clock.now - began_s < SEARCH_S + 3 * stage.model.run_s
    assert 0 < len(stage.callers.ends) < 100
    assert sum(stage.lane.waiting_jobs) == 100 - len(stage.callers.ends)
    stage.run_all()
    assert [stage.callers.end(i) for i in range(100)] == ["OK", "INFERENCE_FAILED"] * 50


def test_a_search_runs_nobody_whose_time_is_over(stage: Stage) -> None:
    """Nor those who have gone: their runs would keep others waiting for nothing."""
    stage.model.run_s = 0.05
    jobs = [stage.job(i, POISON, within_s=0.12 if i else 60.0) for i in range(8)]
    jobs[1].cancelled = True
    stage.lane.offer(jobs)
    stage.run_all()
    assert len(stage.model.runs) <= 5
    ends = [stage.callers.end(i) for i in range(8) if i != 1]
    assert ends == ["INFERENCE_FAILED"] + ["EXPIRED_IN_QUEUE"] * 6
