"""Pins who goes together, who gets which answer, and that nobody's trouble is another's."""

import asyncio
import concurrent.futures
import threading
import time
from typing import Any

import numpy as np
import pytest

from stubtail.errors import invalid_field
from stubtail_client import (
    AsyncClient,
    AsyncCoalescer,
    Cancelled,
    Client,
    Coalescer,
    DeadlineExceeded,
    FieldViolation,
    InvalidArgument,
    Overloaded,
    Unavailable,
)
from stubtail_client.coalescing import Entry, Waiting, calls, rows_of
from stubtail_client.errors import StubtailError
from tests.unit.client import fake_server
from tests.unit.client.fake_server import refuse

PATIENT_S = 30.0


def entry(row, ends_s=10.0):
    """A row whose caller waits in a thread."""
    return Entry(row, ends_s, concurrent.futures.Future())


def test_rows_of_one_form_go_together_in_order():
    """Rows of numbers and rows by name are different messages."""
    waiting = Waiting(rows_max=3)
    rows = [{"a": 1}, {"b": 2}, np.zeros(2), np.ones(2), np.zeros(3), {"a": 3}]
    for row in rows:
        waiting.add(entry(row))
    taken = []
    while group := waiting.take(0.0):
        taken.append([len(one.row) for one in group])
    assert taken == [[1, 1], [2, 2], [3], [1]]


def test_the_number_of_rows_is_bounded():
    """Of one call, and of all that wait."""
    waiting = Waiting(rows_max=2, waiting_max=3)
    for at in range(3):
        waiting.add(entry({"a": at}))
    with pytest.raises(Overloaded, match="3 rows wait"):
        waiting.add(entry({"a": 9}))
    assert [len(waiting.take(0.0)) for _ in range(3)] == [2, 1, 0]


def test_nobody_is_sent_who_has_given_up():
    """Neither the cancelled nor the late."""
    waiting = Waiting()
    gone, late, there = entry({"a": 1}), entry({"a": 2}, ends_s=1.0), entry({"a": 3})
    for one in (gone, late, there):
        waiting.add(one)
    gone.done.cancel()
    assert waiting.take(2.0) == [there]


def test_a_bad_row_costs_its_neighbours_nothing():
    """Halves are sent again until the bad row is alone."""
    entries = [entry({"a": at}) for at in range(8)]
    turn: Any = calls(entries)
    group = next(turn)
    sent = 0
    while True:
        sent += 1
        rows = [one.row["a"] for one in group]
        outcome = InvalidArgument("5 is bad") if 5 in rows else [f"answer {row}" for row in rows]
        try:
            group = turn.send(outcome)
        except StopIteration:
            break
    for at, one in enumerate(entries):
        if at == 5:
            with pytest.raises(InvalidArgument):
                one.done.result(0)
        else:
            assert one.done.result(0) == f"answer {at}"
    assert sent == 7


def test_a_row_that_the_server_names_is_sent_alone():
    """Which saves the search for it."""
    entries = [entry({"a": at}) for at in range(8)]
    turn: Any = calls(entries)
    assert len(next(turn)) == 8
    named = InvalidArgument("no", violations=[FieldViolation("rows[5].a", "no number")])
    rest = turn.send(named)
    assert [one.row["a"] for one in rest] == [0, 1, 2, 3, 4, 6, 7]
    assert turn.send(["fine"] * 7) == [entries[5]]
    with pytest.raises(StopIteration):
        turn.send(named)
    assert isinstance(entries[5].done.exception(0), InvalidArgument)
    assert entries[6].done.result(0) == "fine"


def test_what_is_no_rows_fault_is_told_to_all_at_once():
    """Each hears it by an exception of its own."""
    entries = [entry({"a": at}) for at in range(3)]
    turn = calls(entries)
    next(turn)
    with pytest.raises(StopIteration):
        turn.send(Unavailable("no"))
    heard = [one.done.exception(0) for one in entries]
    assert len({id(one) for one in heard}) == 3
    assert all(isinstance(one, Unavailable) for one in heard)


def test_rows_as_score_takes_them():
    """One dict, dicts, or an array."""
    assert rows_of([entry({"a": 1})]) == {"a": 1}
    assert rows_of([entry({"a": 1}), entry({"b": 2})]) == [{"a": 1}, {"b": 2}]
    assert rows_of([entry(np.zeros(2)), entry(np.ones(2))]).tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize("row", [[{"a": 1}], np.zeros((2, 2)), "row", None])
def test_one_row_is_one_row(row):
    """Not several."""
    with pytest.raises(InvalidArgument):
        Waiting().add(entry(row))


def until(condition):
    """Waits for something in other threads."""
    end_s = time.monotonic() + PATIENT_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_threads_share_calls(fake):
    """Rows that come while a call is under way go together, and answers do not mix."""
    with Client(fake.address, timeout=PATIENT_S) as client, Coalescer(client, "churn") as scorer:
        assert scorer.score({"tenure": 7}).score == pytest.approx(0.07)
        fake.hold.clear()
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            first = pool.submit(scorer.score, {"tenure": 1})
            until(lambda: fake.calls == 2)
            rest = [pool.submit(scorer.score, {"tenure": at}) for at in range(2, 20)]
            until(lambda: len(scorer._waiting) == 18)
            fake.hold.set()
            scores = [one.result().score for one in (first, *rest)]
    assert scores == pytest.approx([at / 100 for at in range(1, 20)])
    assert fake.calls == 3


