"""Shutting down under load: what was accepted is answered, the rest is told where it stands."""

import asyncio
import json
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from stubtail.oip import inference_pb2
from stubtail.standard import health_pb2
from tests.load import INFER, Load, Oracle, connect, reason_of, request_bytes
from tests.server_process import ServerProcess
from tests.system.conftest import StartServer

STREAM = "/inference.GRPCInferenceService/ModelStreamInfer"
READY = "/inference.GRPCInferenceService/ServerReady"
CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"
OK = ("OK", "")
DRAINING = ("UNAVAILABLE", "DRAINING")
CLOSED = ("UNAVAILABLE", "")
EXIT_S = 10.0  # on a busy machine; alone it takes 0.3 s
ONE_ROW = np.array([[1.0, 2.0, 3.0]], np.float32)


def serve_two(serve: StartServer, models: Path, transport: str) -> list[ServerProcess]:
    """Two servers that start at the same time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda _: serve(models, transport), range(2)))


async def exit_code(server: ServerProcess, timeout_s: float = EXIT_S) -> int:
    """Waits for the end of a server."""
    assert server.process is not None
    return await asyncio.to_thread(server.process.wait, timeout_s)


async def drain(server: ServerProcess, load: Load, number: signal.Signals) -> None:
    """Signals a server under load, waits, and checks that nothing that it accepted was lost."""
    assert server.process is not None
    server.process.send_signal(number)
    assert await exit_code(server) == 0, server.output
    await load.stop()
    assert_nothing_lost(server, load)


def assert_nothing_lost(server: ServerProcess, load: Load) -> None:
    """The callers have every answer that the server gave; all else is refused and says so.

    A caller that was too slow to ask within the server's last second finds its connection closed:
    UNAVAILABLE without a reason, for a call that the server has not seen.
    """
    ends = load.history.check()
    assert set(ends) <= {OK, DRAINING, CLOSED}, ends
    server.wait_for_output('"event": "stopped"')
    stopped = next(line for line in server.lines if '"event": "stopped"' in line)
    assert json.loads(stopped)["calls_answered"] == ends[OK], ends
    assert ends[DRAINING] > ends[CLOSED], ends
    refused = [final for final in load.history.finals if final.reason]
    assert all(final.retry_ms for final in refused), "when to try again"
    assert {final.message for final in refused} == {"the server is shutting down; call another one"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_accepted_calls_are_answered_and_others_refused(
    serve: StartServer, transport: str, models: Path, oracle: Oracle, number: signal.Signals
) -> None:
    """SIGTERM and Ctrl-C alike: accepted calls get answers, later ones DRAINING, exit 0."""
    server = serve(models, transport)
    async with Load([server.address], oracle) as load:
        await load.until(300)
        await drain(server, load, number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_slow_calls_in_flight_finish(
    serve: StartServer, transport: str, slow_models: Path, slow_oracle: Oracle, number: Any
) -> None:
    """Calls that run or wait in the pool are answered too, though each run takes 50 ms and more."""
    server = serve(slow_models, transport)
    load = Load([server.address], slow_oracle, model="slow", streams=2)
    async with load:
        await load.until(8)
        await drain(server, load, number)


@pytest.mark.parametrize(
    "seed", [0, 3, 9, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(10, 20))]
)
async def test_no_reply_is_lost_in_many_drains(
    serve: StartServer, models: Path, oracle: Oracle, seed: int
) -> None:
    """The native front drops what it has not sent when it closes: nothing may be left by then.

    Two servers at a time, stopped at other moments of the load; `make soak` does so more often.
    """
    servers = serve_two(serve, models, "native")
    loads = [Load([server.address], oracle, seed=seed) for server in servers]
    async with loads[0], loads[1]:
        await asyncio.gather(*(load.until(100 + 37 * seed) for load in loads))
        await asyncio.gather(
            drain(servers[0], loads[0], signal.SIGTERM), drain(servers[1], loads[1], signal.SIGINT)
        )


async def test_health_says_so_before_calls_are_refused(
    serve: StartServer, transport: str, models: Path, oracle: Oracle
) -> None:
    """With drain.delay_ms balancers can look away first: calls are served until it is over."""
    delay_s = 1.5
    server = serve(models, transport, "--set", f"drain.delay_ms={delay_s * 1e3:.0f}")
    assert server.process is not None
    async with connect(server.address) as channel:
        check, ready = channel.unary_unary(CHECK), channel.unary_unary(READY)
        assert await status(check) == health_pb2.HealthCheckResponse.SERVING
        assert server.http("/readyz")[0] == 200
        async with Load([server.address], oracle) as load:
            await load.until(50)
            server.process.send_signal(signal.SIGTERM)
            signalled_s = time.monotonic()
            while await status(check) == health_pb2.HealthCheckResponse.SERVING:
                assert time.monotonic() < signalled_s + delay_s
            flipped_s = time.monotonic()
            assert await asyncio.to_thread(server.http, "/readyz") == (503, "draining\n")
            assert (await asyncio.to_thread(server.http, "/healthz"))[0] == 200
            reply = inference_pb2.ServerReadyResponse.FromString(await ready(b""))
            assert not reply.ready
            await load.until(50)
            assert time.monotonic() < signalled_s + delay_s, "too busy to tell"
            assert await exit_code(server) == 0
    assert_nothing_lost(server, load)
    first = min(final.ended_s for final in load.history.only(grpc.StatusCode.UNAVAILABLE))
    assert first - signalled_s >= delay_s
    assert flipped_s - signalled_s < delay_s / 2


async def status(check: Any) -> Any:
    """What Health/Check says of the whole server."""
    return health_pb2.HealthCheckResponse.FromString(await check(b"")).status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_at_once(
    serve: StartServer, transport: str, single_models: Path, number: signal.Signals
) -> None:
    """Who asks twice does not want to wait, not even for runs that cannot be interrupted."""
    server = serve(single_models, transport)
    assert server.process is not None
    async with connect(server.address) as channel:
        infer = channel.unary_unary(INFER)
        payload = request_bytes("single", ONE_ROW)
        await infer(payload)
        calls = [asyncio.ensure_future(infer(payload, timeout=30)) for _ in range(100)]
        await asyncio.sleep(0.1)
        server.process.send_signal(number)
        await asyncio.to_thread(server.wait_for_output, '"event": "draining"')
        assert server.process.poll() is None
        begin_s = time.monotonic()
        server.process.send_signal(number)
        assert await exit_code(server) == -number
        assert time.monotonic() - begin_s < 2.0  # the calls need five seconds at least
        await asyncio.gather(*calls, return_exceptions=True)


async def test_the_grace_bounds_the_drain(
    serve: StartServer, transport: str, single_models: Path
) -> None:
    """When it is over, runs in progress end, and calls that still wait are told so."""
    server = serve(
        single_models,
        transport,
        "--set",
        "drain.grace_ms=300",
        "--set",
        "scheduling.pool_threads=1",
    )
    assert server.process is not None
    async with connect(server.address) as channel:
        infer = channel.unary_unary(INFER)
        payload = request_bytes("single", ONE_ROW)
        await infer(payload)
        calls = [asyncio.ensure_future(infer(payload, timeout=30)) for _ in range(100)]
        await asyncio.sleep(0.1)
        assert await drained(server) == 0
        results = await asyncio.gather(*calls, return_exceptions=True)
    codes = Counter(
        result.code() if isinstance(result, grpc.aio.AioRpcError) else "OK" for result in results
    )
    assert set(codes) == {"OK", grpc.StatusCode.UNAVAILABLE}, codes
    refused = [result for result in results if isinstance(result, grpc.aio.AioRpcError)]
    assert len(refused) > 50
    assert {reason_of(error)[0] for error in refused} == {"DRAINING"}


async def test_a_client_with_a_second_server_has_no_failed_call(
    serve: StartServer, transport: str, models: Path, oracle: Oracle
) -> None:
    """Rolling restart of two servers: a client that goes on to the next one loses nothing."""
    servers = serve_two(serve, models, transport)
    port = servers[0].address.rpartition(":")[2]
    addresses = [server.address for server in servers]
    # With pauses: the new server starts beside the load, on the same cores.
    load = Load(addresses, oracle, retry=True, leave_on_drain=False, pause_s=0.01)
    async with load:
        await load.until(100)
        assert await drained(servers[0]) == 0
        await load.until(50)
        await asyncio.to_thread(serve, models, transport, "--port", port)
        assert await drained(servers[1]) == 0
        await load.until(50)
        await load.stop()
    ends = load.history.check()
    assert set(ends) == {OK}, ends
    assert max(final.attempts for final in load.history.finals) > 1


async def test_open_streams_do_not_hold_up_the_drain(
    serve: StartServer, transport: str, models: Path
) -> None:
    """Watchers see NOT_SERVING and a normal end; streams end with a status that tells why."""
    server = serve(models, transport)
    async with connect(server.address) as channel:
        watch = channel.unary_stream(WATCH)(b"")
        statuses = asyncio.ensure_future(watched(watch))
        silent = channel.stream_stream(STREAM)()
        await silent.write(request_bytes("affine", ONE_ROW))
        await silent.read()
        busy = channel.stream_stream(STREAM)()
        told = asyncio.ensure_future(ask_on(busy))
        await asyncio.sleep(0.2)
        assert await drained(server) == 0
        response = health_pb2.HealthCheckResponse
        assert await statuses == [response.SERVING, response.NOT_SERVING]
        assert await watch.code() is grpc.StatusCode.OK
        assert await told <= {"", "the server is shutting down; call another one"}
        assert await silent.code() is grpc.StatusCode.UNAVAILABLE
        assert await silent.details() == "the server is shutting down; call another one"
        # grpc.aio calls it an error of its own core when a write meets the end of the stream.
        ends = (await busy.code(), await busy.details())
        assert ends in {
            (grpc.StatusCode.UNAVAILABLE, "the server is shutting down; call another one"),
            (grpc.StatusCode.INTERNAL, "Internal error from Core"),
        }


async def drained(server: ServerProcess) -> int:
    """The exit code after SIGTERM."""
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    return await exit_code(server)


async def watched(watch: Any) -> list[int]:
    """All statuses that a watcher sees."""
    return [health_pb2.HealthCheckResponse.FromString(reply).status async for reply in watch]


async def ask_on(stream: Any) -> set[str]:
    """Asks on a stream until it ends; returns the messages of its errors, "" for an answer."""
    told: set[str] = set()
    try:
        while True:
            await stream.write(request_bytes("affine", ONE_ROW))
            reply = await stream.read()
            if reply is grpc.aio.EOF:
                return told
            told.add(inference_pb2.ModelStreamInferResponse.FromString(reply).error_message)
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        return told
