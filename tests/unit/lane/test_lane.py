"""Pins what becomes of each job in a batch: an answer or an error of its own, exactly one."""

import random
from collections.abc import Iterator

import pytest

from stubtail.errors import Code
from stubtail.lane.isolation import ALONE_S
from stubtail.lane.job import Job
from stubtail.lane.policy import Policy
from stubtail.lane.priority import CRITICAL, LOW
from tests.unit.lane.puppets import INTERNAL, MISSING, OK, POISON, UNSPEAKABLE, Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A lane at rest before and after each test."""
    stage = Stage()
    yield stage
    assert stage.at_rest


def test_jobs_that_wait_together_run_together(stage: Stage) -> None:
    """One run, one preparation, and each caller its own rows and suffix."""
    jobs = [stage.job(1, "a"), stage.job(2, "b", "c"), stage.job(3, "d", suffix=b"!")]
    stage.lane.offer(jobs)
    assert stage.lane.waiting_jobs == [0, 0, 3, 0]

    assert stage.run_all() == 1

    assert stage.callers.ends == [(1, "A"), (2, "B,C"), (3, "D!")]
    assert stage.model.runs == [["a", "b", "c", "d"]]
    assert stage.encoder.prepared == 1
    assert stage.notes.batches == [(OK, [1, 2, 3], 4)]


def test_a_lone_job_is_served_at_once(stage: Stage) -> None:
    """Without a queue where nothing waits; with others it is offered and shares their batch."""
    assert stage.lane.serve([stage.job(1, "a")])
    assert stage.callers.end(1) == "A"

    stage.lane.offer([stage.job(2, "b")])
    assert stage.lane.serve([stage.job(3, "c")])
    assert stage.model.runs[-1] == ["b", "c"]
    assert not stage.lane.serve([])


def test_the_times_of_a_batch_are_told(stage: Stage) -> None:
    """Start, end of the run and of the replies, and what was predicted."""
    stage.lane.offer([stage.job(1, "a")])
    stage.clock.now += 0.5
    stage.run_all()
    ((started_s, ran_s, encoded_s, predicted_s),) = stage.notes.times
    assert (started_s, ran_s, encoded_s) == (100.5, 100.501, 100.501)
    assert predicted_s == pytest.approx(0.001, rel=0.01)


def test_timing_is_told_to_those_who_ask(stage: Stage) -> None:
    """In microseconds, with the rows of the whole batch."""
    stage.lane.offer([stage.job(1, "a", timed=True), stage.job(2, "b", "c")])
    stage.clock.now += 0.25
    stage.run_all()
    assert stage.callers.trailing[1] == (
        ("stubtail-timing", "queue=250000;decode=0;run=1000;encode=0;batch_rows=3"),
    )
    assert stage.callers.trailing[2] is None


@pytest.mark.parametrize("place", range(5))
def test_a_forbidden_row_is_refused_alone(stage: Stage, place: int) -> None:
    """The others run without it, in one run."""
    jobs = [stage.job(index, "ok" if index != place else MISSING) for index in range(5)]
    stage.lane.offer(jobs)
    assert stage.run_all() == 1

    ends = [stage.callers.end(index) for index in range(5)]
    assert ends == ["INVALID_FIELD" if index == place else "OK" for index in range(5)]
    assert stage.model.runs == [["ok"] * 4]
    assert stage.notes.refusals == [(int(Code.INVALID_ARGUMENT), "INVALID_FIELD")]
    assert [(status, rows) for status, _, rows in stage.notes.batches] == [(OK, 4)]


def test_a_batch_of_forbidden_rows_runs_nothing(stage: Stage) -> None:
    """Every caller is told, and the slot is free again."""
    stage.lane.offer([stage.job(index, MISSING) for index in range(3)])
    stage.run_all()
    assert [stage.callers.end(index) for index in range(3)] == ["INVALID_FIELD"] * 3
    assert stage.model.runs == []


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_a_poisoned_row_fails_alone(stage: Stage, count: int, place: float) -> None:
    """Halves are run again until it stands alone: about twice the logarithm in runs."""
    culprit = round(place * (count - 1))
    jobs = [stage.job(i, "ok", "too") for i in range(count)]
    jobs[culprit].data[1] = POISON
    stage.lane.offer(jobs)
    stage.run_all()

    for index in range(count):
        expected = "INFERENCE_FAILED" if index == culprit else "OK,TOO"
        assert stage.callers.end(index) == expected
    assert len(stage.model.runs) <= 1 + 2 * count.bit_length()
    failed = [batch for batch in stage.notes.batches if batch[0] == INTERNAL]
    assert failed == [(INTERNAL, [culprit], 2)]
    answered = [batch for batch in stage.notes.batches if batch[0] == OK]
    assert sum(rows for _, _, rows in answered) == 2 * (count - 1), "each row counts once"
    assert sum(len(calls) for _, calls, _ in answered) == count - 1


def test_what_the_runtime_said_stays_in_the_log(stage: Stage) -> None:
    """The caller learns which model failed, and no more."""
    stage.lane.offer([stage.job(1, POISON)])
    stage.run_all()
    ((_, error),) = stage.callers.ends
    assert "secret" not in error.message
    assert b"secret" not in b"".join(
        value for _, value in error.trailing_metadata if isinstance(value, bytes)
    )


def test_calls_share_no_run_after_a_search(stage: Stage) -> None:
    """For a while: another one of them would keep everybody waiting again."""
    stage.lane.offer([stage.job("bad", POISON), stage.job("good", "ok")])
    stage.run_all()
    for turn, sizes in ((1, [1, 1]), (2, [2])):
        before = len(stage.model.runs)
        stage.lane.offer([stage.job((turn, 1), "a"), stage.job((turn, 2), "b")])
        stage.run_all()
        assert [len(rows) for rows in stage.model.runs[before:]] == sizes
        stage.clock.now += ALONE_S


def test_forbidden_and_poisoned_rows_in_one_batch(stage: Stage) -> None:
    """Each is blamed for its own."""
    rows = ["ok", MISSING, "ok", POISON, "ok"]
    stage.lane.offer([stage.job(index, row) for index, row in enumerate(rows)])
    stage.run_all()
    ends = [stage.callers.end(index) for index in range(5)]
    assert ends == ["OK", "INVALID_FIELD", "OK", "INFERENCE_FAILED", "OK"]


@pytest.mark.parametrize("place", range(3))
def test_a_reply_that_cannot_be_encoded_fails_alone(stage: Stage, place: int) -> None:
    """A defect in one reply is no reason to lose the others."""
    rows = ["a", "b", "c"]
    rows[place] = UNSPEAKABLE
    stage.lane.offer([stage.job(index, row) for index, row in enumerate(rows)])
    stage.run_all()
    ends = [stage.callers.end(index) for index in range(3)]
    assert ends == ["SERVER_DEFECT" if i == place else rows[i].upper() for i in range(3)]


def test_a_cancelled_job_does_not_run(stage: Stage) -> None:
    """Whoever has gone is neither answered nor computed for; the others are."""
    jobs = [stage.job(index, f"r{index}") for index in range(4)]
    stage.lane.offer(jobs)
    stage.lane.cancel(jobs[0])
    stage.lane.cancel(jobs[2])
    stage.lane.cancel(jobs[2])
    stage.run_all()
    assert stage.callers.ends == [(1, "R1"), (3, "R3")]
    assert stage.model.runs == [["r1", "r3"]]
    assert stage.notes.refusals == [(int(Code.CANCELLED), "")] * 2


def test_a_job_cancelled_while_it_runs_leaves_the_others_alone(stage: Stage) -> None:
    """Its row is in the run already; where its answer goes is the transport's business."""
    jobs = [stage.job(index, f"r{index}") for index in range(3)]
    stage.lane.offer(jobs)
    stage.model.before_run = lambda: stage.lane.cancel(jobs[1])
    stage.run_all()
    assert (stage.callers.end(0), stage.callers.end(2)) == ("R0", "R2")
    assert stage.notes.refusals == [(int(Code.CANCELLED), "")]


