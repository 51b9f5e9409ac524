"""One TCP connection of the load: its socket, its calls in flight and those that must wait.

Nothing here blocks, connecting included: a server that leaves or stalls must not stop the clock of
the calls on other connections.
"""

import contextlib
import errno
import select
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from stubtail_bench.door import TlsPipe
from stubtail_bench.errors import LoadError
from stubtail_bench.headers import HeaderTable
from stubtail_bench.http2 import END_HEADERS, HEADERS, Connection, ProtocolError, Reply, frame_start
from stubtail_bench.raw import Call
from stubtail_bench.traffic import Traffic

_READ_BYTES = 1 << 18
_SLOW_BUFFER_BYTES = 4_096  # of the kernel, for a reader that is slow on purpose
_FINE_S = 0.01  # waits shorter than this are timed in microseconds, longer ones may end early
_SPIN_S = 2e-5  # shorter than a turn of the scheduler: not worth going to sleep


class Channel:
    """A connection that is being made, is in use, or has ended.

    Attributes:
        connection: What HTTP/2 knows of the peer.
        in_flight: The calls that wait for their answer, by stream id.
        waiting: Calls that the peer's limits or the handshake hold back, in order.
        closed: Whether it has ended.
        reason: Why it has ended, in words.
        heard: When something came last (perf_counter).
        slow_bytes: At most so many bytes are read at a time; 0 reads all there is.
    """

    def __init__(
        self,
        family: int,
        address: Any,
        traffic: Traffic,
        limits: Sequence[int] = (0, 0),
        pipe: TlsPipe | None = None,
    ) -> None:
        """Begins to connect.

        Args:
            family: Of the address.
            address: As `socket.connect` takes it.
            traffic: What is sent.
            limits: Bytes of one message at most that the peer must accept, and `slow_bytes`.
            pipe: What its bytes go through; None for plain text.
        """
        self._largest, self.slow_bytes = limits
        self._pipe = pipe
        self._kinds = [kind.headers(traffic.door) for kind in traffic.kinds]
        self._bodies = traffic.bodies
        self._table = HeaderTable()
        self._heads: dict[int, tuple[bytes, bytes]] = {}
        self._next_stream = 1
        self._unsent = b""
        self.connection = Connection()
        self.in_flight: dict[int, Call] = {}
        self.waiting: deque[Call] = deque()
        self.closed = False
        self.reason = ""
        self.heard = 0.0
        self._broken = False  # it takes nothing more
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.slow_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SLOW_BUFFER_BYTES)
        status = self.socket.connect_ex(address)
        if status not in {0, errno.EINPROGRESS}:
            self._end(errno.errorcode.get(status, str(status)))

    @property
    def usable(self) -> bool:
        """Whether new calls may be sent on it."""
        return not (self.closed or self._broken) and self.connection.last_stream is None

    @property
    def barren(self) -> bool:
        """Whether its peer has taken no call on it."""
        return self._next_stream == 1 or self.connection.last_stream == 0

    def issue(self, call: Call) -> int:
        """Queues a call for sending; its stream id, or 0 while it must wait."""
        connection = self.connection
        body = self._bodies[call[1]]
        if (
            self.waiting
            or not connection.ready
            or body.size > connection.window
            or len(self.in_flight) >= connection.max_streams
        ):
            self.waiting.append(call)
            return 0
        return self._send(call)

    def _send(self, call: Call) -> int:
        connection = self.connection
        body = self._bodies[call[1]]
        head = self._heads.get(body.kind)
        if head is None:
            head = self._head(body.kind)
        stream = self._next_stream
        self._next_stream = stream + 2
        connection.window -= body.size
        name = stream.to_bytes(4, "big")
        connection.out += (head[0], name, head[1], name.join(body.pieces))
        self.in_flight[stream] = call
        return stream

    def _head(self, kind: int) -> tuple[bytes, bytes]:
        """The HEADERS frame of a kind before and after its stream id."""
        changes = self._table.changes
        block = self._table.encode(self._kinds[kind], self.connection.header_table_bytes)
        head = (frame_start(len(block), HEADERS, END_HEADERS), block)
        if self._table.changes == changes:
            self._heads[kind] = head
        else:  # all indexes have moved
            self._heads.clear()
        return head

    def resume(self) -> list[tuple[int, Call]]:
        """Sends what waited, as far as the peer's limits allow now; stream id and call of each."""
        sent: list[tuple[int, Call]] = []
        connection = self.connection
        while self.waiting and connection.ready:
            call = self.waiting[0]
            if (
                self._bodies[call[1]].size > connection.window
                or len(self.in_flight) >= connection.max_streams
            ):
                break
            self.waiting.popleft()
            sent.append((self._send(call), call))
        return sent

    def receive(self) -> list[Reply]:
        """The calls that ended in what the socket has; `closed` is set when the peer has left.

        Raises:
            LoadError: The peer accepts smaller messages than the workload has.
        """
        size = self.slow_bytes if self.slow_bytes and self.connection.ready else _READ_BYTES
        try:
            data = self.socket.recv(size)
        except BlockingIOError:
            return []
        except OSError as error:
            self._end(error.strerror or str(error))
            return []
        self.heard = time.perf_counter()
        if not data:
            self._end("closed by the server")
            return []
        was_ready, table_bytes = self.connection.ready, self.connection.header_table_bytes
        try:
            replies = self.connection.feed(self._pipe.taken(data) if self._pipe else data)
        except (ProtocolError, ssl.SSLError) as error:
            self._end(str(error))
            return []
        if self.connection.header_table_bytes != table_bytes:
            self._heads.clear()  # the next block says so
        if self.connection.ready and not was_ready:
            window = min(self.connection.stream_window, self.connection.window)
            if self._largest > window:
                raise LoadError(
                    f"a request of {self._largest} bytes exceeds the server's window of {window}"
                )
        return replies

    def flush(self) -> bool:
        """Sends what is queued; whether something is left that the socket did not take."""
        out = self.connection.out
        if out or self._pipe is not None:
            data = b"".join(out)
            self._unsent += data if self._pipe is None else self._pipe.wrapped(data)
            out.clear()
        if not self._unsent or self.closed or self._broken:
            return False
        try:
            sent = self.socket.send(self._unsent)
        except BlockingIOError:
            return True
        except OSError as error:  # what the peer sent before it left can still be read
            self.reason = self.reason or error.strerror or str(error)
            self._broken = True
            self._unsent = b""
            return False
        self._unsent = self._unsent[sent:]
        return bool(self._unsent)

    def block(self, seconds: float) -> None:
        """Makes `receive` wait for the next bytes, for at most `seconds`; 0: not at all."""
        self.socket.setblocking(seconds > 0)  # a Python timeout would cost a system call a read
        if seconds:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval(seconds))

    def _end(self, reason: str) -> None:
        self.closed = True
        self.reason = self.reason or reason

    def close(self) -> None:
        """Closes the socket; calls in flight are gone."""
        self.closed = True
        with contextlib.suppress(OSError):
            self.socket.close()


