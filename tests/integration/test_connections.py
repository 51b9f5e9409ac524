"""Many connections and many threads: each caller gets the answer to its own rows."""

import asyncio
import socket
import threading
from typing import Any

import grpc
import numpy as np
import pytest

from stubtail.oip import inference_pb2
from stubtail.v1 import scoring_pb2
from tests.integration.calls import (
    INFER,
    SCORE,
    TIMEOUT_S,
    dense,
    infer,
    infer_request,
    named,
    outputs,
    score,
    unary,
)
from tests.integration.conftest import assert_answers
from tests.integration.customers import Customers
from tests.server_process import ServerProcess

CONNECTIONS = 1000
THREADS, CALLS = 16, 300


def test_a_thousand_connections_with_a_call_in_flight_each(
    odd_server: ServerProcess, odd: grpc.Channel, plug_row: np.ndarray
) -> None:
    """They wait at once behind a long run, each on a connection of its own; all are answered."""

    async def call_all() -> list[bytes]:
        options = [("grpc.use_local_subchannel_pool", 1)]
        channels: list[Any] = [
            grpc.aio.insecure_channel(odd_server.address, options) for _ in range(CONNECTIONS)
        ]
        try:
            for first in range(0, CONNECTIONS, 100):  # the backlog of a listener is finite
                some = channels[first : first + 100]
                await asyncio.gather(*(channel.channel_ready() for channel in some))
            plug = infer_request("patient_solo", x=plug_row).SerializeToString()
            running = asyncio.ensure_future(channels[0].unary_unary(INFER)(plug, timeout=60))
            await asyncio.sleep(0.02)
            calls = []
            for index, channel in enumerate(channels):
                row = np.array([[0, index, -index]], np.float32)
                request = infer_request("patient", x=row).SerializeToString()
                calls.append(channel.unary_unary(INFER)(request, timeout=60))
            replies: list[bytes] = await asyncio.gather(*calls)
            await running
        finally:
            await asyncio.gather(*(channel.close() for channel in channels))
        return replies

    replies = asyncio.run(call_all())

    for index, reply in enumerate(replies):
        answer = outputs(inference_pb2.ModelInferResponse.FromString(reply))["y"]
        np.testing.assert_array_equal(answer, [[0, index, -index]])


def test_connections_that_come_and_go_leave_nothing(server: ServerProcess) -> None:
    """Silent, half-open and broken connections do not keep others from being served."""
    host, _, port = server.address.rpartition(":")
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    sockets = []
    for data in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", preface, preface + b"\0" * 30, b"\xff"):
        for _ in range(20):
            connection = socket.create_connection((host, int(port)), timeout=5)
            sockets.append(connection)
            connection.sendall(data)
    with grpc.insecure_channel(server.address) as channel:
        assert_answers(channel)
        for connection in sockets:
            connection.close()
        assert_answers(channel)


def test_every_thread_gets_the_answers_to_its_own_rows(
    channel: grpc.Channel, customers: Customers
) -> None:
    """16 threads mix dense, named and OIP calls on one connection; each row is unlike any other."""
    rows = customers.rows(THREADS * CALLS, seed=21)
    expected = customers.scores(rows)
    assert len(np.unique(expected)) > THREADS * CALLS // 10, "answers must tell rows apart"
    wrong: list[str] = []
    barrier = threading.Barrier(THREADS)

    def work(thread: int) -> None:
        barrier.wait()
        for index in range(thread * CALLS, (thread + 1) * CALLS):
            row = rows[index : index + 1]
            kind = index % 3
            if kind == 0:
                got = score(channel, dense("churn", row)).scores[0]
            elif kind == 1:
                got = score(channel, named("churn", customers.columns(row))).scores[0]
            else:
                request = infer_request("churn", {customers.input: row})
                got = infer(channel, request)["score"].ravel()[0]
            if abs(got - expected[index]) > 1e-6:
                wrong.append(f"row {index}: {got} instead of {expected[index]}")

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
        assert not thread.is_alive(), "a call was never answered"
    assert not wrong, wrong[:5]


@pytest.mark.parametrize("path", [SCORE, INFER])
def test_a_burst_on_one_connection_is_answered_in_full(channel: grpc.Channel, path: str) -> None:
    """More calls at once than a connection may have open: the rest follows, none is lost."""
    count = 1500
    method = unary(channel, path)
    waiting = []
    for index in range(count):
        row = np.array([[index, -index, 0.5]], np.float32)
        request = dense("affine", row) if path == SCORE else infer_request("affine", x=row)
        waiting.append(method.future(request.SerializeToString(), timeout=TIMEOUT_S))
    for index, future in enumerate(waiting):
        reply = future.result()
        if path == SCORE:
            got = list(scoring_pb2.ScoreResponse.FromString(reply).probabilities)
        else:
            answer = inference_pb2.ModelInferResponse.FromString(reply)
            got = outputs(answer)["y"].ravel().tolist()
        assert got == [index * 2 + 1, -index * 2 + 1, 2]
