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
from dataclasses import dataclass
from typing import Any

import grpc

from stubtail.endpoints.lane_method import LaneMethod
from stubtail.endpoints.method import BidiStream, Immediate, ServerStream, Unary
from stubtail.errors import CallError, draining, server_defect
from stubtail.transport.loop_lane import LoopLane
from stubtail.transport.tls import ServerCertificate, TlsFiles

log = logging.getLogger("stubtail.transport")

Method = Immediate | Unary | ServerStream | BidiStream
STATUS = {code.value[0]: code for code in grpc.StatusCode}
TIMING_KEY = "stubtail-timing"
REQUESTS_UNSEEN_MAX_S = 2  # calls that wait this long unseen in grpc-core are refused there
REQUESTS_UNSEEN_MAX = 65_536  # and so are those beyond this number; far more than 2 s of work


@dataclass(frozen=True, slots=True)
class GrpcioOptions:
    """Settings of the server; those of the native front, and more.

    Attributes:
        acceptors: servers on the port.
        tls: the certificate of a TCP port; None for plain text.
        tls_reload_s: how often its files are looked at.
    """

    reuse_port: bool
    acceptors: int
    tls: TlsFiles | None
    tls_reload_s: float
    message_bytes_max: int
    metadata_bytes_max: int
    streams_max: int

    def channel_arguments(self) -> list[tuple[str, int]]:
        """The options of grpc-core, which ignores unknown names: each is tested by its effect."""
        return [
            ("grpc.so_reuseport", int(self.reuse_port or self.acceptors > 1)),
            ("grpc.max_receive_message_length", self.message_bytes_max),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_concurrent_streams", self.streams_max),
            # With a lower soft limit, grpc-core refuses a random part of the calls in between.
            ("grpc.max_metadata_size", self.metadata_bytes_max),
            ("grpc.absolute_max_metadata_size", self.metadata_bytes_max),
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.server_handshake_timeout_ms", 10_000),
            ("grpc.server_max_unrequested_time_in_server", REQUESTS_UNSEEN_MAX_S),
            # The defaults fail a random part of 1,500 calls at once on one connection: CANCELLED
            # for too many unseen calls, UNAVAILABLE for streams. Our queue says why it refuses.
            ("grpc.server.max_pending_requests", REQUESTS_UNSEEN_MAX),
            ("grpc.server.max_pending_requests_hard_limit", REQUESTS_UNSEEN_MAX),
            ("grpc.http.overload_protection", 0),
        ]


class GrpcioTransport:
    """Serves all methods on a grpc.aio server.

    Args:
        options: settings of the server.
        loop_lane: runs the jobs of the lane methods.
        lane_methods: the hot methods.
        methods: all others.
        on_refusal: told of every call that is refused before it is a job: path, error, seconds.
        clock: monotonic seconds, the lane's.
    """

    def __init__(
        self,
        options: GrpcioOptions,
        loop_lane: LoopLane,
        lane_methods: Sequence[LaneMethod],
        methods: Sequence[Method],
        on_refusal: Callable[[str, CallError, float], None],
        clock: Callable[[], float],
    ) -> None:
        self._options = options
        self._loop_lane = loop_lane
        self._lane_methods = lane_methods
        self._methods = methods
        self._on_refusal = on_refusal
        self._clock = clock
        self._refusal: CallError | None = None
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
        server.add_generic_rpc_handlers((_Router(self._handlers()),))
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
            plain, timed = (
                grpc.unary_unary_rpc_method_handler(self._lane_handler(lane_method, timed=timed))
                for timed in (False, True)
            )
            table[lane_method.path] = (plain, timed)
        for method in self._methods:
            handler = self._stream_handler(method) or _unary_handler(method)
            table[method.path] = (handler, handler)
        return table

    def _lane_handler(self, method: LaneMethod, *, timed: bool) -> Any:
        decode, loop_lane, clock = method.decode, self._loop_lane, self._clock

        async def handle(payload: bytes, context: Any) -> bytes:
            arrived_s = clock()
            job = answer = None
            error = self._refusal
            if error is not None:
                self._on_refusal(method.path, error, 0.0)
            else:
                try:
                    job = decode(payload, arrived_s, context.time_remaining())
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
            return await _abort(context, error)

        return handle

    def _stream_handler(self, method: Method) -> Any:
        """The handler of a stream that `end_streams` can end; None for a unary method."""
        path, streams = method.path, self._streams
        handle: Any = method.handle

        async def stream(payload: Any, context: Any) -> None:
            # Not a generator: `end_streams` would find grpc.aio between two of its steps.
            # A caller's cancellation passes through; any other failure ends it with a status.
            task = asyncio.current_task()
            assert task is not None
            streams.add(task)
            try:
                async with aclosing(handle(payload)) as replies:
                    async for reply in replies:
                        await context.write(reply)
            except asyncio.CancelledError:
                if not self._streams_ended:
                    raise
                task.uncancel()
                await _abort(context, draining())
            except Exception as error:  # noqa: BLE001 - as above
                await _abort(context, _as_call_error(error, path))
            finally:
                streams.discard(task)

        if isinstance(method, BidiStream):
            return grpc.stream_stream_rpc_method_handler(stream)
        if isinstance(method, ServerStream):
            return grpc.unary_stream_rpc_method_handler(stream)
        return None


def _unary_handler(method: Method) -> Any:
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
        return await _abort(context, failure)

    return grpc.unary_unary_rpc_method_handler(unary)


class _Router(grpc.GenericRpcHandler):  # type: ignore[misc]  # no types in grpcio
    """Finds the handler of a call by its path: one dict look-up."""

    def __init__(self, handlers: dict[str, tuple[Any, Any]]) -> None:
        self._handlers = handlers

    def service(self, handler_call_details: Any) -> Any:
        """The handler, or None for UNIMPLEMENTED."""
        pair = self._handlers.get(handler_call_details.method)
        if pair is None:
            return None
        for key, value in handler_call_details.invocation_metadata:
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
    error.__traceback__ = error.__context__ = None
    await context.abort(STATUS[int(error.code)], error.message, error.trailing_metadata)
    raise AssertionError("abort raises")
