"""Methods of the event loop on the native front: from its thread to the loop, and back."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from stubtail.access.identity import ANONYMOUS, CALL, Identity, Permit, note_model
from stubtail.access.tenants import Account, TenantRules
from stubtail.endpoints.method import ServerStream, Unary
from stubtail.errors import CallError, Code, draining

pytest.importorskip("pygrpc_native")

from pygrpc_native import STREAM_CLOSED, STREAM_FULL, STREAM_SENT

from stubtail.transport.native_calls import NativeCalls


class Front:
    """Notes what it is told; `full` and `closed` say how the caller reads."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.full = 0
        self.closed = False

    def stream_try_send(self, call: int, payload: bytes) -> int:
        """A message."""
        if self.closed:
            return int(STREAM_CLOSED)
        if self.full:
            self.full -= 1
            return int(STREAM_FULL)
        self.told.append((call, payload))
        return int(STREAM_SENT)

    def stream_end(self, call: int) -> None:
        """The end."""
        self.told.append((call, "end"))

    def stream_send_initial_metadata(self, call: int, metadata: Any) -> bool:
        """The head."""
        self.told.append((call, "head"))
        return True


class Stage:
    """Calls with an echo, a stream of letters, a failure, and one that waits for ever."""

    def __init__(self) -> None:
        self.front = Front()
        self.now_s = 100.0
        self.ended: list[bytes] = []
        self.callers: list[str] = []
        methods: list[Unary | ServerStream] = [
            Unary("/echo", self.echo, direct=True),
            ServerStream("/letters", self.letters, direct=True),
            Unary("/fails", self.fails, direct=True),
            Unary("/waits", self.waits, direct=True),
            ServerStream("/within", self.letters, direct=True, take_s=5.0),
        ]
        self.calls = NativeCalls(methods, self.fail, lambda: self.now_s)
        front: Any = self.front
        self.calls.start(front)

    async def echo(self, payload: bytes) -> bytes:
        """The same, and who asked."""
        self.callers.append(CALL.get().identity.caller)
        return payload

    async def letters(self, payload: bytes) -> AsyncGenerator[bytes, None]:
        """One after the other."""
        try:
            for one in payload:
                yield bytes([one])
                await asyncio.sleep(0)
        finally:
            self.ended.append(payload)

    async def fails(self, payload: bytes) -> bytes:
        """By an error that must not be retried, or by a defect."""
        if payload == b"late":
            raise TimeoutError
        if payload:
            raise CallError(Code.UNAVAILABLE, "UPSTREAM_FAILED", "x", retry_after_s=-1.0)
        raise ZeroDivisionError

    async def waits(self, payload: bytes) -> bytes:
        """For ever."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.ended.append(payload)
        return b""

    def fail(self, call: int, error: CallError) -> None:
        """An error."""
        self.front.told.append((call, error.reason))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits for something that comes soon."""
        async with asyncio.timeout(30.0):
            while not holds():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0)

    async def rest(self) -> None:
        """Until nothing is left."""
        await self.until(lambda: self.calls.in_flight == 0)


def permit(caller: str, ends_s: float = float("inf"), concurrency: int = 0) -> Permit:
    """What somebody may do until then."""
    account = Account("t", 0, TenantRules(concurrency=concurrency))
    return Permit(Identity(caller, "t", ANONYMOUS.realm, account, ends_s=ends_s), "")


async def test_calls_are_answered_in_their_own_tasks() -> None:
    """All that came together with one wake-up."""
    stage = Stage()
    stage.calls.begin(1, 0, b"a", None)
    stage.calls.begin(2, 1, b"xyz", None)
    stage.calls.begin(3, 0, b"b", permit("ann"))
    assert stage.calls.in_flight == 3
    await stage.rest()
    told = stage.front.told
    assert [one[1] for one in told if one[0] == 1] == [b"a", "end"]
    assert [one[1] for one in told if one[0] == 2] == [b"x", b"y", b"z", "end"]
    assert sorted(stage.callers) == ["", "ann"]


async def test_errors_that_must_not_be_retried_come_after_a_head() -> None:
    """A client retries no call whose head it has seen; defects may be retried."""
    stage = Stage()
    stage.calls.begin(1, 2, b"x", None)
    stage.calls.begin(2, 2, b"", None)
    await stage.rest()
    assert [one for one in stage.front.told if one[0] == 1] == [
        (1, "head"),
        (1, "UPSTREAM_FAILED"),
    ]
    assert [one for one in stage.front.told if one[0] == 2] == [(2, "SERVER_DEFECT")]


@pytest.mark.parametrize("turns", [0, 5])
async def test_a_caller_who_goes_ends_its_call(turns: int) -> None:
    """Also one who goes before the call has begun."""
    stage = Stage()
    stage.calls.begin(1, 3, b"w", None)
    for _ in range(turns):
        await asyncio.sleep(0)
    stage.calls.cancel(1)
    stage.calls.cancel(7)
    await stage.rest()
    assert stage.front.told == []
    assert stage.ended == ([b"w"] if turns == 5 else [])


