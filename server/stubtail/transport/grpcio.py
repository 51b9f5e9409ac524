"""The complete transport: every method on grpc.aio, bytes in and bytes out.

Methods are found by one generic handler. Handlers registered by generated code would cost an
extra task for each call since grpcio 1.84, and aio interceptors would be built for each call.

A grpc.aio server accepts one call at a time, each by several turns of the loop. Several servers on
one port share those turns, and calls that are accepted in one turn share a run of the model.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from functools import partial
from math import inf
from typing import Any

import grpc

from stubtail.access.guard import Guard
from stubtail.access.identity import CALL
from stubtail.endpoints.lane_method import LaneMethod
from stubtail.endpoints.method import BidiStream, Immediate, ServerStream, Unary
from stubtail.errors import CallError, draining, server_defect
from stubtail.lane.job import TIMING_KEY
from stubtail.telemetry.propagation import TRACEPARENT, traceparent_of
from stubtail.transport.authorization import Authorization
from stubtail.transport.grpcio_options import GrpcioOptions
from stubtail.transport.loop_lane import LoopLane
from stubtail.transport.slow_callers import write_within
from stubtail.transport.tls import ServerCertificate

log = logging.getLogger("stubtail.transport")

Method = Immediate | Unary | ServerStream | BidiStream
STATUS = {code.value[0]: code for code in grpc.StatusCode}


class GrpcioTransport:
    """Serves all methods on a grpc.aio server.

    Args:
        options: settings of the server.
        loop_lane: runs the jobs of the lane methods.
        lane_methods: the hot methods.
        methods: all others.
        on_refusal: told of every call that is refused before it is a job: path, error, seconds.
        clock: monotonic seconds, the lane's.
        guard: says what each caller may do; None where everybody may do everything.
    """

    def __init__(
        self,
        options: GrpcioOptions,
        loop_lane: LoopLane,
        lane_methods: Sequence[LaneMethod],
        methods: Sequence[Method],
        on_refusal: Callable[[str, CallError, float], None],
        clock: Callable[[], float],
        guard: Guard | None = None,
    ) -> None:
        self._options = options
        self._loop_lane = loop_lane
        self._lane_methods = lane_methods
        self._methods = methods
        self._on_refusal = on_refusal
        self._clock = clock
        self._authorization = Authorization(guard, _abort, on_refusal, clock) if guard else None
        self._refusal: CallError | None = None
        self.traces: Any = None  # makes spans, where traces are on
        self._servers: list[grpc.aio.Server] = []
        self._streams: set[asyncio.Task[Any]] = set()
        self._streams_ended = False

    def bind(self, address: str) -> int:
        """Makes the servers and binds; `address` is host:port or unix:path. Returns the port.

        The port is shared, so whoever starts a server checks first that nobody else listens on it.

        Raises:
            OSError: the address cannot be bound, or the certificate cannot be used.
        """
        if address.startswith("unix:"):
            return self._bind(address, None)
        tls = self._options.tls
        certificate = ServerCertificate(tls, self._options.tls_reload_s) if tls else None
        port = self._bind(address, certificate)
        host = address.rpartition(":")[0]
        for _ in range(1, self._options.acceptors):
            self._bind(f"{host}:{port}", certificate)
        return port

    async def start(self) -> None:
        """Starts to accept calls."""
        for server in self._servers:
            await server.start()

    def refuse(self) -> None:
        """From now on every new call to the lane is answered with UNAVAILABLE."""
        self._refusal = draining()

    async def aclose(self, grace_s: float) -> None:
        """Stops accepting, lets calls finish for `grace_s` seconds, then cancels them."""
        await asyncio.gather(*(server.stop(grace_s) for server in self._servers))

    async def end_streams(self, timeout_s: float) -> None:
        """Ends every open stream with UNAVAILABLE: what it has been told so far stays true."""
        self._streams_ended = True
        ending = list(self._streams)
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending, timeout=timeout_s)

    def _bind(self, address: str, certificate: ServerCertificate | None) -> int:
        server = grpc.aio.server(options=self._options.channel_arguments())
        router = _Router(self._handlers(), self._authorization, traced=bool(self.traces))
        server.add_generic_rpc_handlers((router,))
        try:
            if certificate is None:
                port = int(server.add_insecure_port(address))
            else:
                port = int(server.add_secure_port(address, certificate.credentials()))
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address}") from error
        self._servers.append(server)
        return port

    def _handlers(self) -> dict[str, tuple[Any, Any]]:
        """For each path the handler of a call, and of a call that asks for its timing."""
        table: dict[str, tuple[Any, Any]] = {}
        for lane_method in self._lane_methods:
            path = lane_method.path
            plain, timed = (
                grpc.unary_unary_rpc_method_handler(
                    self._guarded(path, self._traced(lane_method, timed=timed), counted=False)
                )
                for timed in (False, True)
            )
            table[lane_method.path] = (plain, timed)
        for method in self._methods:
            handler = self._stream_handler(method) or self._unary_handler(method)
            table[method.path] = (handler, handler)
        return table

    def _guarded(
        self, path: str, behaviour: Any, *, streams: bool = False, counted: bool = True
    ) -> Any:
        """The behaviour, behind the guard if there is one."""
        if self._authorization is None:
            return behaviour
        return self._authorization.guarded(path, behaviour, streams=streams, counted=counted)

    def _traced(self, method: LaneMethod, *, timed: bool) -> Any:
        """The behaviour of a lane method, with spans where traces are on."""
        behaviour = self._lane_handler(method, timed=timed)
        return self.traces.wrapped(method.path, behaviour) if self.traces else behaviour

    async def _end(self, context: Any, error: CallError) -> bytes:
        """Ends a call with an error; a denial is noted."""
        if self._authorization is not None:
            self._authorization.note(error, context)
        return await _abort(context, error)

    def _lane_handler(self, method: LaneMethod, *, timed: bool) -> Any:
        decode, loop_lane, clock = method.decode, self._loop_lane, self._clock
        guarded = self._authorization is not None

        async def handle(payload: bytes, context: Any) -> bytes:
            arrived_s = clock()
            job = answer = None
            error = self._refusal
            if error is not None:
                self._on_refusal(method.path, error, 0.0)
            else:
                try:
                    permit = CALL.get() if guarded else None
                    job = decode(payload, arrived_s, context.time_remaining(), permit)
                except CallError as refused:
                    error = refused
                except Exception:
                    log.exception("request could not be decoded", extra={"path": method.path})
                    error = server_defect()
                if error is not None:
                    self._on_refusal(method.path, error, clock() - arrived_s)
            if job is not None:
                job.timed = timed
                answer = await loop_lane.call(job)
                if answer.payload is not None:
                    if answer.trailing is not None:
                        context.set_trailing_metadata(answer.trailing)
                    return answer.payload
                error = answer.error
            assert error is not None
            del payload, job, answer  # see `_abort`
            return await self._end(context, error)

        return handle

    def _stream_handler(self, method: Method) -> Any:
        """The handler of a stream that `end_streams` can end; None for a unary method."""
        path, streams = method.path, self._streams
        handle: Any = method.handle
        take_s = method.take_s if isinstance(method, ServerStream) else inf

        async def stream(payload: Any, context: Any) -> None:
            # Not a generator: `end_streams` would find grpc.aio between two of its steps.
            # A caller's cancellation passes through; any other failure ends it with a status.
            task = asyncio.current_task()
            assert task is not None
            streams.add(task)
            write = context.write if take_s == inf else partial(write_within, take_s, context)
            try:
                answers = handle(payload)
                payload = None  # a stream can stay for days, its request need not
                async with aclosing(answers) as replies:
                    async for reply in replies:
                        await write(reply)
            except asyncio.CancelledError:
                if not self._streams_ended:
                    raise
                task.uncancel()
                await _abort(context, draining())
            except Exception as error:  # noqa: BLE001 - as above
                await self._end(context, _as_call_error(error, path))
            finally:
                streams.discard(task)

        if isinstance(method, BidiStream):
            guarded = self._guarded(path, stream, streams=True, counted=method.counted)
            return grpc.stream_stream_rpc_method_handler(guarded)
        if isinstance(method, ServerStream):
            guarded = self._guarded(path, stream, streams=True)
            return grpc.unary_stream_rpc_method_handler(guarded)
        return None

    def _unary_handler(self, method: Method) -> Any:
        """The handler of a method that is not the lane's."""
        path = method.path
        handle: Any = method.handle

        async def unary(payload: bytes, context: Any) -> bytes:
            try:
                reply = handle(payload)
                return reply if isinstance(reply, bytes) else await reply
            except Exception as error:  # noqa: BLE001 - every failure becomes a status
                failure = _as_call_error(error, path)
            del payload  # see `_abort`
            return await self._end(context, failure)

        return grpc.unary_unary_rpc_method_handler(self._guarded(path, unary))


