"""How the sync client sends: connections in turn, retries, hedges, streams and large inputs."""

import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from functools import partial
from typing import Any, TypeVar

import grpc

from stubtail_client.closing import Closes
from stubtail_client.core import Core
from stubtail_client.errors import StubtailError, closed_client
from stubtail_client.exchanges import Exchange
from stubtail_client.hedging import Race
from stubtail_client.options import Deadline, Metadata
from stubtail_client.plans import Part, Plan
from stubtail_client.retries import retry_wait_s
from stubtail_client.sync_connection import SyncConnection

Piece = TypeVar("Piece")
Result = TypeVar("Result")
_LOST = (grpc.RpcError, grpc.FutureCancelledError, ValueError)


class SyncCalls(Closes, Core):
    """Core, with connections; threads may share it."""

    def _open(self) -> None:
        self._connections = [
            SyncConnection(self._settings, self._channel_credentials)
            for _ in range(self._settings.connections)
        ]
        self._turns = itertools.cycle(self._connections)  # next() of it is atomic: no lock
        self._closing = threading.Event()

    def close(self) -> None:
        """Closes the connections. Calls under way end with Cancelled. May be called twice."""
        self._closed = True
        self._closing.set()
        for pooled in self._connections:
            pooled.channel.close()

    def _ask(self, path: str, message: bytes, timeout: float | None) -> bytes:
        return self._call(path, message, self._deadline(timeout), self._metadata())[0]

    def _call(
        self, path: str, message: bytes, deadline: Deadline, metadata: Metadata, attempt: int = 1
    ) -> tuple[bytes, Any]:
        """One call to its end, from this attempt on: the reply, and the call of gRPC."""
        hedge_after = self._hedge_after(path)
        if hedge_after is not None:
            race = Race(
                deadline, hedge_after, self._retries, self._hedges, time.monotonic(), attempt
            )
            return self._hedged(path, message, deadline, metadata, race)
        while True:
            pooled = next(self._turns)
            try:
                reply, call = pooled.methods[path].with_call(
                    message, timeout=deadline.remaining(), metadata=metadata
                )
            except _LOST as error:
                self._wait_or_raise(self._failed(error, pooled, deadline), error, attempt, deadline)
            else:
                self._retries.succeeded()
                return reply, call
            attempt += 1

    def _hedged(
        self, path: str, message: bytes, deadline: Deadline, metadata: Metadata, race: Race
    ) -> tuple[bytes, Any]:
        """The same, with a second copy of the call where the first is late."""
        ended: queue.SimpleQueue[tuple[int, SyncConnection, Any]] = queue.SimpleQueue()
        running: dict[int, Any] = {}
        try:
            while True:
                for leg in race.due(time.monotonic()):
                    pooled = next(self._turns)
                    running[leg] = self._start(pooled, path, message, deadline, metadata)
                    running[leg].add_done_callback(partial(_note, ended, leg, pooled))
                wait_s = race.wait_s(time.monotonic())
                if not running:
                    if self._closing.wait(wait_s or 0):
                        raise closed_client()
                    continue
                try:
                    leg, pooled, future = ended.get(timeout=wait_s)
                except queue.Empty:
                    continue
                del running[leg]
                try:
                    reply = future.result()
                except _LOST as error:
                    failure = self._failed(error, pooled, deadline)
                    if race.failed(leg, failure, time.monotonic()):
                        raise failure from error
                else:
                    race.succeeded()
                    return reply, future
        finally:
            for future in running.values():
                future.cancel()

    def _stream(self, path: str, message: bytes, timeout: float) -> Generator[bytes, None, None]:
        """The messages of a stream, which is begun anew while none has come; closing it cancels."""
        deadline = self._deadline(timeout)
        for attempt in itertools.count(1):
            pooled = next(self._turns)
            call: Any = None
            begun = False
            try:
                start = pooled.channel.unary_stream(path)
                call = start(message, timeout=deadline.remaining(), metadata=self._metadata())
                for reply in call:
                    begun = True
                    yield reply
            except _LOST as error:
                failure = self._failed(error, pooled, deadline)
                if begun:
                    raise failure from error
                self._wait_or_raise(failure, error, attempt, deadline)
            else:
                self._retries.succeeded()
                return
            finally:
                if call is not None:
                    call.cancel()

    def _exchange(self, path: str, timeout: float) -> Exchange:
        """A stream both ways. It is not begun anew: the server keeps what it has learned in it."""
        deadline = self._deadline(timeout)
        pooled = next(self._turns)
        start = partial(
            pooled.channel.stream_stream(path),
            timeout=deadline.remaining(),
            metadata=self._metadata(),
        )
        return Exchange(start, partial(self._failed, pooled=pooled, deadline=deadline))

    def _carry_out(self, plan: Plan[Piece, Result]) -> Result:
        """The answers to all parts as one."""
        deadline = self._deadline(plan.timeout)
        metadata = self._metadata(plan.metadata)
        part = plan.first()
        reply, call = self._call(plan.path, part.message, deadline, metadata)
        first = plan.decode(part, reply, call.trailing_metadata() if plan.timed else ())
        if plan.count == 1:
            return plan.join([first])
        return plan.join([first, *self._rest(plan, first, deadline, metadata)])

    def _rest(
        self, plan: Plan[Piece, Result], first: Piece, deadline: Deadline, metadata: Metadata
    ) -> Iterator[Piece]:
        """The answers to all parts but the first; each connection has one under way."""
        waiting: deque[tuple[Part, SyncConnection, Any]] = deque()
        try:
            for part in plan.rest(first):
                if len(waiting) == self._settings.connections:
                    yield self._answer(plan, deadline, metadata, *waiting.popleft())
                pooled = next(self._turns)
                future = self._start(pooled, plan.path, part.message, deadline, metadata)
                waiting.append((part, pooled, future))
            while waiting:
                yield self._answer(plan, deadline, metadata, *waiting.popleft())
        finally:
            for _, _, future in waiting:
                future.cancel()

    def _answer(
        self,
        plan: Plan[Piece, Result],
        deadline: Deadline,
        metadata: Metadata,
        part: Part,
        pooled: SyncConnection,
        future: Any,
    ) -> Piece:
        try:
            try:
                reply, call = future.result(), future
            except _LOST as error:
                self._wait_or_raise(self._failed(error, pooled, deadline), error, 1, deadline)
                reply, call = self._call(plan.path, part.message, deadline, metadata, attempt=2)
        except StubtailError as error:
            plan.locate(error, part)
            raise
        return plan.decode(part, reply, call.trailing_metadata() if plan.timed else ())

    def _start(
        self,
        pooled: SyncConnection,
        path: str,
        message: bytes,
        deadline: Deadline,
        metadata: Metadata,
    ) -> Any:
        """A call that is under way."""
        try:
            return pooled.methods[path].future(
                message, timeout=deadline.remaining(), metadata=metadata
            )
        except ValueError as error:
            raise self._failed(error, pooled, deadline) from error

    def _failed(self, error: Any, pooled: SyncConnection, deadline: Deadline) -> StubtailError:
        return self._failure(error, deadline, connected=pooled.is_ready())

    def _wait_or_raise(
        self, failure: StubtailError, cause: Exception, attempt: int, deadline: Deadline
    ) -> None:
        """Waits until the next attempt; raises the failure where there is none."""
        wait_s = retry_wait_s(failure, attempt, deadline.remaining(), self._retries)
        if wait_s is None:
            raise failure from cause
        if self._closing.wait(wait_s):
            raise closed_client() from cause


def _note(ended: Any, leg: int, pooled: SyncConnection, future: Any) -> None:
    ended.put((leg, pooled, future))
