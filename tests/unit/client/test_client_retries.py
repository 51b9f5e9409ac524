"""Pins retries and hedges over a real connection; each test runs with both clients."""

import asyncio
import threading
import time

import grpc
import numpy as np
import pytest

from stubtail.errors import CallError, Code
from stubtail_client import NotFound, Overloaded, Unavailable
from tests.unit.client import fake_server
from tests.unit.client.fake_server import refuse

ROW = {"tenure": 75, "contract": "One year", "charges": 70.5}
PATIENT_S = 60.0


def without_pushback(error: CallError):
    """The refusal of the native transport, which cannot send the key of gRPC."""

    def fault(context: grpc.ServicerContext) -> None:
        kept = [one for one in error.trailing_metadata if not one[0].startswith("grpc-retry")]
        context.set_trailing_metadata(kept)
        codes = {status.value[0]: status for status in grpc.StatusCode}
        context.abort(codes[int(error.code)], error.message)

    return fault


async def test_retry_info_alone_is_waited_for(fake, make_client):
    """It says what the pushback says."""
    client = make_client(fake.address, timeout=PATIENT_S)
    later = CallError(Code.RESOURCE_EXHAUSTED, "QUEUE_FULL", "full", retry_after_s=0.2)
    fake.faults.append(without_pushback(later))
    began = time.monotonic()

    await client.score("churn", ROW)

    assert fake.calls == 2
    assert time.monotonic() - began >= 0.2


async def test_a_retry_after_the_deadline_is_not_waited_for(fake, make_client):
    """The caller hears at once what is wrong."""
    client = make_client(fake.address, timeout=PATIENT_S)
    fake.faults.append(refuse(CallError(Code.UNAVAILABLE, "X", "later", retry_after_s=3600.0)))
    began = time.monotonic()

    with pytest.raises(Unavailable) as caught:
        await client.score("churn", ROW)

    assert fake.calls == 1
    assert caught.value.retry_after_s == 3600.0
    assert time.monotonic() - began < PATIENT_S / 2


async def test_overload_without_a_time_is_not_retried(fake, make_client):
    """Who names no time is not asked again."""
    client = make_client(fake.address, timeout=PATIENT_S)
    fake.faults.append(refuse(CallError(Code.RESOURCE_EXHAUSTED, "QUEUE_FULL", "full")))

    with pytest.raises(Overloaded):
        await client.score("churn", ROW)

    assert fake.calls == 1


async def test_a_part_that_is_refused_for_now_is_sent_again(fake, make_client):
    """Not the whole input, and the answers keep their order."""
    fake.faults.extend([None, refuse(fake_server.DRAINING), None, refuse(fake_server.DRAINING)])
    client = make_client(fake.address, timeout=PATIENT_S, part_bytes_max=8192, connections=2)
    values = np.zeros((3000, 3), np.float32)
    values[:, 0] = np.arange(3000) % 100

    scores = await client.score("churn", values)

    assert np.array_equal(scores.scores, values[:, 0] / 100)
    assert fake.calls == 6 + 2


async def test_the_second_copy_of_a_late_call_answers(fake, make_client):
    """The first is cancelled, and its server hears so."""
    ended = threading.Event()
    cancelled = threading.Event()

    def hang(context):
        context.add_callback(cancelled.set)
        ended.wait(PATIENT_S)

    client = make_client(fake.address, timeout=PATIENT_S, hedge_after=0.05, connections=2)
    fake.faults.append(hang)

    scores = await client.score("churn", ROW)

    assert scores.scores.tolist() == [0.75]
    assert fake.calls == 2
    assert await asyncio.to_thread(cancelled.wait, PATIENT_S)
    ended.set()


async def test_a_hedged_call_is_retried_and_refused_as_any(fake, make_client):
    """Hedging changes how long a call takes, and nothing else."""
    client = make_client(fake.address, timeout=PATIENT_S, hedge_after=30.0)
    fake.faults.extend([refuse(fake_server.DRAINING)] * 2)

    assert len(await client.score("churn", ROW)) == 1
    assert fake.calls == 3
    with pytest.raises(NotFound):
        await client.score("chrun", ROW)


async def test_a_reply_above_the_limit_is_refused_once(fake, make_client):
    """And not asked for again."""
    client = make_client(fake.address, timeout=PATIENT_S, message_bytes_max=4096)
    fake.raw_reply = bytes(10_000)

    with pytest.raises(Overloaded):
        await client.score("churn", ROW)

    assert fake.calls == 1
