"""Calls whose callers go, or do not read: nothing of them stays, as full collections are rare."""

import asyncio
import gc
import sys
import weakref
from collections.abc import Iterator
from math import inf

import pytest

from stubtail.errors import CallError
from stubtail.transport.slow_callers import write_within


class Context:
    """A call whose caller never reads."""

    async def write(self, _: bytes) -> None:
        """For ever."""
        await asyncio.get_running_loop().create_future()


@pytest.fixture
def no_collections() -> Iterator[None]:
    """Whatever stays is seen."""
    gc.disable()
    yield
    gc.enable()


async def test_a_caller_that_takes_nothing_is_told_so() -> None:
    """After its time."""
    with pytest.raises(CallError) as caught:
        await write_within(0.001, Context(), b"x")
    assert caught.value.reason == "ANSWER_TOO_SLOW"


@pytest.mark.usefixtures("no_collections")
async def test_nothing_of_a_call_stays_that_is_cancelled_while_it_writes() -> None:
    """Over grpc.aio."""
    context = Context()
    gone = weakref.ref(context)
    task = asyncio.create_task(write_within(60.0, context, b"x"))
    del context
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    del task
    await asyncio.sleep(0)
    assert gone() is None


@pytest.mark.usefixtures("no_collections")
async def test_nothing_of_a_call_stays_that_the_native_front_takes_back() -> None:
    """Also of one that was to end with its credential."""
    pytest.importorskip("pygrpc_native")
    from tests.unit.transport.test_native_calls import Stage, permit

    stage = Stage()
    payload = bytes(1000)
    held = sys.getrefcount(payload)
    for ends_s in (inf, stage.now_s + 60.0):
        stage.calls.begin(1, 3, payload, permit("ann", ends_s=ends_s))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        stage.calls.cancel(1)
        await stage.rest()
        await asyncio.sleep(0)
        assert stage.ended == [payload]
        stage.ended.clear()
        assert sys.getrefcount(payload) == held
