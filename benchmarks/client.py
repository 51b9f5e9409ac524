"""The load generator: many different calls in a closed loop, or at a fixed rate, on raw HTTP/2.

Every reply is counted once, believed only with `grpc-status: 0`, and a sample of the messages is
kept so that the caller can compare them with the right answers after the clock has stopped.
"""

import gc
import heapq
import time
from collections.abc import Callable
from itertools import chain, repeat
from typing import Self

from benchmarks.calls import Calls
from benchmarks.load import Cancels, Load
from benchmarks.wire import Poller, Wire
from stubtail_bench.http2 import OK, PREFIX_BYTES, Reply

_SILENCE_S = 10.0  # a call without an answer for so long is lost
_KEEP_FIRST, _KEEP_EVERY = 64, 101  # replies kept for checking; 101 shares no factor with a pool


class Client:
    """Connections to one server, for one pool of calls. Use it as a context manager."""

    def __init__(self, address: str, calls: Calls, *, connections: int) -> None:
        """Stores where to connect, what to send, and on how many connections."""
        self._address = address
        self._calls = calls
        self._connections = connections
        self._poller = Poller()
        self._wires: list[Wire] = []
        self._leaving: list[Wire] = []
        self._next = 0
        self._outstanding = 0
        self._started = 0.0
        self._load = Load()
        self._due_cancels: list[tuple[float, int, Wire]] = []
        self._cancels: Cancels | None = None

    def __enter__(self) -> Self:
        """Opens all connections, each proved by one answered call.

        Raises:
            LoadError: The server is not there, or does not answer the first call with OK.
        """
        for _ in range(self._connections):
            self._wires.append(self._connect())
        return self

    def __exit__(self, *_: object) -> None:
        """Closes all connections."""
        gc.enable()
        for wire in (*self._wires, *self._leaving):
            wire.close()
        self._poller.close()

    def _connect(self) -> Wire:
        wire = Wire(self._address, self._calls)
        self._poller.add(wire)
        return wire

    def closed(
        self,
        *,
        streams: int,
        seconds: float | None = None,
        count: int | None = None,
        cancels: Cancels | None = None,
        watch: Callable[[Load], None] | None = None,
    ) -> Load:
        """Keeps `streams` calls in flight on each connection, for `seconds` or `count` calls.

        `watch` sees the load after each turn of the loop; it must be quick.
        """
        load = self._begin(cancels)
        stop = self._started + (seconds if seconds is not None else float("inf"))
        left = count if count is not None else 1 << 62
        if streams * len(self._wires) == 1 and cancels is None:
            self._one_by_one(stop, left)
            return self._end()
        for wire in self._wires:
            self._refill(wire, min(streams, left - load.issued), time.perf_counter())
            self._poller.flush(wire)
        heard = self._started
        while self._outstanding:
            ready = self._poller.wait(self._until_cancel())
            due = self._cancel_due() if self._due_cancels else []
            for wire, cancelled in chain(zip(ready, repeat(0)), zip(due, repeat(1))):
                ended = cancelled or self._take(wire)
                heir = self._heir(wire)
                now = time.perf_counter()  # what we did with the replies is not the server's time
                if now < stop:
                    self._refill(heir, min(ended, left - load.issued), now)
                self._poller.flush(heir)
                if ended:
                    heard = now
            if time.perf_counter() - heard > _SILENCE_S:
                break
            if watch is not None:
                watch(load)
        return self._end()

    def _one_by_one(self, stop: float, left: int) -> None:
        """One call at a time on a blocking socket, so that the client adds as little as it can."""
        load, wire = self._load, self._wires[0]
        wire.block(_SILENCE_S)
        while load.issued < left and (now := time.perf_counter()) < stop:
            self._refill(wire, 1, now)
            wire.flush()
            while self._outstanding:
                if not self._take(wire) and time.perf_counter() - now > _SILENCE_S:
                    return
                wire.flush()
                if wire.heir is not None:  # a call that the server never saw waits there
                    wire = self._heir(wire)
                    wire.block(_SILENCE_S)
                    wire.flush()
        wire.socket.setblocking(False)

    def open(self, *, rate: float, seconds: float) -> Load:
        """Sends `rate` calls a second, whatever the answers do; latency counts from the due time.

        A late client or a full connection therefore shows as latency and never hides any.
        """
        load = self._begin(None)
        total = max(1, round(rate * seconds))
        wires = self._wires
        due = heard = self._started
        while load.issued < total or self._outstanding:
            now = time.perf_counter()
            touched = set()
            while load.issued < total and due <= now:
                wire = self._heir(wires[load.issued % len(wires)])
                self._issue(wire, due)
                touched.add(wire)
                due = self._started + load.issued / rate
            for wire in touched:
                self._poller.flush(wire)
            wait = due - time.perf_counter() if load.issued < total else 0.5
            ready = self._poller.wait(min(wait, 0.5))
            for wire in ready:
                if self._take(wire) or load.issued < total:
                    heard = time.perf_counter()
                self._poller.flush(self._heir(wire))
            if time.perf_counter() - heard > _SILENCE_S:
                break
        return self._end()

    def _begin(self, cancels: Cancels | None) -> Load:
        self._load = Load()
        self._outstanding = 0
        self._cancels = cancels
        self._due_cancels = []
        gc.collect()
        gc.disable()  # a pause of this process would read as one of the server
        self._load.client_cpu_s = -time.process_time()
        self._started = time.perf_counter()
        return self._load

    def _end(self) -> Load:
        load = self._load
        load.seconds = time.perf_counter() - self._started
        load.client_cpu_s += time.process_time()
        gc.enable()
        for wire in list(self._leaving):
            self._drop(wire)
        for wire in self._wires:  # what never came must not be counted in a later run
            wire.in_flight.clear()
            wire.waiting.clear()
        return load

    def _refill(self, wire: Wire, count: int, started: float) -> None:
        if self._cancels is not None:
            for _ in range(count):
                self._issue(wire, started)
            return
        wire.refill(self._next, count, started)
        self._next = (self._next + count) % len(self._calls.requests)
        self._load.issued += count
        self._outstanding += count

    def _issue(self, wire: Wire, started: float) -> None:
        index = self._next
        self._next = (index + 1) % len(self._calls.requests)
        load = self._load
        load.issued += 1
        self._outstanding += 1
        stream = wire.issue(index, started)
        if self._cancels is not None and stream and load.issued % self._cancels.every == 0:
            spread = load.issued * 0.618 % 1.0  # the golden ratio spreads evenly, without a seed
            heapq.heappush(
                self._due_cancels, (started + spread * self._cancels.within_s, stream, wire)
            )

    def _take(self, wire: Wire) -> int:
        """Reads `wire` and records its replies; how many calls ended."""
        data = wire.receive()
        now = time.perf_counter()
        ended = self._record(wire, wire.connection.feed(data), now)
        if wire.waiting and wire.usable:
            wire.resume()
        if not wire.usable:
            ended += self._retire(wire)
        return ended

    def _record(self, wire: Wire, replies: list[Reply], now: float) -> int:
        load, in_flight = self._load, wire.in_flight
        latencies, sizes = load.latencies_s, load.sizes
        ended = 0
        for stream, outcome, body in replies:
            call = in_flight.pop(stream, None)
            if call is None:  # we cancelled it
                continue
            ended += 1
            if outcome == OK:
                answered = len(latencies)
                if answered < _KEEP_FIRST or not answered % _KEEP_EVERY:
                    load.samples.append((call[0], body[PREFIX_BYTES:]))
                latencies.append(now - call[1])
                sizes.add(len(body) - PREFIX_BYTES)
            else:
                load.failures[outcome] += 1
        self._outstanding -= ended
        return ended

    def _retire(self, wire: Wire) -> int:
        """Follows a server that leaves: a new connection goes on, what is lost is counted.

        Calls that the server will still answer stay on the old connection until it has.
        """
        if wire.heir is None:
            self._replace(wire)
        lost = 0
        if wire.closed and wire.in_flight:
            lost = len(wire.in_flight)
            self._load.failures["connection closed by the server"] += lost
            self._outstanding -= lost
            wire.in_flight.clear()
        if wire.in_flight:
            self._poller.flush(wire)
        else:
            self._drop(wire)
        return lost

    def _replace(self, wire: Wire) -> None:
        """Connects anew, and sends there again what the server has told that it never saw."""
        self._load.goaways += 1
        last = wire.connection.last_stream
        unseen = [stream for stream in wire.in_flight if last is not None and stream > last]
        moved = [wire.in_flight.pop(stream) for stream in unseen] + list(wire.waiting)
        wire.waiting.clear()
        heir = wire.heir = self._connect()
        self._wires[self._wires.index(wire)] = heir
        self._leaving.append(wire)
        self._load.retried += len(moved)
        for index, started in moved:
            heir.issue(index, started)

    def _drop(self, wire: Wire) -> None:
        self._leaving.remove(wire)
        self._poller.remove(wire)
        wire.close()

    def _heir(self, wire: Wire) -> Wire:
        while wire.heir is not None:
            wire = wire.heir
        return wire

    def _until_cancel(self) -> float:
        if not self._due_cancels:
            return 0.5
        return max(0.0, self._due_cancels[0][0] - time.perf_counter())

    def _cancel_due(self) -> list[Wire]:
        """Gives up the calls whose time has come; their connections, once for each call."""
        freed = []
        now = time.perf_counter()
        while self._due_cancels and self._due_cancels[0][0] <= now:
            _, stream, wire = heapq.heappop(self._due_cancels)
            if wire.in_flight.pop(stream, None) is not None:
                wire.connection.cancel(stream)
                self._load.cancelled += 1
                self._outstanding -= 1
                if wire.heir is not None:
                    self._poller.flush(wire)
                freed.append(wire)
        return freed
