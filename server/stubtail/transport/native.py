"""The fast transport: HTTP/2 in Rust threads, and one Python thread that is the lane.

`pygrpc_native.NativeGrpcFront` hands over all waiting calls in one trip across the GIL. This thread
decodes them, offers them, runs a batch and answers it; then it looks for new calls again. Nothing
is created for a call but its job. Methods unknown to the front go to grpc.aio on a Unix socket.

What the front leaves to others: TLS, a bound on the size of a message before it is in memory, and
graceful closing of connections. The bound is checked here, the drain stands above `close`.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from threading import Thread
from typing import Any

from pygrpc_native import EVENT_CALL, NativeGrpcFront

from stubtail.access.credential import CREDENTIAL_KEY, TENANT_KEY
from stubtail.access.guard import Guard
from stubtail.access.identity import CALL, UNGUARDED, Permit
from stubtail.endpoints.lane_method import LaneMethod
from stubtail.endpoints.method import Immediate, ServerStream, Unary
from stubtail.errors import CallError, draining, message_too_large, server_defect
from stubtail.lane.job import TIMING_KEY, Job, Trailing
from stubtail.lane.lane import Lane
from stubtail.transport.native_calls import NativeCalls
from stubtail.transport.native_options import NativeOptions

log = logging.getLogger("stubtail.transport")

EVENTS_MAX = 256  # calls decoded between two batches: bounds what an urgent call waits for
# And so does this: some requests take a hundred times as long to read. It leaves more time to
# taking than to a batch: what is not taken cannot be refused, and is too late when it is.
TAKE_S_MAX = 0.004
LOOK_S = 0.0001  # the lane looks so long for another call before it sleeps
EAGER_S = 0.0002  # if the last call came within this time; waking up takes a part of it
IDLE_WAKE_MS = 250  # the idle thread shows four times a second that it lives


class NativeTransport:
    """Serves lane methods and immediate methods; everything else goes to the fallback.

    Args:
        options: settings of the front.
        lane: runs the jobs.
        lane_methods: the hot methods.
        immediates: methods answered from memory.
        directs: methods of the event loop that are worth more than the way through the fallback.
        fallback_path: Unix socket of the server for all other methods.
        on_refusal: told of every call that is refused before it is a job: path, error, seconds.
        clock: monotonic seconds, the lane's.
        guard: says what each caller may do; None where everybody may do everything.
    """

    def __init__(
        self,
        options: NativeOptions,
        lane: Lane,
        lane_methods: Sequence[LaneMethod],
        immediates: Sequence[Immediate],
        directs: Sequence[Unary | ServerStream],
        fallback_path: str,
        on_refusal: Callable[[str, CallError, float], None],
        clock: Callable[[], float],
        guard: Guard | None = None,
    ) -> None:
        self._options = options
        self._lane = lane
        self._guard = guard
        self._decoders: list[Callable[[bytes, float, float | None, Permit | None], Job] | None] = [
            *(method.decode for method in lane_methods),
            *(None for _ in (*immediates, *directs)),
        ]
        self._handlers = [*(None for _ in lane_methods), *(m.handle for m in immediates)]
        self._paths = [*(m.path for m in lane_methods), *(m.path for m in immediates)]
        self._first_direct = len(self._paths)
        self.calls = NativeCalls(directs, self._send_error, clock, guard)
        self._fallback_path = fallback_path
        self._on_refusal = on_refusal
        self._clock = clock
        self._front: NativeGrpcFront | None = None
        self._thread: Thread | None = None
        self._in_flight: dict[int, Job] = {}
        self._refusing = False
        self._eager = False
        self.beat_s = clock()

    @property
    def in_flight(self) -> int:
        """The number of calls that are not answered yet."""
        return len(self._in_flight) + self.calls.in_flight

    def start(self) -> int:
        """Binds, starts serving, and returns the port; raises OSError when it cannot bind."""
        self._front = self._make_front()
        self._paths += self.calls.paths
        self.calls.start(self._front)
        self._front.set_fallback(self._fallback_path)
        self._front.start()
        self._thread = Thread(target=self._serve, name="lane", daemon=True)
        self._thread.start()
        return int(self._front.bound_port)

    def _make_front(self) -> NativeGrpcFront:
        options = self._options
        host = f"[{options.host}]" if ":" in options.host else options.host
        return NativeGrpcFront(
            f"{host}:{options.port}",
            [*((path, False) for path in self._paths), *((one, True) for one in self.calls.paths)],
            **options.front_arguments(),
        )

    def refuse(self) -> None:
        """From now on every new call is answered with UNAVAILABLE; accepted ones go on."""
        self._refusing = True

    def close(self) -> None:
        """Closes all connections, whatever is in flight; drain first."""
        if self._front is not None:
            self._front.close()
        if self._thread is not None:
            self._thread.join()

    def respond(self, call: int, payload: bytes, trailing: Trailing | None) -> None:
        """Answers a call; does nothing when its caller has gone."""
        self._in_flight.pop(call, None)
        self._live_front.respond(call, payload, None, trailing)

    def fail(self, call: int, error: CallError) -> None:
        """Ends a call with a status; does nothing when its caller has gone."""
        self._in_flight.pop(call, None)
        self._send_error(call, error)

    @property
    def _live_front(self) -> NativeGrpcFront:
        assert self._front is not None
        return self._front

    def _serve(self) -> None:
        wait_ms = IDLE_WAKE_MS
        received_s = 0.0
        events: Iterator[Any] = iter(())
        more = False
        while True:
            if not more:
                received = self._receive(wait_ms)
                if received is None:
                    return
                received_s = self._clock()
                events = iter(received)
            self.beat_s = self._clock()
            wait_ms = IDLE_WAKE_MS
            jobs: list[Job] = []
            more = True  # what stands behind a call that raises is taken in the next round
            try:
                more = self._take(events, received_s, jobs)
                if jobs:
                    self.calls.lane_s = received_s
                if self._lane.serve(jobs) if jobs else self._lane.run_inline():
                    wait_ms = 0
            except Exception:
                # A defect may cost its batch, never the lane: it serves everybody.
                log.exception("lane failed")
                wait_ms = 0
                for job in jobs:
                    if job.call in self._in_flight:
                        self.fail(job.call, server_defect())

    def _receive(self, wait_ms: int) -> Sequence[Any] | None:
        """The waiting events; none after `wait_ms` without any; None at the end.

        A caller that sends one call after the other is back within the time that it takes to wake
        a sleeping thread. While that is so, the lane looks for a moment before it sleeps: half the
        latency, and less CPU than sleeping and waking. It stops when the last look was in vain.
        """
        receive, clock = self._live_front.recv_batch_details, self._clock
        if wait_ms and self._eager:
            end_s = clock() + LOOK_S
            while clock() < end_s:
                received: Sequence[Any] | None = receive(EVENTS_MAX, 0)
                if received is None or received:
                    return received
        asleep_s = clock()
        received = receive(EVENTS_MAX, wait_ms)
        if wait_ms:
            self._eager = clock() - asleep_s < EAGER_S
        return received

    def _take(self, events: Iterator[Any], now: float, jobs: list[Job]) -> bool:
        """Adds the jobs of the calls that need a run; all others are answered at once.

        Whether it left some for after the next batch: requests that are slow to read, which only
        large or odd ones are, must not keep those before them from their run.
        """
        in_flight = self._in_flight
        end_s = self._clock() + TAKE_S_MAX
        for kind, call, method, payload, _, details in events:
            if kind == EVENT_CALL:
                try:
                    job = self._decode(call, method, payload, details, now)
                except CallError as error:
                    self._refuse(call, method, error, now)
                    if self._guard is not None:
                        self._guard.note(error, self._paths[method], details[1], details[0])
                except Exception:
                    path = self._paths[method]
                    log.exception("request could not be decoded", extra={"path": path})
                    self._refuse(call, method, server_defect(), now)
                else:
                    if job is not None:
                        job.replies = self
                        job.call = call
                        in_flight[call] = job
                        jobs.append(job)
            else:
                self._cancel(call, jobs)
            if self._clock() > end_s:
                return True
        return False

    def _decode(
        self, call: int, method: int, payload: bytes, details: Any, now: float
    ) -> Job | None:
        """The job of a call; None when it has been answered, as probes are to the very end."""
        metadata, _, remaining_s = details
        permit = credential = tenant = None
        timed = False
        for name, value in metadata:
            if name == CREDENTIAL_KEY and credential is None:  # as `said_in`
                credential = value
            elif name == TIMING_KEY:
                timed = value == "1"
            elif name == TENANT_KEY and tenant is None:
                tenant = str(value)
        if self._guard is not None:
            permit = self._guard.find(credential, self._paths[method], now, tenant)
            if permit is not None and permit.counts and self._over_quota(call, method, permit, now):
                return None
        if len(payload) > self._options.message_bytes_max:
            raise message_too_large(len(payload), self._options.message_bytes_max)
        decode = self._decoders[method]
        if decode is None:
            self._pass_on(call, method, payload, permit, details)
            return None
        if self._refusing:
            raise draining()
        job = decode(payload, now, remaining_s, permit)
        job.timed = timed
        return job

    def _pass_on(
        self, call: int, method: int, payload: bytes, permit: Permit | None, details: Any
    ) -> None:
        """Gives a call to the event loop, or answers it at once."""
        if method >= self._first_direct:
            if self._refusing:
                raise draining()
            self.calls.begin(call, method - self._first_direct, payload, permit, details)
            return
        handle = self._handlers[method]
        assert handle is not None
        token = CALL.set(permit or UNGUARDED)
        try:
            self._live_front.respond(call, handle(payload))
        finally:
            CALL.reset(token)

    def _over_quota(self, call: int, method: int, permit: Permit, now: float) -> bool:
        """Counts a call; whether it was one too many, and so refused before anything is read."""
        error = permit.over_quota(now)
        if error is not None:
            self._refuse(call, method, error, now)
        return error is not None

    def _cancel(self, call: int, jobs: list[Job]) -> None:
        gone = self._in_flight.pop(call, None)
        if gone is None:
            if self.calls.paths:
                self.calls.cancel(call)
            return
        self._lane.cancel(gone)
        if gone in jobs:  # the call and its end came together: it has not been offered yet
            jobs.remove(gone)

    def _refuse(self, call: int, method: int, error: CallError, arrived_s: float) -> None:
        error.forget()
        self._on_refusal(self._paths[method], error, self._clock() - arrived_s)
        self._send_error(call, error)

    def _send_error(self, call: int, error: CallError) -> None:
        # The front raises on every other `grpc-` key, push-back among them.
        assert self._front is not None
        self._front.fail(call, error.code, error.message, error.status_details)
