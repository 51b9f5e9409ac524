"""The guard of the grpcio transport, where a real call does not get to: full logs, ends of time."""

import asyncio
import time
from typing import Any

import pytest

from stubtail.access.identity import ABOUT, note_model
from stubtail.access.tenants import TenantRules
from stubtail.errors import CallError
from stubtail.transport.admission import Admission
from tests.unit.access.test_guard import KEYS, LOAD, Noted, Times, guard_of

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


def admission_of(guard: Any) -> tuple[Admission, list[CallError]]:
    """The guard before methods, and how it ended calls."""
    ends: list[CallError] = []

    async def abort(_: Any, error: CallError) -> None:
        ends.append(error)

    return Admission(guard, abort, lambda *_: None), ends


def hear(admission: Admission, path: str, name: str) -> None:
    """A call comes."""
    admission.hear(path, (("authorization", KEYS[name].decode()),))


@pytest.mark.parametrize("has_room", [True, False])
async def test_what_cannot_be_noted_is_not_done(has_room: bool) -> None:
    """An act is refused while the log is full, and noted with its models while it is not."""
    Times.unix_s = time.time()
    guard = guard_of()
    guard.audit = log = Listening(has_room=has_room)
    admission, ends = admission_of(guard)
    done: list[bytes] = []

    async def load(payload: bytes, _: Any) -> bytes:
        note_model("churn@2")
        done.append(payload)
        return b"loaded"

    hear(admission, LOAD, "ops")
    guarded = admission.guarded(LOAD, load, streams=False, counted=True)
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


async def test_a_stream_ends_with_its_credential() -> None:
    """However long it would go on."""
    Times.unix_s = 1_999.95  # the key of "old" ends at 2,000
    admission, ends = admission_of(guard_of())
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def watch(_: Any, __: Any) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    path = "/inference.GRPCInferenceService/ModelStreamInfer"
    hear(admission, path, "old")
    await admission.guarded(path, watch, streams=True, counted=True)(b"", Context())
    assert begun.is_set()
    assert cancelled.is_set()
    assert [error.reason for error in ends] == ["CREDENTIAL_EXPIRED"]


async def test_calls_at_work_are_counted_and_bounded() -> None:
    """Whatever becomes of them; those of the lane are counted there."""
    Times.unix_s = time.time()
    guard = guard_of(other=TenantRules(concurrency=2))
    admission, ends = admission_of(guard)
    going = asyncio.Event()

    async def wait(_: Any, __: Any) -> bytes:
        await going.wait()
        return b"done"

    guarded = admission.guarded(SCORE, wait, streams=False, counted=True)
    hear(admission, SCORE, "other")
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
