"""Pins retries, deadlines, lost servers and closing; each test runs with both clients."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from stubtail.errors import CallError, Code, invalid_field
from stubtail_client import (
    AsyncClient,
    Cancelled,
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    Overloaded,
    StubtailError,
    Unavailable,
)
from tests.unit.client import fake_server
from tests.unit.client.fake_server import refuse

ROW = {"tenure": 75, "contract": "One year", "charges": 70.5}


async def test_failed_part_says_which_rows(fake, make_client):
    """The error of a part names its rows within the whole input."""
    fake.faults.extend([None, refuse(invalid_field("tenure", "a number"))])
    client = make_client(fake.address, timeout=10.0, part_bytes_max=8192)

    with pytest.raises(InvalidArgument) as caught:
        await client.score("churn", np.zeros((3000, 3), np.float32))

    assert caught.value.metadata["first_row"] == "597"
    assert caught.value.metadata["last_row"] == "1193"


async def test_unavailable_is_retried(fake, client):
    """A server that drains is asked again, within the deadline."""
    fake.faults.extend([refuse(fake_server.DRAINING)] * 2)

    scores = await client.score("churn", ROW)

    assert len(scores) == 1
    assert fake.calls == 3


async def test_attempts_are_bounded(fake, client):
    """After three attempts the error is the caller's."""
    fake.faults.extend([refuse(fake_server.DRAINING)] * 5)

    with pytest.raises(Unavailable) as caught:
        await client.score("churn", ROW)

    assert fake.calls == 3
    assert (caught.value.reason, caught.value.retry_after_s) == ("DRAINING", 0.01)


async def test_overload_is_retried_when_the_server_says(fake, client):
    """RESOURCE_EXHAUSTED with a pushback is sent again after that time."""
    fake.faults.append(refuse(fake_server.QUEUE_FULL))
    began = time.monotonic()

    await client.score("churn", ROW)

    assert fake.calls == 2
    assert time.monotonic() - began >= 0.02


async def test_overload_is_not_retried_when_the_server_says_never(fake, client):
    """A negative pushback ends the call at once."""
    fake.faults.append(refuse(fake_server.NEVER_AGAIN))

    with pytest.raises(Overloaded) as caught:
        await client.score("churn", ROW)

    assert fake.calls == 1
    assert caught.value.retry_after_s is None


@pytest.mark.parametrize("code", [Code.INTERNAL, Code.INVALID_ARGUMENT, Code.DEADLINE_EXCEEDED])
async def test_other_statuses_are_not_retried(fake, client, code):
    """What a retry cannot mend is not sent again."""
    fake.faults.append(refuse(CallError(code, "X", "no")))

    with pytest.raises(StubtailError):
        await client.score("churn", ROW)

    assert fake.calls == 1


async def test_large_parts_are_retried_too(fake, make_client):
    """A message above gRPC's own retry buffer of 256 KiB is kept for a retry."""
    client = make_client(fake.address, timeout=10.0, part_rows_max=300_000)
    fake.faults.append(refuse(fake_server.DRAINING))

    scores = await client.score("churn", np.zeros((300_000, 3), np.float32))

    assert len(scores) == 300_000
    assert fake.calls == 2


async def test_deadline_is_kept(fake, client):
    """A server that does not answer costs the timeout and no more."""
    fake.hold.clear()
    began = time.monotonic()

    with pytest.raises(DeadlineExceeded, match=r"within 0\.2 s"):
        await client.score("churn", ROW, timeout=0.2)

    assert 0.15 < time.monotonic() - began < 1.5


async def test_deadline_covers_all_parts(fake, make_client):
    """The timeout is that of the whole input, not of each part."""
    fake.faults.extend([lambda context: time.sleep(0.1)] * 50)
    client = make_client(fake.address, part_bytes_max=8192)
    began = time.monotonic()

    with pytest.raises(DeadlineExceeded):
        await client.score("churn", np.zeros((30_000, 3), np.float32), timeout=0.4)

    assert time.monotonic() - began < 1.5


async def test_nobody_listens(make_client):
    """A closed port is Unavailable with the address, not a mere timeout."""
    address = f"127.0.0.1:{_free_port()}"
    client = make_client(address, timeout=0.3)

    with pytest.raises(Unavailable, match=address) as caught:
        await client.score("churn", ROW)

    assert caught.value.reason == "CONNECTION_FAILED"


async def test_nobody_listens_and_nobody_waits(make_client):
    """wait_for_ready=False fails as soon as the connection is refused."""
    client = make_client(f"127.0.0.1:{_free_port()}", timeout=20.0, wait_for_ready=False)
    began = time.monotonic()

    with pytest.raises(Unavailable) as caught:
        await client.health()

    assert time.monotonic() - began < 10
    assert caught.value.reason == "CONNECTION_FAILED"


async def test_restart_of_the_server_is_ridden_over(fake, client):
    """A call that begins while the server is away is answered once it is back."""
    await client.score("churn", ROW)
    fake.stop()
    back = threading.Timer(0.3, fake.start)
    back.start()

    scores = await client.score("churn", ROW, timeout=8.0)

    assert len(scores) == 1
    back.join()


async def test_malformed_reply(fake, client):
    """Bytes that are no reply raise Internal, never a protobuf exception."""
    fake.raw_reply = b"\xff\xff\xff"

    with pytest.raises(Internal) as caught:
        await client.score("churn", ROW)

    assert caught.value.reason == "MALFORMED_REPLY"
    with pytest.raises(Internal):
        await client.health()


async def test_closed_client_refuses(fake, client):
    """A call after close says so; close may come twice."""
    await client.score("churn", ROW)
    await client.close()
    await client.close()

    with pytest.raises(Cancelled, match="closed"):
        await client.score("churn", ROW)
    with pytest.raises(Cancelled, match="closed"):
        await client.health()


@pytest.mark.parametrize("rows", [ROW, np.zeros((3000, 3), np.float32)])
async def test_close_ends_calls_under_way(fake, make_client, rows):
    """A call that is under way when its client is closed ends with Cancelled."""
    client = make_client(fake.address, timeout=20.0, part_bytes_max=8192, connections=2)
    await client.score("churn", ROW)
    if len(rows) == 3000:
        fake.faults.extend([None, lambda context: fake.hold.clear()])
    else:
        fake.hold.clear()
    calls = fake.calls
    under_way = asyncio.create_task(client.score("churn", rows))
    async with asyncio.timeout(10):
        while fake.calls == calls or fake.hold.is_set():  # noqa: ASYNC110 - in other threads
            await asyncio.sleep(0.01)

    await client.close()

    with pytest.raises(Cancelled, match="closed"):
        await under_way


async def test_cancelled_task_cancels_the_call(fake):
    """Cancelling a task ends the call on the server, and CancelledError goes on."""
    ended = threading.Event()
    begun = threading.Event()

    def watch(context):
        context.add_callback(ended.set)
        begun.set()

    fake.hold.clear()
    fake.faults.append(watch)
    async with AsyncClient(fake.address, timeout=20.0) as client:
        task = asyncio.create_task(client.score("churn", ROW))
        assert await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await asyncio.to_thread(ended.wait, 5)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_exit_after_an_error_does_not_hang(kind):
    """A script that fails for want of a server, and closes nothing, ends at once."""
    code = (
        "import stubtail_client, asyncio\n"
        + {
            "sync": f"stubtail_client.Client('127.0.0.1:{_free_port()}', timeout=0.1).health()",
            "async": f"asyncio.run(stubtail_client.AsyncClient('127.0.0.1:{_free_port()}', "
            "timeout=0.1).health())",
        }[kind]
    )

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("is the server running?")


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