def test_an_expired_job_is_told_and_does_not_run(stage: Stage) -> None:
    """By the tick, or when the next batch is taken; never started late."""
    stage.lane.offer([stage.job(1, "a", within_s=0.01), stage.job(2, "b", within_s=1.0)])
    stage.clock.now += 0.02
    stage.lane.expire()
    assert stage.callers.end(1) == "EXPIRED_IN_QUEUE"
    stage.run_all()
    stage.lane.offer([stage.job(3, "c", within_s=0.01), stage.job(4, "d", within_s=1.0)])
    stage.clock.now += 0.02
    stage.run_all()
    assert stage.callers.end(3) == "EXPIRED_IN_QUEUE"
    assert [stage.callers.end(2), stage.callers.end(4)] == ["B", "D"]
    assert stage.model.runs == [["b"], ["d"]]
    assert stage.notes.refusals == [(int(Code.DEADLINE_EXCEEDED), "EXPIRED_IN_QUEUE")] * 2


def test_a_job_that_cannot_make_it_is_refused_at_once(stage: Stage) -> None:
    """Before `offer` returns, and also when it would have been served alone."""
    stage.lane.offer([stage.job(1, "a", within_s=0.0005)])
    assert stage.callers.end(1) == "DEADLINE_UNREACHABLE"
    stage.lane.serve([stage.job(2, "b", within_s=0.0)])
    assert stage.callers.end(2) == "DEADLINE_UNREACHABLE"
    assert stage.model.runs == []


