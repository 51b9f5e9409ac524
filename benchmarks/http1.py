"""The closed loop for servers that speak HTTP/1.1: the same rows, counted and kept as in gRPC.

It does what `client.py` does, for peers that have no gRPC port: requests are encoded beforehand,
each connection has one call in flight, and a reply counts only with status 200 and all its bytes.
"""

import gc
import http.client
import re
import select
import socket
import struct
import time
from collections.abc import Sequence
from typing import Self

from benchmarks.calls import Calls
from benchmarks.errors import LoadError, WrongAnswerError
from benchmarks.load import Load
from benchmarks.rows import HTTP_JSON_PATH, Pool

_READ_BYTES = 1 << 18
_FIRST_CALL_S = 10.0
_SILENCE_S = 10.0  # a call without an answer for so long is lost
_KEEP_FIRST, _KEEP_EVERY = 64, 101  # replies kept for checking; 101 shares no factor with a pool
_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)\r\n")
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")


class Wire:
    """A connection that has proved itself by one answered call.

    Attributes:
        first_message: The answer to the first of the calls.
        call: Pool index and start of the call in flight.
    """

    def __init__(self, address: str, requests: Sequence[bytes]) -> None:
        """Connects to `address` (`host:port`) and sends the first of `requests`.

        Raises:
            LoadError: No connection, or the first call was not answered with 200.
        """
        self.call = (0, 0.0)
        self._came = b""
        host, _, port = address.rpartition(":")
        try:
            self.socket = socket.create_connection((host.strip("[]"), int(port)), _FIRST_CALL_S)
        except OSError as error:
            raise LoadError(f"cannot connect to {address}: {error}") from error
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket.sendall(requests[0])
            while (reply := self.receive()) is None:
                pass
        except (OSError, LoadError) as error:
            self.socket.close()
            raise LoadError(f"the first call to {address} failed: {error}") from error
        status, self.first_message = reply
        if status != "200":
            self.socket.close()
            raise LoadError(f"the first call to {address} was answered with HTTP {status}")
        self.socket.setblocking(False)

    def receive(self) -> tuple[str, bytes] | None:
        """Status and body of the reply, None while it is not complete.

        Raises:
            LoadError: The server has closed the connection, or sends what is not understood.
        """
        data = self.socket.recv(_READ_BYTES)
        if not data:
            raise LoadError("connection closed by the server")
        if self._came:
            data = self._came + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._came = data
            return None
        length, status = _LENGTH.search(data, 0, end + 2), _STATUS.match(data)
        if length is None or status is None:
            raise LoadError(f"a reply without status or content-length: {data[:200]!r}")
        size = end + 4 + int(length[1])
        if len(data) < size:
            self._came = data
            return None
        if len(data) > size:
            raise LoadError("more bytes than the reply has")
        self._came = b""
        return status[1].decode(), data[end + 4 :]

    def block(self, seconds: float) -> None:
        """Makes `receive` wait; a Python timeout would cost a system call a read."""
        self.socket.setblocking(True)
        self.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", int(seconds), 0)
        )

    def close(self) -> None:
        """Closes the socket."""
        self.socket.close()


