"""The breaker of a model on the lane: a model that fails opens it, and no caller's rows do."""

import subprocess
import sys

import pytest

from stubtail.breaker import BreakerOptions
from stubtail.errors import CallError, Code
from stubtail.lane import isolation
from stubtail.lane.batch_run import RunError
from stubtail.lane.model_breakers import PROVED_S
from tests.unit.lane.puppets import POISON, Stage

KEY = ("puppet", "1")


def options() -> BreakerOptions:
    """Three failures in a row open it for four seconds."""
    return BreakerOptions(30.0, 10, 0.5, 3, 4.0, 4.0)


def serve(stage: Stage, call: object, *rows: str) -> object:
    """How one call ends that comes alone."""
    stage.lane.serve([stage.job(call, *rows)])
    return stage.callers.end(call)


def opened() -> Stage:
    """A lane whose model has just failed three times."""
    stage = Stage(breakers=options)
    stage.model.well = False
    for call in range(3):
        assert serve(stage, call, "a") == "INFERENCE_FAILED"
    assert stage.breakers.states() == {KEY: "open"}
    return stage


def test_an_open_breaker_runs_nothing():
    """Calls are told why, and when to come back; they are noted as refused."""
    stage = opened()
    runs = len(stage.model.runs)

    assert serve(stage, "late", "a") == "BREAKER_OPEN"

    (error,) = [end for call, end in stage.callers.ends if call == "late"]
    assert error.code.name == "UNAVAILABLE"
    assert dict(error.trailing_metadata)["grpc-retry-pushback-ms"] == "4000"
    assert len(stage.model.runs) == runs
    assert stage.notes.refusals[-1] == (14, "BREAKER_OPEN")
    assert stage.at_rest


def test_the_row_of_the_warm_up_is_the_probe():
    """Of the calls that wait when the time is over, none is at stake, and all are answered."""
    stage = opened()
    stage.model.well = True
    stage.clock.now += 4.0
    assert stage.breakers.states() == {KEY: "half-open"}

    stage.lane.offer([stage.job("one", "a"), stage.job("two", "b"), stage.job("three", "c")])
    stage.run_all()

    assert [stage.callers.end(call) for call in ("one", "two", "three")] == ["A", "B", "C"]
    assert stage.breakers.states() == {KEY: "closed"}
    assert stage.at_rest


def test_a_probe_that_fails_opens_it_again():
    """For as long again, and no call is run for it."""
    stage = opened()
    stage.clock.now += 4.0
    runs = len(stage.model.runs)
    assert serve(stage, "probe", "a") == "BREAKER_OPEN"
    assert stage.breakers.states() == {KEY: "open"}
    assert serve(stage, "next", "a") == "BREAKER_OPEN"
    assert len(stage.model.runs) == runs


def test_rows_that_fail_do_not_keep_it_open():
    """A caller of poison comes first when the probe is due: the model is well, and it closes."""
    stage = opened()
    stage.model.well = True
    stage.clock.now += 4.0
    assert serve(stage, "poison", POISON) == "INFERENCE_FAILED"
    assert stage.breakers.states() == {KEY: "closed"}
    assert serve(stage, "next", "a") == "A"


def test_nothing_but_poison_never_opens_it():
    """However often: the model answers its own row, which is asked for a few times a second."""
    stage = Stage(breakers=options)
    for call in range(500):
        assert serve(stage, call, POISON) == "INFERENCE_FAILED"
    assert stage.breakers.states() == {}
    assert serve(stage, "other", "a") == "A"
    assert stage.model.proofs <= 2 + 500 * 0.001 / PROVED_S


def test_a_model_without_such_a_row_has_no_breaker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing tells whether it or the rows are to blame."""
    stage = Stage(breakers=options)
    monkeypatch.setattr(stage.model, "prove", None)
    for call in range(20):
        assert serve(stage, call, POISON) == "INFERENCE_FAILED"
    assert not stage.breakers.watched


@pytest.mark.parametrize("broken", ["record_batch", "record_refusals"])
def test_a_probe_that_a_defect_ends_is_not_the_last_one(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its permit is settled, so that a later call probes again."""
    stage = opened()
    stage.model.well = broken == "record_batch"  # else both calls are refused
    stage.clock.now += 4.0

    def defect(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(stage.notes, broken, defect)
    stage.lane.offer([stage.job("one", "a"), stage.job("two", "b")])
    stage.run_all()
    ends = {call for call, end in stage.callers.ends if isinstance(end, CallError)}
    assert {"one", "two"} <= ends
    monkeypatch.undo()

    stage.model.well = True
    stage.clock.now += 4.0
    assert serve(stage, "next", "c") == "C"
    assert stage.breakers.states() == {KEY: "closed"}
    assert stage.at_rest


def test_a_poisoned_call_among_others_does_not_open_it():
    """A batch of which any call was answered went well."""
    stage = Stage(breakers=options)
    for turn in range(20):
        stage.lane.offer([stage.job((turn, "bad"), POISON), stage.job((turn, "good"), "a")])
        stage.run_all()
        assert stage.callers.end((turn, "good")) == "A"
    assert stage.breakers.states() in ({}, {KEY: "closed"})


def test_a_model_that_is_well_again_is_forgotten():
    """So that its batches cost nothing more; and one that is not there any more."""
    stage = Stage(breakers=options)
    stage.model.well = False
    serve(stage, 1, "a")
    assert stage.breakers.watched
    stage.model.well = True
    stage.clock.now += 61.0
    assert serve(stage, 2, "a") == "A"
    assert not stage.breakers.watched

    stage = opened()
    stage.breakers.keep(set())
    assert not stage.breakers.watched


def test_without_options_nothing_is_watched():
    """The setting 0 switches all of it off."""
    stage = Stage()
    stage.model.well = False
    for call in range(20):
        assert serve(stage, call, "a") == "INFERENCE_FAILED"
    assert not stage.breakers.watched
    assert stage.model.proofs == 0


def test_a_lane_needs_no_breaker_until_a_run_fails():
    """Pybreaker is loaded with the first failure, not with the lane."""
    code = "import sys, stubtail.lane.lane; print('pybreaker' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("code", [Code.DEADLINE_EXCEEDED, Code.INVALID_ARGUMENT, Code.INTERNAL])
def test_only_a_failing_model_counts(code: Code, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that a deadline ended, or found what its caller did wrong, is no failure of a model."""
    stage = Stage(breakers=options)
    logged: list[object] = []
    monkeypatch.setattr(isolation.log, "error", lambda text, **_: logged.append(text))

    def end() -> None:
        raise RunError(CallError(code, "EXPIRED_IN_QUEUE", "told by the run"))

    stage.model.before_run = end
    stage.model.well = False
    for call in range(12):
        stage.lane.serve([stage.job(call, "a")])
    assert stage.breakers.states() == ({KEY: "open"} if code is Code.INTERNAL else {})
    assert bool(logged) == (code is Code.INTERNAL)