def test_a_full_queue_refuses_and_urgent_jobs_push_out_low_ones() -> None:
    """Everybody is told; the places are lent to the lowest class."""
    stage = Stage(Policy(jobs_max=2))
    stage.lane.offer([stage.job(index, "low", priority=LOW) for index in range(3)])
    assert stage.callers.end(2) == "QUEUE_FULL"
    stage.lane.offer([stage.job("urgent", "x", priority=CRITICAL)])
    assert stage.callers.end(1) == "QUEUE_FULL"
    stage.run_all()
    assert (stage.callers.end(0), stage.callers.end("urgent")) == ("LOW", "X")
    assert stage.at_rest


def test_a_lane_that_closes_answers_what_waits(stage: Stage) -> None:
    """UNAVAILABLE: another server may answer."""
    stage.lane.offer([stage.job(index, "a") for index in range(3)])
    stage.lane.close()
    assert [stage.callers.end(index) for index in range(3)] == ["DRAINING"] * 3
    assert stage.run_all() == 0


@pytest.mark.parametrize("seed", range(200))
def test_every_job_gets_exactly_one_end(stage: Stage, seed: int) -> None:
    """Random jobs, faults, cancellations and expiries: nobody is lost and nobody told twice."""
    rng = random.Random(seed)
    kinds = ["ok"] * 8 + [POISON, MISSING, UNSPEAKABLE]
    jobs: list[Job] = []
    gone = set()
    for _ in range(rng.randrange(1, 60)):
        event = rng.random()
        if event < 0.7:
            batch = []
            for _ in range(rng.choice([1, 1, 3, 12])):
                rows = [rng.choice(kinds) for _ in range(rng.choice([1, 1, 1, 4]))]
                within_s = rng.choice([0.0, 0.002, 0.05, 5.0])
                batch.append(
                    stage.job(len(jobs), *rows, priority=rng.randrange(4), within_s=within_s)
                )
                jobs.append(batch[-1])
            stage.lane.serve(batch) if rng.random() < 0.5 else stage.lane.offer(batch)
        elif event < 0.8 and jobs:
            job = rng.choice(jobs)
            gone.add(job.call)
            stage.lane.cancel(job)
        elif event < 0.9:
            stage.clock.now += rng.choice([0.0005, 0.01])
            stage.lane.expire()
        else:
            stage.lane.run_inline()
    stage.run_all()

    for job in jobs:
        ends = [end for call, end in stage.callers.ends if call == job.call]
        assert len(ends) == 1 or (job.call in gone and not ends), (seed, job.call, ends)
        if ends and isinstance(ends[0], str):
            assert ends[0] == ",".join(row.upper() for row in job.data)
            assert not {POISON, MISSING, UNSPEAKABLE} & set(job.data)
