"""The guard of the grpcio transport, where a real call does not get to: full logs, ends of time."""

import asyncio
import gc
import time
import weakref
from dataclasses import replace
from typing import Any

import pytest

from stubtail.access.callers import Caller
from stubtail.access.identity import ABOUT, Permit, current_permit, note_model
from stubtail.access.keys import KeyRing
from stubtail.access.scopes import grants_of
from stubtail.access.tenants import TenantRules
from stubtail.errors import CallError, draining
from stubtail.transport.authorization import Authorization
from tests.unit.access.test_guard import KEYS, LOAD, MADE, Noted, Times, guard_of

SCORE = "/stubtail.v1.ScoringService/Score"


class Context:
    """A call without a certificate."""

    def auth_context(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def peer(self) -> str:
        """Where it comes from."""
        return "ipv4:10.0.0.1:1"


class Listening(Noted):
    """An audit log that is full, or not."""

    def __init__(self, *, has_room: bool) -> None:
        super().__init__()
        self.has_room = has_room
        self.acts: list[tuple[Any, ...]] = []

    def act(self, *what: Any) -> None:
        """What was done."""
        self.acts.append(what)


def authorization_of(guard: Any) -> tuple[Authorization, list[CallError]]:
    """The guard before methods, and how it ended calls."""
    ends: list[CallError] = []

    async def abort(_: Any, error: CallError) -> None:
        ends.append(error)

    return Authorization(guard, abort, lambda *_: None), ends


def hear(authorization: Authorization, path: str, name: str) -> None:
    """A call comes."""
    authorization.hear(path, (("authorization", KEYS[name]),))


@pytest.mark.parametrize("has_room", [True, False])
async def test_what_cannot_be_noted_is_not_done(has_room: bool) -> None:
    """An act is refused while the log is full, and noted with its models while it is not."""
    Times.unix_s = time.time()
    guard = guard_of()
    guard.audit = log = Listening(has_room=has_room)
    authorization, ends = authorization_of(guard)
    done: list[bytes] = []

    async def load(payload: bytes, _: Any) -> bytes:
        note_model("churn@2")
        done.append(payload)
        return b"loaded"

    hear(authorization, LOAD, "ops")
    guarded = authorization.guarded(LOAD, load, streams=False, counted=True)
    reply = await guarded(b"request", Context())
    if has_room:
        assert (reply, done, ends) == (b"loaded", [b"request"], [])
        ((path, identity, peer, _, models, error),) = log.acts
        assert (path, identity.caller, peer) == (LOAD, "key:ops", "ipv4:10.0.0.1:1")
        assert (models, error) == (["churn@2"], None)
    else:
        assert (done, log.acts) == ([], [])
        assert [error.reason for error in ends] == ["AUDIT_BLOCKED"]
    ABOUT.set(None)


async def test_an_act_is_noted_as_its_call_ends() -> None:
    """Of one whose caller hung up nobody knows what became of it: it is not noted as done."""
    Times.unix_s = time.time()
    guard = guard_of()
    guard.audit = log = Listening(has_room=True)
    authorization, ends = authorization_of(guard)
    begun = asyncio.Event()

    async def load(payload: bytes, context: Any) -> bytes:
        note_model("churn")
        begun.set()
        if payload == b"told":
            authorization.note(draining(), context)
            raise RuntimeError("what grpc.aio ends calls with")
        if payload == b"refused":
            raise draining()
        if payload == b"defect":
            raise RuntimeError("a defect")
        return await asyncio.Future()

    guarded = authorization.guarded(LOAD, load, streams=False, counted=True)
    for payload in (b"told", b"defect", b"refused", b"left"):
        hear(authorization, LOAD, "ops")
        begun.clear()
        task = asyncio.create_task(guarded(payload, Context()))
        await begun.wait()
        if payload == b"left":
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    outcomes = [(error.code.name, error.reason) for *_, error in log.acts]
    refused = ("UNAVAILABLE", "DRAINING")
    assert outcomes == [refused, ("INTERNAL", "SERVER_DEFECT"), refused, ("CANCELLED", "")]
    assert [error.reason for error in ends] == ["DRAINING"]
    assert all(models == ["churn"] for *_, models, _ in log.acts)


async def test_a_stream_ends_with_its_credential() -> None:
    """However long it would go on."""
    Times.unix_s = 1_999.95  # the key of "old" ends at 2,000
    authorization, ends = authorization_of(guard_of())
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def watch(_: Any, __: Any) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    path = "/inference.GRPCInferenceService/ModelStreamInfer"
    hear(authorization, path, "old")
    await authorization.guarded(path, watch, streams=True, counted=True)(b"", Context())
    assert begun.is_set()
    assert cancelled.is_set()
    assert [error.reason for error in ends] == ["CREDENTIAL_EXPIRED"]


async def test_a_stream_ends_when_its_key_is_withdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the key itself has no end; one whose key stays goes on, with what it may do now."""
    monkeypatch.setattr("stubtail.transport.watched.LOOK_AGAIN_S", 0.001)
    Times.unix_s = time.time()
    guard = guard_of()
    authorization, ends = authorization_of(guard)

    async def watch(_: Any, __: Any) -> None:
        permits.append(current_permit())
        await asyncio.Future()

    path = "/inference.GRPCInferenceService/ModelStreamInfer"
    tasks = {}
    permits: list[Permit] = []
    for name in ("web", "acme"):
        hear(authorization, path, name)
        guarded = authorization.guarded(path, watch, streams=True, counted=True)
        tasks[name] = asyncio.create_task(guarded(b"", Context()))
    await asyncio.sleep(0)
    assert len(permits) == 2
    caller = Caller("key:acme", "acme", grants_of(["stubtail:predict"]))
    guard.replace_keys(KeyRing([(caller, [MADE["acme"][1]], 1e12)]))
    await tasks["web"]
    assert [error.reason for error in ends] == ["CREDENTIAL_INVALID"]
    assert not tasks["acme"].done()
    narrow = replace(caller, grants=grants_of(["stubtail:predict:churn*"]))
    guard.replace_keys(KeyRing([(narrow, [MADE["acme"][1]], 1e12)]))
    async with asyncio.timeout(30):
        while permits[1].allows("ltv"):  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
    assert permits[1].allows("churn-2")
    assert not tasks["acme"].done()
    guard.replace_keys(KeyRing([(replace(caller, grants=grants_of(())), [MADE["acme"][1]], 1e12)]))
    await tasks["acme"]
    assert ends[1].reason == "SCOPE_MISSING"


@pytest.mark.parametrize("how", ["ended", "failed", "cancelled"])
async def test_nothing_of_a_stream_stays_when_it_is_over(how: str) -> None:
    """Its call is freed at once: collections of what streams leave behind are rare in a server."""
    Times.unix_s = time.time()
    authorization, ends = authorization_of(guard_of())
    begun = asyncio.Event()

    # Not alone: what a timer has that was given up stays until those before it are due.
    asyncio.get_running_loop().call_later(5.0, lambda: None)

    async def watch(_: Any, __: Any) -> None:
        begun.set()
        await asyncio.sleep(60 if how == "cancelled" else 0)
        if how == "failed":
            raise draining()

    path = "/inference.GRPCInferenceService/ModelStreamInfer"
    hear(authorization, path, "web")
    guarded = authorization.guarded(path, watch, streams=True, counted=True)
    context = Context()
    ended = weakref.ref(context)
    gc.disable()
    try:
        task = asyncio.create_task(guarded(b"", context))
        del context
        await begun.wait()
        if how == "cancelled":
            task.cancel()
        await asyncio.wait([task])
        for error in ends:
            error.forget()  # as whoever ends a call does
        del task
        await asyncio.sleep(0)
        assert ended() is None
    finally:
        gc.enable()
    assert len(ends) == (how == "failed")


async def test_calls_at_work_are_counted_and_bounded() -> None:
    """Whatever becomes of them; those of the lane are counted there."""
    Times.unix_s = time.time()
    guard = guard_of(other=TenantRules(concurrency=2))
    authorization, ends = authorization_of(guard)
    going = asyncio.Event()

    async def wait(_: Any, __: Any) -> bytes:
        await going.wait()
        return b"done"

    guarded = authorization.guarded(SCORE, wait, streams=False, counted=True)
    hear(authorization, SCORE, "other")
    tasks = [asyncio.create_task(guarded(b"", Context())) for _ in range(3)]
    while not ends:  # noqa: ASYNC110 - what it waits for is a list of errors
        await asyncio.sleep(0)
    account = guard.admit(KEYS["other"], SCORE, 0.0).tenant
    assert account is not None
    assert account.calls == 2
    assert [error.reason for error in ends] == ["QUOTA_CONCURRENCY"]
    going.set()
    assert sorted(await asyncio.gather(*tasks), key=str) == [None, b"done", b"done"]
    assert account.calls == 0
