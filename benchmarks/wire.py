"""One TCP connection of the load generator: its socket, its calls in flight and those that wait."""

import contextlib
import select
import socket
import struct
import time
from collections import deque

from benchmarks.calls import Calls
from benchmarks.errors import LoadError
from stubtail_bench.http2 import OK, PREFIX_BYTES, Connection, ProtocolError

_READ_BYTES = 1 << 18
_HANDSHAKE_S = 10.0
_FINE_S = 0.01  # waits shorter than this are timed in microseconds, longer ones may end early


class Wire:
    """A connected, non-blocking socket that has proved itself by one answered call.

    Attributes:
        in_flight: Pool index and start (or due) time of each call by stream id.
        waiting: Calls that the peer's limits hold back, in order.
        closed: Whether the peer has closed the connection.
        first_message: The answer to the first of the calls.
        heir: The connection that took over when this one could take no more calls.
    """

    def __init__(self, address: str, calls: Calls) -> None:
        """Connects to `address` (`host:port`) and sends the first of `calls`.

        Raises:
            LoadError: No connection, or the first call was not answered with OK.
        """
        self._calls = calls
        self.connection = Connection()
        self.in_flight: dict[int, tuple[int, float]] = {}
        self.waiting: deque[tuple[int, float]] = deque()
        self.closed = False
        self.heir: Wire | None = None
        self._next_stream = 3  # stream 1 is the handshake's call
        self._unsent = b""
        host, _, port = address.rpartition(":")
        try:
            self.socket = socket.create_connection((host.strip("[]"), int(port)), _HANDSHAKE_S)
        except OSError as error:
            raise LoadError(f"cannot connect to {address}: {error}") from error
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.first_message = self._shake_hands()[PREFIX_BYTES:]
        except (OSError, ProtocolError) as error:
            self.socket.close()
            raise LoadError(f"no HTTP/2 handshake with {address}: {error}") from error
        except LoadError:
            self.socket.close()
            raise
        self.socket.setblocking(False)

    def _shake_hands(self) -> bytes:
        """Waits for the peer's settings, then for the answer to the opening call."""
        deadline = time.monotonic() + _HANDSHAKE_S
        self._send_all()
        asked = False
        while time.monotonic() < deadline:
            data = self.socket.recv(_READ_BYTES)
            if not data:
                raise LoadError("the server closed the connection during the handshake")
            for _, outcome, message in self.connection.feed(data):
                if outcome != OK:
                    raise LoadError(f"the first call to {self._calls.path} failed: {outcome}")
                self._send_all()
                return message
            if self.connection.ready and not asked:
                self._check_limits()
                self.connection.out.append(self._calls.opening.wire(1))
                self.connection.window -= self._calls.opening.size
                asked = True
            self._send_all()
        raise LoadError(f"the first call to {self._calls.path} was not answered")

    def _check_limits(self) -> None:
        largest = max(request.size for request in self._calls.requests)
        limit = min(self.connection.stream_window, self.connection.window)
        if largest > limit:
            raise LoadError(f"a request of {largest} bytes exceeds the server's window of {limit}")

    def _send_all(self) -> None:
        self.socket.sendall(b"".join(self.connection.out))
        self.connection.out.clear()

    @property
    def usable(self) -> bool:
        """Whether new calls may be sent on it."""
        return not self.closed and self.connection.last_stream is None

    def issue(self, index: int, started: float) -> int:
        """Queues call `index` of the pool for sending; the stream id, or 0 while it must wait."""
        connection = self.connection
        request = self._calls.requests[index]
        if request.size > connection.window or len(self.in_flight) >= connection.max_streams:
            self.waiting.append((index, started))
            return 0
        stream = self._next_stream
        self._next_stream = stream + 2
        connection.window -= request.size
        connection.out.append(request.wire(stream))
        self.in_flight[stream] = (index, started)
        return stream

    def refill(self, first: int, count: int, started: float) -> None:
        """Issues `count` calls of the pool from `first` on: `issue` without its overheads."""
        connection, requests = self.connection, self._calls.requests
        stream, window, size = self._next_stream, connection.window, len(requests)
        out, in_flight = connection.out, self.in_flight
        room = connection.max_streams - len(in_flight)
        for index in range(first, first + count):
            request = requests[index % size]
            if window < request.size or room <= 0:
                self.waiting.append((index % size, started))
                continue
            window -= request.size
            room -= 1
            out.append(stream.to_bytes(4, "big").join(request.pieces))
            in_flight[stream] = (index % size, started)
            stream += 2
        self._next_stream, connection.window = stream, window

    def resume(self) -> None:
        """Sends what waited, as far as the peer's limits allow now."""
        for _ in range(len(self.waiting)):
            if not self.issue(*self.waiting.popleft()):
                self.waiting.appendleft(self.waiting.pop())
                return

    def receive(self) -> bytes:
        """What the socket has, for `connection.feed`; `closed` is set when the peer has left."""
        try:
            data = self.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        self.closed = not data
        return data

    def block(self, seconds: float) -> None:
        """Makes `receive` wait for the next bytes, for at most `seconds`."""
        self.socket.setblocking(True)  # a Python timeout would cost a system call for each read
        timeout = struct.pack("ll", int(seconds), 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)

    def flush(self) -> bool:
        """Sends what is queued; whether something is left that the socket did not take."""
        out = self.connection.out
        if out:
            self._unsent += b"".join(out)
            out.clear()
        if self._unsent and not self.closed:
            try:
                sent = self.socket.send(self._unsent)
            except BlockingIOError:
                return True
            except OSError:
                self.closed = True
                return False
            self._unsent = self._unsent[sent:]
        return bool(self._unsent) and not self.closed

    def close(self) -> None:
        """Closes the socket; calls in flight are gone."""
        self.closed = True
        with contextlib.suppress(OSError):
            self.socket.close()


class Poller:
    """Waits for many wires with a resolution of microseconds (`epoll` alone has milliseconds)."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._wires: dict[int, Wire] = {}
        self._writers: set[int] = set()

    def add(self, wire: Wire) -> None:
        """Watches `wire` for replies."""
        number = wire.socket.fileno()
        self._wires[number] = wire
        self._epoll.register(number, select.EPOLLIN)

    def remove(self, wire: Wire) -> None:
        """Forgets `wire`, which is still open."""
        number = wire.socket.fileno()
        del self._wires[number]
        self._writers.discard(number)
        self._epoll.unregister(number)

    def flush(self, wire: Wire) -> None:
        """Sends what `wire` has queued, now or as soon as the socket takes it."""
        number = wire.socket.fileno()
        if wire.flush():
            if number not in self._writers:
                self._writers.add(number)
                self._epoll.modify(number, select.EPOLLIN | select.EPOLLOUT)
        elif number in self._writers:
            self._writers.discard(number)
            self._epoll.modify(number, select.EPOLLIN)

    def wait(self, seconds: float) -> list[Wire]:
        """The wires that have something to read or room to write, at the latest after `seconds`."""
        if seconds >= _FINE_S:
            ready = self._epoll.poll(seconds - _FINE_S / 2)
        elif select.select([self._epoll], [], [], max(0.0, seconds))[0]:
            ready = self._epoll.poll(0)
        else:
            return []
        wires = self._wires
        return [wires[number] for number, _ in ready]

    def close(self) -> None:
        """Gives the descriptor back."""
        self._epoll.close()
