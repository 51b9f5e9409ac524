"""Nothing of a refused call stays: an error that is kept, or held by a frame, keeps its request."""

import asyncio
import gc
import sys
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest

from stubtail.access.guard import Guard
from stubtail.access.identity import CALL, Permit
from stubtail.access.refusals import rate_exceeded
from stubtail.access.tenants import TenantRules
from stubtail.endpoints.health import HealthEndpoint, HealthStatuses
from stubtail.endpoints.lane_method import LaneMethod
from stubtail.endpoints.method import Unary, parse
from stubtail.endpoints.oip_stream import StreamInfer
from stubtail.errors import CallError, malformed_message
from stubtail.lane.batch_run import BadRowsError
from stubtail.lane.policy import Policy, Refusal
from stubtail.lane.refusals import tenant_error
from stubtail.oip import inference_pb2
from stubtail.standard import health_pb2
from stubtail.transport.authorization import Authorization
from stubtail.transport.grpcio import _abort
from stubtail.transport.native_options import NativeOptions
from tests.unit.access.test_guard import KEYS, LOAD, SCORE, guard_of
from tests.unit.lane.puppets import Stage
from tests.unit.transport.test_authorization import Context, hear

CALLS = 50


class Payload:
    """A request, and whether anything holds it besides the test; no collection runs meanwhile."""

    def __init__(self) -> None:
        self.become(bytes([0xFF] * 1_000))  # no message

    def become(self, data: bytes) -> None:
        """Takes another one."""
        self.data = data
        del data
        self._count = sys.getrefcount(self.data)

    @property
    def held(self) -> int:
        """By how much more than at first."""
        return sys.getrefcount(self.data) - self._count


@pytest.fixture
def payload() -> Iterator[Payload]:
    """A request whose holders are counted."""
    gc.collect()
    gc.disable()
    yield Payload()
    gc.enable()


class Aborted(Context):
    """A call whose state keeps the exception that ended it, as that of grpc.aio does."""

    def __init__(self) -> None:
        self.ends: list[BaseException] = []

    async def abort(self, *_: Any) -> None:
        """Ends the call."""
        try:
            raise RuntimeError("aborted")  # noqa: TRY301 - as grpc.aio does
        except RuntimeError as error:
            self.ends.append(error)
            raise


def busy_guard() -> Guard:
    """One tenant that may have no call at work but one, which is there."""
    guard = guard_of(other=TenantRules(concurrency=1))
    account = guard.admit(KEYS["other"], SCORE, 0.0).tenant
    assert account is not None
    account.calls = 1
    return guard


def test_each_refusal_is_an_error_of_its_own() -> None:
    """With the trailers of the first."""
    guard = guard_of()
    errors = []
    for _ in range(CALLS):
        with pytest.raises(CallError) as caught:
            guard.admit(None, SCORE, 0.0)
        errors.append(caught.value)
    assert len({id(error) for error in errors}) == CALLS
    assert len({id(error.trailing_metadata) for error in errors}) == 1
    assert rate_exceeded("a", 1.0) is rate_exceeded("a", 1.0), "kept, and never raised itself"
    assert tenant_error("a", Refusal.TENANT_BUSY).__traceback__ is None


def test_a_fresh_error_says_the_same() -> None:
    """And nothing of where the first one has been."""
    with pytest.raises(CallError) as caught:
        parse(health_pb2.HealthCheckRequest, b"\xff")
    error = caught.value
    other = error.fresh()
    assert (other.code, other.reason, other.message, other.args) == (
        error.code, error.reason, error.message, error.args,
    )  # fmt: skip
    assert other.trailing_metadata is error.trailing_metadata
    assert (other.__traceback__, other.__cause__, other.__context__) == (None, None, None)
    error.forget()
    assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)


@pytest.mark.parametrize("name", ["nobody", "web"])
def test_nothing_of_it_stays_on_the_native_transport(payload: Payload, name: str) -> None:
    """Of strangers, and of callers who may not."""
    native = pytest.importorskip("stubtail.transport.native")
    stage = Stage(Policy())

    class Hot:
        path = LOAD

        def decode(self, *_: Any) -> Any:
            """Nobody gets here."""
            raise AssertionError

    class Front:
        reasons = 0

        def fail(self, *_: Any) -> None:
            """An error."""
            self.reasons += 1

    options = NativeOptions("127.0.0.1", 0, False, 1, 10_000, 1_024, 10)
    transport: Any = native.NativeTransport(
        options, stage.lane, [Hot()], [], [], "", lambda *_: None, stage.clock, guard_of()
    )
    transport._front = front = Front()
    for call in range(CALLS):
        metadata = (("authorization", KEYS[name]),) if name in KEYS else ()
        event = (native.EVENT_CALL, call, 0, payload.data, "peer", (metadata, "peer", None))
        transport._take(iter([event]), 0.0, [])
        del event
    assert front.reasons == CALLS
    assert payload.held == 0


