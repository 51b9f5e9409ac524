"""The streams of Watch: what leaves the event loop, how long one is silent, how much it may ask."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from stubtail.access.identity import CALL, Identity, Permit, Realm
from stubtail.access.scopes import Grants
from stubtail.access.tenants import Account, TenantRules
from stubtail.endpoints import watch, watch_replies
from stubtail.endpoints.watch import WatchLimits, WatchPoints
from stubtail.errors import CallError, Code
from stubtail.v1 import anomaly_pb2 as pb

KEYS = [f"key {at}" for at in range(3000)]


def request(**body: object) -> bytes:
    """One message."""
    return pb.WatchRequest(**body).SerializeToString()  # type: ignore[arg-type]  # one of its fields


def streams(silent_s: float = 100.0) -> WatchPoints:
    """With room for everything here."""
    return WatchPoints(WatchLimits(2, 10_000, 10_000_000, 4096, 1e6, silent_s), lambda: 0.0)


def test_an_export_is_made_in_pieces_off_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are answered meanwhile; all keys come, and the stream goes on."""
    threads: list[int] = []
    made = watch_replies.state_replies

    def noted(*arguments: object) -> Iterator[bytes]:
        for piece in made(*arguments):  # type: ignore[arg-type]  # passed on as they come
            threads.append(threading.get_ident())
            yield piece

    monkeypatch.setattr(watch, "state_replies", noted)
    points = pb.WatchPoints(keys=KEYS, values=np.arange(3000.0))
    after = pb.WatchPoints(keys=["key 1"], values=[1.0], sequence=7)

    async def requests() -> AsyncIterator[bytes]:
        yield request(options=pb.WatchOptions(season_length=200))
        yield request(points=points)
        yield request(export=pb.WatchExport())
        yield request(points=after)

    async def talk() -> list[pb.WatchResponse]:
        return [pb.WatchResponse.FromString(one) async for one in streams().stream(requests())]

    found = asyncio.run(talk())
    states = [one.state for one in found[1:-1]]
    assert len(states) > 3
    assert [key for state in states for key in state.keys] == KEYS
    assert [state.last for state in states] == [False] * (len(states) - 1) + [True]
    assert found[-1].verdicts.sequence == 7
    assert len(threads) == len(states)
    assert threading.get_ident() not in threads


def test_a_stream_that_sends_nothing_is_ended() -> None:
    """It would hold its keys and its place for ever; another one gets the place."""

    async def requests() -> AsyncIterator[bytes]:
        yield request(points=pb.WatchPoints(keys=["a"], values=[1.0]))
        await asyncio.Event().wait()

    async def talk() -> None:
        offered = streams(silent_s=0.01)
        for _ in range(3):
            replies = offered.stream(requests())
            assert await anext(replies)
            with pytest.raises(CallError, match="watch_silent_s") as caught:
                await anext(replies)
            assert caught.value.code is Code.DEADLINE_EXCEEDED

    asyncio.run(talk())


def permit_of(tenant: str, rules: TenantRules) -> Permit:
    """What a caller of this tenant may do."""
    realm = Realm(tenant, Grants(()), bool, bool)
    return Permit(Identity("key:web", tenant, realm, Account(tenant, 0, rules)), "detect")


def test_a_tenant_has_its_share_of_the_streams() -> None:
    """And gets the place of one that has ended; what it holds keeps nobody else out."""
    acme, rival = (permit_of(name, TenantRules(queue_share=0.5)) for name in ("acme", "rival"))

    async def requests() -> AsyncIterator[bytes]:
        yield request(points=pb.WatchPoints(keys=["a"], values=[1.0]))

    async def talk() -> None:
        offered = streams()
        CALL.set(acme)
        for _ in range(2):
            first = offered.stream(requests())
            assert await anext(first)
            with pytest.raises(CallError, match="has its share") as caught:
                await anext(offered.stream(requests()))
            assert (caught.value.code, caught.value.reason) == (
                Code.RESOURCE_EXHAUSTED,
                "QUOTA_CONCURRENCY",
            )
            assert await anext(first, None) is None
        CALL.set(rival)
        assert await anext(offered.stream(requests()))

    asyncio.run(talk())


def test_messages_beyond_the_quota_wait() -> None:
    """Or a stream would be the way around it; none is lost, and neither is the stream."""
    permit = permit_of("acme", TenantRules(calls_per_s=50.0, burst=1))
    offered = WatchPoints(WatchLimits(2, 10, 100, 16, 1e6), time.monotonic)

    async def requests() -> AsyncIterator[bytes]:
        for sequence in range(6):
            points = pb.WatchPoints(keys=["a"], values=[1.0], sequence=sequence)
            yield request(points=points)

    async def talk() -> list[int]:
        CALL.set(permit)
        permit.count(time.monotonic())  # as the transport does for the call
        replies = [pb.WatchResponse.FromString(one) async for one in offered.stream(requests())]
        return [reply.verdicts.sequence for reply in replies]

    began_s = time.monotonic()
    assert asyncio.run(talk()) == list(range(6))
    assert time.monotonic() - began_s >= 5 / 50 - 0.01