def test_a_thread_hears_of_its_own_deadline(fake):
    """Though the call that has its row goes on for others."""
    with Client(fake.address, timeout=PATIENT_S) as client, Coalescer(client, "churn") as scorer:
        fake.hold.clear()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            patient = pool.submit(scorer.score, {"tenure": 1})
            until(lambda: fake.calls == 1)
            with pytest.raises(DeadlineExceeded):
                scorer.score({"tenure": 2}, timeout=0.05)
            fake.hold.set()
            assert patient.result().score == pytest.approx(0.01)


def test_a_closed_coalescer_refuses(fake):
    """A row after close says so."""
    with Client(fake.address) as client:
        scorer = Coalescer(client, "churn")
        scorer.close()
        with pytest.raises(Cancelled):
            scorer.score({"tenure": 1})


async def test_tasks_share_calls(fake):
    """Rows of one turn of the loop go together."""
    async with (
        AsyncClient(fake.address, timeout=PATIENT_S) as client,
        AsyncCoalescer(client, "churn") as scorer,
    ):
        answers = await asyncio.gather(*(scorer.score({"tenure": at}) for at in range(50)))
    assert [one.score for one in answers] == pytest.approx([at / 100 for at in range(50)])
    assert fake.calls == 1


async def test_rows_one_after_the_other(fake):
    """A row that comes the moment after an answer is sent, too."""
    async with (
        AsyncClient(fake.address, timeout=PATIENT_S) as client,
        AsyncCoalescer(client, "churn") as scorer,
    ):
        scores = [(await scorer.score({"tenure": at})).score for at in range(5)]
    assert scores == pytest.approx([at / 100 for at in range(5)])
    assert fake.calls == 5


async def test_a_refused_row_is_its_callers_own(fake):
    """The server refuses the call that has it; its neighbours are answered all the same."""
    fault = refuse(invalid_field("tenure", "a number"))
    fake.faults.extend([fault, fault, fault])  # all four, the first two, the first one
    async with (
        AsyncClient(fake.address, timeout=PATIENT_S) as client,
        AsyncCoalescer(client, "churn") as scorer,
    ):
        outcomes = await asyncio.gather(
            *(scorer.score({"tenure": at}) for at in range(4)), return_exceptions=True
        )
    assert [type(one).__name__ for one in outcomes] == ["InvalidArgument", "Row", "Row", "Row"]


async def test_a_failure_of_the_server_is_everybodys(fake):
    """After the retries of the client."""
    fake.faults.extend([refuse(fake_server.DRAINING)] * 3)
    async with (
        AsyncClient(fake.address, timeout=PATIENT_S) as client,
        AsyncCoalescer(client, "churn") as scorer,
    ):
        outcomes = await asyncio.gather(
            *(scorer.score({"tenure": at}) for at in range(3)), return_exceptions=True
        )
    assert all(isinstance(one, StubtailError) for one in outcomes)
    assert fake.calls == 3


async def test_deadlines_and_cancellation_are_of_each_caller(fake):
    """One is late, one gives up, one is answered."""
    fake.hold.clear()
    async with (
        AsyncClient(fake.address, timeout=PATIENT_S) as client,
        AsyncCoalescer(client, "churn") as scorer,
    ):
        late = asyncio.create_task(scorer.score({"tenure": 1}, timeout=0.05))
        gone = asyncio.create_task(scorer.score({"tenure": 2}))
        stays = asyncio.create_task(scorer.score({"tenure": 3}))
        with pytest.raises(DeadlineExceeded):
            await late
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        fake.hold.set()
        assert (await stays).score == pytest.approx(0.03)
    assert fake.calls == 1


async def test_a_call_without_callers_is_cancelled(fake):
    """The server sees its end."""
    ended = threading.Event()
    fake.hold.clear()
    fake.faults.append(lambda context: context.add_callback(ended.set) and None)
    async with (
        AsyncClient(fake.address, timeout=PATIENT_S) as client,
        AsyncCoalescer(client, "churn") as scorer,
    ):
        task = asyncio.create_task(scorer.score({"tenure": 1}))
        await asyncio.to_thread(until, lambda: fake.calls == 1)
        task.cancel()
        assert await asyncio.to_thread(ended.wait, PATIENT_S)


async def test_rows_that_cannot_be_joined_cost_their_neighbours_nothing(fake):
    """Arrays of kinds that have no common one are sent apart, and each caller hears its own."""
    good, bad = np.array([1.0, 2.0, 3.0]), np.array(["2020-01-01"] * 3, dtype="datetime64[D]")
    async with AsyncClient(fake.address) as client, AsyncCoalescer(client, "churn") as scorer:
        told = await asyncio.gather(
            *(scorer.score(row) for row in (good, bad, good)), return_exceptions=True
        )

    assert isinstance(told[1], InvalidArgument)
    assert [type(one).__name__ for one in told] == ["Row", "InvalidArgument", "Row"]
