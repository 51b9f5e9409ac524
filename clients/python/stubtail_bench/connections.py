"""All connections of one process of the load: made, replaced when the server leaves, closed."""

import math
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from stubtail_bench.channel import Channel, Poller
from stubtail_bench.errors import LoadError
from stubtail_bench.raw import CUT_OFF, REFUSED, Call
from stubtail_bench.traffic import Traffic

SLOW_TURN_S = 0.05  # how often a slow reader reads
_HANDSHAKE_S = 10.0
_RECONNECT_S = 0.1
_TURN_S = 0.05

Place = tuple[int, Any]
"""The family of an address, and the address as `socket.connect` takes it."""

Write = Callable[[str, Channel, Call, float], None]
"""Writes down that a call ended without an answer: outcome, its channel, the call, when."""


@dataclass(frozen=True, slots=True)
class Slow:
    """Connections, among those of a load, that read slowly: how many, and bytes a second."""

    connections: int = 0
    bytes_per_s: float = 0.0


class Connections:
    """A fixed number of places, each with the channel that takes new calls now.

    Attributes:
        slots: The channel of each place; a closed one while its server refuses connections.
        poller: Watches all channels.
        moved: Calls sent again on a new connection, as their server had not seen them.
        renewed: Connections made anew.
    """

    def __init__(
        self, address: str, traffic: Traffic, count: int, slow: Slow, write: Write
    ) -> None:
        self._address = address
        self._traffic = traffic
        self._count = count
        self._slow = slow
        self._write = write
        self._largest = max(body.size for body in traffic.bodies)
        self._leaving: list[Channel] = []
        self._refused: list[tuple[float, int]] = []
        self._barren: dict[int, float] = {}  # when a place last lost a channel without calls
        self.slots: list[Channel] = []
        self.moved = self.renewed = 0

    def open(self) -> None:
        """Opens all connections.

        Raises:
            LoadError: The server is not there, or does not speak HTTP/2.
        """
        self.poller = Poller()
        host, _, port = self._address.rpartition(":")
        try:
            found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            raise LoadError(f"no such address {self._address!r}: {error}") from error
        self._family, self._peer = _reachable([(one[0], one[4]) for one in found])
        self.slots = [self._connect(slot) for slot in range(self._count)]
        deadline = time.perf_counter() + _HANDSHAKE_S
        while not all(channel.connection.ready for channel in self.slots):
            for channel in self.poller.wait(_TURN_S):
                channel.receive()
                self.poller.flush(channel)
            closed = next((channel for channel in self.slots if channel.closed), None)
            if closed is not None or time.perf_counter() > deadline:
                why = closed.reason if closed else "no answer to the handshake"
                raise LoadError(f"cannot connect to {self._address}: {why}")

    def close(self) -> None:
        """Closes all connections."""
        for channel in self.every():
            channel.close()
        self.poller.close()

    def every(self) -> list[Channel]:
        """All channels, those that only wait for their last answers included."""
        return [*self.slots, *self._leaving]

    def slow_readers(self) -> list[Channel]:
        """The open channels that read slowly."""
        return [one for one in self.every() if one.slow_bytes and not one.closed]

    def _connect(self, slot: int) -> Channel:
        slow = 0
        if slot < self._slow.connections:
            slow = max(1, round(self._slow.bytes_per_s * SLOW_TURN_S))
        pipe = self._traffic.door.pipe(self._address.rpartition(":")[0].strip("[]"))
        limits = (self._largest, slow)
        channel = Channel(self._family, self._peer, self._traffic, limits, pipe)
        self.poller.add(channel)
        self.poller.flush(channel)
        return channel

    def retry(self, now: float) -> Channel | None:
        """Connects one of the places again that were refused, when it is time."""
        if not self._refused or self._refused[0][0] > now:
            return None
        return self._renew(self._refused.pop(0)[1])

    def follow(self, channel: Channel, now: float) -> Channel | None:
        """Follows a server that leaves; the new channel in its place, if one was made.

        Calls that the server will still answer stay on the old connection until it has; what is
        cut off is written down.
        """
        heir = self._succeed(channel, now) if channel in self.slots else None
        if channel.closed:
            for call in channel.in_flight.values():
                self._write(CUT_OFF, channel, call, now)
            channel.in_flight.clear()
        if not channel.in_flight and channel in self._leaving:
            self._leaving.remove(channel)
            self.poller.remove(channel)
            channel.close()
        return heir

    def _succeed(self, channel: Channel, now: float) -> Channel | None:
        slot = self.slots.index(channel)
        # One that never came to be, or the second in a row that goes without having taken a call:
        # wait a little, else a server that turns all away gets thousands of connections a second.
        again = channel.barren and now - self._barren.get(slot, -math.inf) < 2 * _RECONNECT_S
        if channel.barren:
            self._barren[slot] = now
        if not channel.connection.ready or again:
            channel.reason = channel.reason or "GOAWAY before any call"
            for call in (*channel.in_flight.values(), *channel.waiting):
                self._write(REFUSED, channel, call, now)
            channel.in_flight.clear()
            channel.waiting.clear()
            self.poller.remove(channel)
            channel.close()
            self._refused.append((now + _RECONNECT_S, slot))
            return None
        last = channel.connection.last_stream
        unseen = [stream for stream in channel.in_flight if last is not None and stream > last]
        moved = [channel.in_flight.pop(stream) for stream in unseen] + list(channel.waiting)
        channel.waiting.clear()
        self._leaving.append(channel)
        heir = self._renew(slot)
        self.moved += len(moved)
        for call in moved:
            heir.issue(call)
        return heir

    def _renew(self, slot: int) -> Channel:
        self.renewed += 1
        channel = self.slots[slot] = self._connect(slot)
        return channel


def _reachable(places: Sequence[Place]) -> Place:
    """The first that accepts a connection: a server may listen on only one address of a name.

    The last where none does: connecting to it then says why.
    """
    for family, address in places[:-1]:
        with suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(_HANDSHAKE_S)
            if not probe.connect_ex(address):
                return family, address
    return places[-1]
