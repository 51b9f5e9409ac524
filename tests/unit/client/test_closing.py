"""What becomes of calls that wait or stream while their client is closed."""

import asyncio

import grpc
import pytest

from stubtail_client import AsyncClient, Cancelled

ROW = {"tenure": 75, "contract": "One year", "charges": 70.5}
PATIENT_S = 30.0


def much_later(context: grpc.ServicerContext) -> None:
    """Refuses, and says to come back long after the test has failed."""
    context.set_trailing_metadata((("grpc-retry-pushback-ms", "200000"),))
    context.abort(grpc.StatusCode.UNAVAILABLE, "not now")


@pytest.mark.parametrize("options", [{}, {"hedge_after": 150.0}])
async def test_who_waits_for_another_attempt_hears_it_at_once(fake, make_client, options):
    """No attempt would be made of a client that is closed."""
    client = make_client(fake.address, timeout=300.0, **options)
    fake.faults.append(much_later)
    waits = asyncio.ensure_future(client.score("churn", ROW))
    while not fake.calls:  # noqa: ASYNC110 - of another thread
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)  # the refusal arrives; where it is later, the call is under way

    await client.close()

    with pytest.raises(Cancelled, match="closed"):
        await asyncio.wait_for(waits, PATIENT_S)


class Silent(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpcio has no types
    """Streams that never answer."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    def service(self, handler_call_details):
        """The handler of a method."""

        async def hang(request, context):
            self.begun.set()
            await asyncio.Event().wait()
            yield b""

        if handler_call_details.method.endswith("Watch"):
            return grpc.stream_stream_rpc_method_handler(hang)
        return grpc.unary_stream_rpc_method_handler(hang)


async def chats(client: AsyncClient) -> None:
    """Reads an answer as it is written."""
    async for _ in client.chat_stream("m", "hi"):
        pass


async def watches(client: AsyncClient) -> None:
    """Sends points and waits for the verdicts."""
    async with client.watch() as stream:
        await stream.send("a", [1.0])


@pytest.mark.parametrize("streams", [chats, watches])
async def test_a_stream_of_a_closed_client_ends_with_its_error(streams):
    """Nobody cancelled the task: a bare CancelledError would end it, and its group, in silence."""
    silent, server = Silent(), grpc.aio.server()
    server.add_generic_rpc_handlers((silent,))
    client = AsyncClient(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
    await server.start()
    reads = asyncio.ensure_future(streams(client))
    await asyncio.wait_for(silent.begun.wait(), PATIENT_S)

    await client.aclose()

    with pytest.raises(Cancelled, match="closed"):
        await asyncio.wait_for(reads, PATIENT_S)
    await server.stop(0)