async def test_nothing_of_it_stays_where_the_native_front_calls_the_loop(payload: Payload) -> None:
    """Of a tenant with too much at work, and of a request that is none."""
    pytest.importorskip("pygrpc_native")
    from stubtail.transport.native_calls import NativeCalls

    async def handle(payload: bytes) -> bytes:
        parse(health_pb2.HealthCheckRequest, payload)
        return b""

    reasons: list[str] = []
    calls = NativeCalls(
        [Unary(SCORE, handle)], lambda _, error: reasons.append(error.reason), lambda: 0.0
    )
    front: Any = object()
    calls.start(front)
    busy = busy_guard().admit(KEYS["other"], SCORE, 0.0)
    for permit in (busy, None):
        for call in range(CALLS):
            calls.begin(call, 0, payload.data, permit)
        async with asyncio.timeout(30.0):
            while calls.in_flight:  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0)
    assert reasons == ["QUOTA_CONCURRENCY"] * CALLS + ["MALFORMED_MESSAGE"] * CALLS
    assert payload.held == 0


@pytest.mark.parametrize("name", ["nobody", "other", "acme"])
async def test_nothing_of_it_stays_on_the_grpcio_transport(payload: Payload, name: str) -> None:
    """Of strangers, of a busy tenant, and of a request that is none."""
    ends: list[str] = []

    async def method(payload: bytes, context: Any) -> bytes:
        try:
            parse(health_pb2.HealthCheckRequest, payload)
        except CallError as error:
            failure = error
        del payload  # see `_abort`
        return await _abort(context, failure)

    authorization = Authorization(
        busy_guard(), _abort, lambda path, error, _: ends.append(error.reason), lambda: 0.0
    )
    guarded = authorization.guarded(SCORE, method, streams=False, counted=True)
    contexts = [Aborted() for _ in range(CALLS)]
    for context in contexts:
        authorization.hear(SCORE, ())
        if name != "nobody":
            hear(authorization, SCORE, name)
        with pytest.raises(RuntimeError, match="aborted"):
            await guarded(payload.data, context)
    assert [len(context.ends) for context in contexts] == [1] * CALLS
    expected = {"nobody": "CREDENTIAL_MISSING", "other": "QUOTA_CONCURRENCY"}
    assert ends == ([expected[name]] * CALLS if name in expected else [])
    assert payload.held == 0


async def test_nothing_of_it_stays_in_a_stream(payload: Payload) -> None:
    """Each message counts against the rate of its tenant."""
    request = inference_pb2.ModelInferRequest(model_name="m", id="x" * 1_000)
    payload.become(request.SerializeToString())
    guard = guard_of(other=TenantRules(calls_per_s=1e-6, burst=2))
    permit: Permit = guard.admit(KEYS["other"], SCORE, 0.0)
    permit.count(0.0)
    infer: LaneMethod = object()  # type: ignore[assignment]  # nothing gets there
    stream = StreamInfer(infer, submit=lambda _: asyncio.sleep(0, b""), clock=lambda: 0.0)

    async def requests() -> AsyncGenerator[bytes, None]:
        for _ in range(CALLS):
            yield payload.data

    token = CALL.set(permit)
    answers = [answer async for answer in stream.stream(requests())]
    CALL.reset(token)
    await asyncio.sleep(0)
    assert len(answers) == CALLS
    assert all(
        "calls per second" in inference_pb2.ModelStreamInferResponse.FromString(one).error_message
        for one in answers
    )
    assert payload.held == 0


def test_nothing_of_it_stays_of_bad_rows(payload: Payload) -> None:
    """The frame that collects the errors of a batch is in the tracebacks of all of them."""

    def assemble(data: bytes) -> None:
        bad: list[Any] = []
        for _ in range(3):
            try:
                raise malformed_message(f"{len(data)}")
            except CallError as error:
                bad.append((None, error))
        raise BadRowsError(bad)

    for _ in range(CALLS):
        with pytest.raises(BadRowsError):
            assemble(payload.data)
    assert payload.held == 0


async def test_a_watch_of_health_keeps_no_request(payload: Payload) -> None:
    """It goes on for as long as its caller likes."""
    payload.become(health_pb2.HealthCheckRequest(service="x" * 200).SerializeToString())
    endpoint = HealthEndpoint(HealthStatuses())
    streams = [endpoint.watch(payload.data) for _ in range(CALLS)]
    for stream in streams:
        await anext(stream)
    assert payload.held == 0
    for stream in streams:
        await stream.aclose()