def timeval(seconds: float) -> bytes:
    """A time as the kernel takes it for a socket, never 0, which would be for ever."""
    whole_s = int(seconds)
    return struct.pack("ll", whole_s, round((seconds - whole_s) * 999_999) or (not whole_s))


class Poller:
    """Waits for many channels with a resolution of microseconds (`epoll` alone has a millisecond).

    A slow reader is not watched for what it could read: the engine reads for it by the clock.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._channels: dict[int, Channel] = {}
        self._wanted: dict[int, int] = {}

    def add(self, channel: Channel) -> None:
        """Watches a channel."""
        number = channel.socket.fileno()
        self._channels[number] = channel
        self._wanted[number] = select.EPOLLIN
        self._epoll.register(number, select.EPOLLIN)

    def remove(self, channel: Channel) -> None:
        """Forgets a channel, which is still open."""
        number = channel.socket.fileno()
        del self._channels[number]
        del self._wanted[number]
        self._epoll.unregister(number)

    def flush(self, channel: Channel) -> None:
        """Sends what a channel has queued, now or as soon as the socket takes it."""
        left = channel.flush()
        number = channel.socket.fileno()
        slow = channel.slow_bytes and channel.connection.ready
        wanted = (0 if slow else select.EPOLLIN) | (select.EPOLLOUT if left else 0)
        if wanted != self._wanted[number]:
            self._wanted[number] = wanted
            self._epoll.modify(number, wanted)

    def wait(self, seconds: float) -> list[Channel]:
        """The channels that have something to read, room to write or an end, within `seconds`."""
        if seconds <= _SPIN_S:
            ready = self._epoll.poll(0)
        elif seconds >= _FINE_S:
            ready = self._epoll.poll(seconds - _FINE_S / 2)
        elif select.select([self._epoll], [], [], seconds)[0]:
            ready = self._epoll.poll(0)
        else:
            return []
        channels = self._channels
        return [channels[number] for number, _ in ready]

    def close(self) -> None:
        """Gives the descriptor back."""
        self._epoll.close()
