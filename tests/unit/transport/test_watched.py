"""Calls go on for as long as their callers may, on both transports."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from stubtail.access.callers import Caller
from stubtail.access.identity import Permit, current_permit
from stubtail.access.keys import KeyRing
from stubtail.access.scopes import grants_of
from stubtail.endpoints.method import ServerStream
from stubtail.errors import CallError, draining
from stubtail.transport.watched import Watched
from tests.unit.access.test_guard import KEYS, MADE, SCORE, Times, guard_of


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every millisecond instead of every ten seconds."""
    monkeypatch.setattr("stubtail.transport.watched.LOOK_AGAIN_S", 0.001)
    Times.unix_s = time.time()


def permit() -> Permit:
    """What the key "web" may do; it has no end within a test."""
    return guard_of().admit(KEYS["web"], SCORE, 0.0)


async def test_what_may_go_on_ends_by_itself() -> None:
    """With its result, or with its own error, a time-out among them."""
    mine = permit()

    async def work(ask: Callable[[float], Permit] | None, error: type[Exception] | None) -> str:
        async with Watched(mine, ask, lambda: 0.0):
            await asyncio.sleep(0.01)
            if error is not None:
                raise error
            return "done"

    for ask in (None, lambda _: mine):
        assert await work(ask, None) == "done"
        for error in (TimeoutError, ZeroDivisionError):
            with pytest.raises(error):
                await work(ask, error)


async def test_a_look_that_cannot_be_made_ends_nothing() -> None:
    """Such as while the issuer of a token is not there: the next one may tell."""
    looks: list[float] = []

    def ask(now: float) -> Permit:
        looks.append(now)
        raise draining()

    async with asyncio.timeout(30), Watched(permit(), ask, lambda: 7.0):
        while len(looks) < 3:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
    assert set(looks) == {7.0}


async def test_a_stream_of_the_native_front_ends_when_its_key_is_withdrawn() -> None:
    """And follows what is left of its scopes until then; other calls keep theirs."""
    pytest.importorskip("pygrpc_native")
    from stubtail.transport.native_calls import NativeCalls

    guard, permits, ends = guard_of(), list[Permit](), list[str]()

    async def watch(_: bytes) -> AsyncGenerator[bytes, None]:
        permits.append(current_permit())
        await asyncio.Future()
        yield b""

    def fail(_: int, error: CallError) -> None:
        ends.append(error.reason)

    calls = NativeCalls([ServerStream(SCORE, watch, direct=True)], fail, lambda: 0.0, guard)
    front: Any = object()
    calls.start(front)
    shared = guard.admit(KEYS["acme"], SCORE, 0.0)
    metadata = (("authorization", KEYS["acme"]),)
    calls.begin(1, 0, b"", shared, (metadata, "peer", None))

    def keys(*scopes: str) -> KeyRing[Caller]:
        return KeyRing([(Caller("key:acme", "acme", grants_of(scopes)), [MADE["acme"][1]], 1e12)])

    async with asyncio.timeout(30):
        while not permits:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
        guard.replace_keys(keys("stubtail:predict:churn*"))
        while permits[0].allows("ltv"):  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0)
        assert permits[0].allows("churn")
        assert shared.allows("ltv")
        assert not ends
        guard.replace_keys(keys())
        while calls.in_flight:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0)
    assert ends == ["SCOPE_MISSING"]