class _Router(grpc.GenericRpcHandler):  # type: ignore[misc]  # no types in grpcio
    """Finds the handler of a call by its path: one dict look-up."""

    def __init__(
        self,
        handlers: dict[str, tuple[Any, Any]],
        authorization: Authorization | None,
        *,
        traced: bool,
    ) -> None:
        self._handlers = handlers
        self._traced = traced
        self._authorization = authorization

    def service(self, handler_call_details: Any) -> Any:
        """The handler, or None for UNIMPLEMENTED."""
        pair = self._handlers.get(handler_call_details.method)
        if pair is None:
            return None
        metadata = handler_call_details.invocation_metadata
        if self._authorization is not None:
            self._authorization.hear(handler_call_details.method, metadata)
        if self._traced:
            TRACEPARENT.set(traceparent_of(metadata))
        for key, value in metadata:
            if key == TIMING_KEY and value == "1":
                return pair[1]
        return pair[0]


def _as_call_error(error: Exception, path: str) -> CallError:
    if isinstance(error, CallError):
        return error
    log.error("method failed", exc_info=error, extra={"path": path})
    return server_defect()


async def _abort(context: Any, error: CallError) -> bytes:
    """Ends the call with the error's status and details, as trailers only: such calls are retried.

    grpc.aio keeps the exception of `abort` in the state of the call, a cycle through our frames
    that stays until a full collection, which is rare here. So no frame on the way may hold a
    request: forty refused calls of 16 MB would keep 1.4 GB.
    """
    error.forget()
    await context.abort(STATUS[int(error.code)], error.message, error.trailing_metadata)
    raise AssertionError("abort raises")
