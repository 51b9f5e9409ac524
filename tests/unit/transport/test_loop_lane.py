"""Pins what becomes of calls of coroutines: batches of a turn, cancellation, defects."""

import asyncio
from typing import Any

import pytest

from stubtail.errors import CallError
from stubtail.lane.policy import Policy
from stubtail.transport.loop_lane import LoopLane
from tests.unit.lane.puppets import Stage


@pytest.fixture
def stage() -> Stage:
    """A lane over a puppet model."""
    return Stage(Policy())


async def started(stage: Stage) -> LoopLane:
    """The lane of the running loop."""
    loop_lane = LoopLane(stage.lane)
    loop_lane.start()
    return loop_lane


async def test_calls_of_one_turn_share_a_run(stage: Stage) -> None:
    """They are offered together at its end; one that is alone is answered alike."""
    loop_lane = await started(stage)
    calls = [loop_lane.call(stage.job(None, name)) for name in "abc"]
    answers = await asyncio.gather(*calls)
    assert [answer.payload for answer in answers] == [b"A", b"B", b"C"]
    assert stage.model.runs == [["a", "b", "c"]]
    assert (await loop_lane.call(stage.job(None, "d"))).payload == b"D"
    assert loop_lane.in_flight == 0


async def test_a_cancelled_call_leaves_the_others_alone(stage: Stage) -> None:
    """Nobody waits for its answer, and nothing is left of it."""
    loop_lane = await started(stage)
    tasks = [asyncio.create_task(loop_lane.call(stage.job(None, name))) for name in "ab"]
    await asyncio.sleep(0)
    tasks[0].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert not isinstance(answers[1], BaseException)
    assert answers[1].payload == b"B"
    assert stage.model.runs == [["b"]]
    assert stage.at_rest
    assert loop_lane.in_flight == 0


async def test_a_defect_of_the_lane_leaves_nobody_without_an_answer(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls of that turn get SERVER_DEFECT, later ones are served."""
    loop_lane = await started(stage)
    serve = stage.lane.serve

    def broken(jobs: Any) -> bool:
        monkeypatch.setattr(stage.lane, "serve", serve)
        raise RuntimeError("a defect")

    monkeypatch.setattr(stage.lane, "serve", broken)
    answers = await asyncio.gather(*(loop_lane.call(stage.job(None, name)) for name in "ab"))
    assert all(isinstance(answer.error, CallError) for answer in answers)
    assert {answer.error.reason for answer in answers if answer.error} == {"SERVER_DEFECT"}
    assert (await loop_lane.call(stage.job(None, "c"))).payload == b"C"
    assert loop_lane.in_flight == 0