async def test_a_caller_that_reads_slowly_is_waited_for() -> None:
    """Nothing is lost, and the stream ends where the caller has gone."""
    stage = Stage()
    stage.front.full = 3
    stage.calls.begin(1, 1, b"xy", None)
    await stage.rest()
    assert stage.front.told == [(1, b"x"), (1, b"y"), (1, "end")]

    stage.front.closed = True
    stage.calls.begin(2, 1, b"ab", None)
    await stage.rest()
    assert stage.ended == [b"xy", b"ab"]
    assert stage.front.told[3:] == []


async def test_a_caller_that_never_reads_is_not_waited_for_for_ever() -> None:
    """Where the method bounds it: what it holds is given back, and the status says why."""
    stage = Stage()
    stage.front.full = 1_000_000
    stage.calls.begin(1, 4, b"xy", None)
    await stage.until(lambda: stage.front.full < 999_999)
    assert stage.calls.in_flight == 1
    stage.now_s += 5.0
    await stage.rest()
    assert stage.ended == [b"xy"]
    assert stage.front.told == [(1, "head"), (1, "ANSWER_TOO_SLOW")]


async def test_a_call_ends_with_its_credential() -> None:
    """And counts as work of its tenant meanwhile."""
    stage = Stage()
    stage.calls.begin(1, 3, b"", permit("ann", ends_s=stage.now_s + 0.01))
    await stage.rest()
    assert stage.front.told == [(1, "CREDENTIAL_EXPIRED")]

    busy = permit("ann", concurrency=1)
    stage.calls.begin(2, 3, b"", busy)
    stage.calls.begin(3, 0, b"x", busy)
    await stage.until(lambda: any(one[0] == 3 for one in stage.front.told))
    assert (3, b"x") not in stage.front.told
    stage.calls.cancel(2)
    await stage.rest()
    stage.calls.begin(4, 0, b"x", busy)
    await stage.rest()
    assert (4, b"x") in stage.front.told


@pytest.mark.parametrize("has_room", [True, False])
async def test_what_cannot_be_noted_is_not_done(has_room: bool) -> None:
    """An act is refused while the log is full; else it is noted, with where it came from."""
    stage, acts, done = Stage(), list[tuple[Any, ...]](), list[bytes]()

    async def load(payload: bytes) -> bytes:
        note_model("churn")
        done.append(payload)
        return b"loaded"

    audit = SimpleNamespace(has_room=has_room, act=lambda *what: acts.append(what))
    guard: Any = SimpleNamespace(audit=audit, note_of=lambda *_: None)
    calls = NativeCalls([Unary("/load", load)], stage.fail, lambda: stage.now_s, guard)
    front: Any = stage.front
    calls.start(front)
    who = Permit(permit("ann").identity, "manage")
    calls.begin(1, 0, b"request", who, ((), "ipv4:10.0.0.1:1", None))
    await stage.until(lambda: calls.in_flight == 0)
    if has_room:
        assert done == [b"request"]
        ((path, identity, peer, _, models, error),) = acts
        assert (path, identity.caller, peer) == ("/load", "ann", "ipv4:10.0.0.1:1")
        assert (models, error) == (["churn"], None)
    else:
        assert (done, acts) == ([], [])
        assert stage.front.told == [(1, "AUDIT_BLOCKED")]


async def test_an_act_is_noted_as_its_call_ends() -> None:
    """Of one whose caller hung up nobody knows what became of it: it is not noted as done."""
    stage, acts, begun = Stage(), list[tuple[Any, ...]](), asyncio.Event()

    async def load(payload: bytes) -> bytes:
        note_model("churn")
        begun.set()
        if payload == b"refused":
            raise draining()
        if payload == b"defect":
            raise RuntimeError("a defect")
        return await asyncio.Future()

    audit = SimpleNamespace(has_room=True, act=lambda *what: acts.append(what))
    guard: Any = SimpleNamespace(audit=audit, note_of=lambda *_: None)
    calls = NativeCalls([Unary("/load", load)], stage.fail, lambda: stage.now_s, guard)
    front: Any = stage.front
    calls.start(front)
    who = Permit(permit("ann").identity, "manage")
    for call, payload in enumerate((b"refused", b"defect", b"left")):
        begun.clear()
        calls.begin(call, 0, payload, who, ((), "ipv4:10.0.0.1:1", None))
        await begun.wait()
        if payload == b"left":
            calls.cancel(call)
        await stage.until(lambda: calls.in_flight == 0)
    outcomes = [error.code.name for *_, error in acts]
    assert outcomes == ["UNAVAILABLE", "INTERNAL", "CANCELLED"]


@pytest.mark.parametrize("left_s", [1e6, float("inf")])
async def test_a_method_that_runs_out_of_time_says_nothing_of_the_credential(
    left_s: float,
) -> None:
    """Whether that ends or not."""
    stage = Stage()
    stage.calls.begin(1, 2, b"late", permit("ann", ends_s=stage.now_s + left_s))
    await stage.rest()
    assert stage.front.told == [(1, "SERVER_DEFECT")]


async def test_the_end_ends_all() -> None:
    """With a status that sends callers elsewhere."""
    stage = Stage()
    stage.calls.begin(1, 3, b"", None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await stage.calls.end(30.0)
    stage.calls.begin(2, 0, b"x", None)
    await stage.rest()
    assert stage.front.told == [(1, draining().reason), (2, draining().reason)]