class HttpClient:
    """Connections to one server, for one pool of calls. Use it as a context manager."""

    def __init__(self, address: str, calls: Calls, connections: int) -> None:
        """Stores where to connect, what to send, and on how many connections."""
        self._address = address
        self._requests = encode(calls.path, calls.messages)
        self._connections = connections
        self._wires: list[Wire] = []
        self._next = 0

    def __enter__(self) -> Self:
        """Opens all connections, each proved by one answered call; raises LoadError."""
        for _ in range(self._connections):
            self._wires.append(Wire(self._address, self._requests))
        return self

    def __exit__(self, *_: object) -> None:
        """Closes all connections."""
        gc.enable()
        for wire in self._wires:
            wire.close()

    def closed(self, *, streams: int, seconds: float) -> Load:
        """Keeps one call in flight on each connection for `seconds`.

        Raises:
            LoadError: `streams` is not 1: HTTP/1.1 has one call at a time on a connection.
        """
        if streams != 1:
            raise LoadError("HTTP/1.1 has one call at a time on a connection")
        load = Load()
        gc.collect()
        gc.disable()  # a pause of this process would read as one of the server
        load.client_cpu_s = -time.process_time()
        begun = time.perf_counter()
        stop = begun + seconds
        if len(self._wires) == 1:
            self._one_by_one(load, stop)
        else:
            self._together(load, stop)
        load.seconds = time.perf_counter() - begun
        load.client_cpu_s += time.process_time()
        gc.enable()
        return load

    def _one_by_one(self, load: Load, stop: float) -> None:
        """On a blocking socket, so that the client adds as little as it can."""
        wire = self._wires[0]
        wire.block(_SILENCE_S)
        while time.perf_counter() < stop:
            self._issue(load, wire)
            try:
                while not self._take(load, wire):
                    pass
            except BlockingIOError:
                break
            if load.failures:
                break
        wire.socket.setblocking(False)

    def _together(self, load: Load, stop: float) -> None:
        wires = {wire.socket.fileno(): wire for wire in self._wires}
        with select.epoll() as poller:
            for number in wires:
                poller.register(number, select.EPOLLIN)
            for wire in self._wires:
                self._issue(load, wire)
            outstanding = len(wires)
            while outstanding and (ready := poller.poll(_SILENCE_S)):
                for number, _ in ready:
                    wire = wires[number]
                    failed = load.failures.total()
                    if not self._take(load, wire):
                        continue
                    if load.failures.total() > failed:
                        poller.unregister(number)
                        outstanding -= 1
                    elif time.perf_counter() < stop:
                        self._issue(load, wire)
                    else:
                        outstanding -= 1

    def _issue(self, load: Load, wire: Wire) -> None:
        index = self._next
        self._next = (index + 1) % len(self._requests)
        load.issued += 1
        wire.call = (index, time.perf_counter())
        wire.socket.send(self._requests[index])  # at most a few kB: the socket takes all of it

    def _take(self, load: Load, wire: Wire) -> bool:
        """Reads `wire` and records its reply; whether the call has ended."""
        try:
            reply = wire.receive()
        except LoadError as error:
            load.failures[str(error)] += 1
            return True
        if reply is None:
            return False
        now = time.perf_counter()
        status, body = reply
        index, started = wire.call
        if status != "200":
            load.failures[f"HTTP {status}"] += 1
            return True
        answered = len(load.latencies_s)
        if answered < _KEEP_FIRST or not answered % _KEEP_EVERY:
            load.samples.append((index, body))
        load.latencies_s.append(now - started)
        load.sizes.add(len(body))
        return True


def encode(path: str, messages: Sequence[bytes]) -> list[bytes]:
    """Each message as the bytes of an HTTP/1.1 request."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n"
        f"content-type: {_content_type(path)}\r\ncontent-length: "
    ).encode()
    return [b"%s%d\r\n\r\n%s" % (head, len(message), message) for message in messages]


def _content_type(path: str) -> str:
    return "application/json" if path == HTTP_JSON_PATH else "application/octet-stream"


def ask(address: str, pool: Pool, indexes: Sequence[int]) -> list[tuple[int, bytes]]:
    """The replies to some calls of `pool`, through Python's own HTTP client.

    Raises:
        WrongAnswerError: A call was not answered with 200.
    """
    headers = {"content-type": _content_type(pool.calls.path)}
    replies = []
    connection = http.client.HTTPConnection(address, timeout=_FIRST_CALL_S)
    try:
        for index in indexes:
            message = pool.calls.messages[index]
            connection.request("POST", pool.calls.path, message, headers)
            reply = connection.getresponse()
            body = reply.read()
            if reply.status != http.client.OK:
                raise WrongAnswerError(f"HTTP {reply.status}: {body[:300]!r}")
            replies.append((index, body))
    except (OSError, http.client.HTTPException) as error:
        raise WrongAnswerError(f"{address}: {error}") from error
    finally:
        connection.close()
    return replies
