"""The load generator of one process: an open loop by a plan, or a closed loop, on raw HTTP/2.

In the open loop a call is sent when it is due, whatever the answers do, and its latency counts from
then on: a stall of the server, of the network or of this process shows in every call that was due
meanwhile. Every call that is issued ends up in exactly one log: under the status of its answer, or
as given up by the client, cut off, refused or lost.
"""

import gc
import heapq
import math
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Self

import numpy as np

from stubtail_bench.channel import Channel
from stubtail_bench.connections import SLOW_TURN_S, Connections, Slow
from stubtail_bench.plan import Plan
from stubtail_bench.raw import CUT_OFF, LOST, REFUSED, Call, Raw
from stubtail_bench.traffic import Traffic

_BURST = 64  # calls sent in one turn before the answers are looked at again
_TURN_S = 0.05  # the longest sleep
_WATCH_S = 0.5

Watch = Callable[[Raw], None]


class Engine:
    """Connections to one server. Use it as a context manager."""

    def __init__(
        self,
        address: str,
        traffic: Traffic,
        *,
        connections: int,
        slow: Slow | None = None,
        patience_s: float = 10.0,
    ) -> None:
        """Stores where to send what, on how many connections.

        Args:
            address: `host:port` of the server.
            traffic: What is sent.
            connections: TCP connections; calls take them in turn.
            slow: How many of them read slowly.
            patience_s: A call without an answer so long after the last one was due is lost.
        """
        self._traffic = traffic
        self._patience_s = patience_s
        self._kind_of = [body.kind for body in traffic.bodies]
        self._connections = Connections(
            address, traffic, connections, slow or Slow(), self._ended_without_answer
        )
        self._given_up: list[tuple[float, int, int, Channel]] = []
        self._serial = count()  # two calls may be given up at one time
        self._slow = bool(slow and slow.connections)
        self._next_slow = self._next_watch = 0.0
        self._watch: Watch | None = None
        self._limited = False  # whether calls are given up
        self._streams = 0
        self._refill_until = -math.inf
        self._bodies: Sequence[int] = ()
        self._next_body = 0
        self._raw = Raw()

    def __enter__(self) -> Self:
        """Opens all connections.

        Raises:
            LoadError: The server is not there, or does not speak HTTP/2.
        """
        try:
            self._connections.open()
        except BaseException:
            self._connections.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Closes all connections."""
        gc.enable()
        self._connections.close()

    def open(self, plan: Plan, *, start: float | None = None, watch: Watch | None = None) -> Raw:
        """Sends the calls of a plan when they are due.

        Args:
            plan: Which calls.
            start: When the plan begins (perf_counter), for several processes at once; None: now.
            watch: Sees what there is so far twice a second; it must be quick.
        """
        begin = time.perf_counter() + plan.to_prepare_s if start is None else start
        raw = self._begin(begin, watch)
        self._limited = bool(np.isfinite(plan.cancel_s).any())
        slots, poller, lags = self._connections.slots, self._connections.poller, raw.lags
        due_s = (plan.due_s + raw.start).tolist()
        bodies, cancel_s = plan.body.tolist(), (plan.cancel_s + raw.start).tolist()
        sent, total, places = 0, len(plan), len(slots)

        def send(now: float) -> float:
            nonlocal sent
            touched = set()
            while sent < total and due_s[sent] <= now:
                channel = slots[sent % places]
                lags.append(now - due_s[sent])
                self._issue(channel, (due_s[sent], bodies[sent], cancel_s[sent]))
                touched.add(channel)
                sent += 1
                if not sent % _BURST:
                    break
            for channel in touched:
                if not channel.closed:
                    poller.flush(channel)
            return due_s[sent] - time.perf_counter() if sent < total else math.inf

        last = max([raw.start + plan.until_s, *due_s[-1:]])
        self._loop(send, last + self._patience_s)
        return self._end()

    def closed(
        self,
        bodies: Sequence[int],
        *,
        streams: int,
        seconds: float,
        start: float | None = None,
        watch: Watch | None = None,
    ) -> Raw:
        """Keeps `streams` calls in flight on each connection; a call is due when it is sent.

        Args:
            bodies: What the calls ask, in turn and again from the first.
            streams: Calls in flight on each connection.
            seconds: Until the last call is sent.
            start: As for `open`.
            watch: As for `open`.
        """
        raw = self._begin(start, watch)
        self._bodies, self._next_body, self._streams = bodies, 0, streams
        time.sleep(max(0.0, raw.start - time.perf_counter()))
        stop = self._refill_until = raw.start + seconds
        for channel in list(self._connections.slots):
            self._fill(channel)
        if streams == len(self._connections.slots) == 1:
            self._one_by_one(self._connections.slots[0], stop)
        self._loop(lambda now: _TURN_S if now < stop else math.inf, stop + self._patience_s)
        return self._end()

    def _one_by_one(self, channel: Channel, stop: float) -> None:
        """One call at a time on a blocking socket, so that this process adds what little it can."""
        channel.block(self._patience_s)
        while channel.usable and channel.in_flight and (now := time.perf_counter()) < stop:
            self._look(now)
            self._take(channel)
        if not channel.closed:
            channel.block(0)

    def _begin(self, start: float | None, watch: Watch | None) -> Raw:
        gc.collect()
        gc.disable()  # a pause of this process would read as one of the server
        self._watch, self._limited, self._refill_until = watch, False, -math.inf
        now = time.perf_counter()
        self._raw = Raw(start=now if start is None else start, cpu_s=-time.process_time())
        self._next_watch = self._raw.start + _WATCH_S
        self._connections.moved = self._connections.renewed = 0
        return self._raw

    def _end(self) -> Raw:
        raw, now = self._raw, time.perf_counter()
        for channel in self._connections.every():
            for call in (*channel.in_flight.values(), *channel.waiting):
                self._ended_without_answer(LOST, channel, call, now)
            channel.in_flight.clear()  # what comes too late must not count in a later run
            channel.waiting.clear()
        raw.seconds = now - raw.start
        raw.cpu_s += time.process_time()
        raw.retried, raw.reconnects = self._connections.moved, self._connections.renewed
        gc.enable()
        self._given_up.clear()
        return raw

    def _loop(self, send: Callable[[float], float], give_up_at: float) -> None:
        """Turns until everything has been sent and has ended, or until `give_up_at`.

        `send` sends what is due and returns the seconds to its next call, infinity for none.
        """
        raw, connections = self._raw, self._connections
        while True:
            now = time.perf_counter()
            wait = send(now)
            if wait == math.inf and (raw.ended == raw.issued or now > give_up_at):
                return
            if self._limited:
                wait = min(wait, self._cancel_due(now))
            if self._slow:
                wait = min(wait, self._read_slowly(now))
            new = connections.retry(now)
            if new is not None:
                self._fill(new)
            self._look(now)
            for channel in connections.poller.wait(min(max(wait, 0.0), _TURN_S)):
                self._take(channel)

    def _look(self, now: float) -> None:
        if self._watch is not None and now >= self._next_watch:
            self._next_watch = now + _WATCH_S
            self._watch(self._raw)

    def _issue(self, channel: Channel, call: Call) -> None:
        self._raw.issued += 1
        if channel.closed:
            self._ended_without_answer(REFUSED, channel, call, time.perf_counter())
            return
        stream = channel.issue(call)
        if stream and call[2] != math.inf:
            self._give_up_later(channel, stream, call)

    def _give_up_later(self, channel: Channel, stream: int, call: Call) -> None:
        heapq.heappush(self._given_up, (call[2], next(self._serial), stream, channel))

    def _issue_more(self, channel: Channel, count: int, now: float) -> None:
        """Issues the next calls of a closed loop."""
        if channel.closed:
            return  # the loop goes on when there is a new connection
        bodies, at = self._bodies, self._next_body
        for _ in range(count):
            channel.issue((now, bodies[at], math.inf))
            at += 1
            if at == len(bodies):
                at = 0
        self._next_body = at
        self._raw.issued += count

    def _fill(self, channel: Channel) -> None:
        """In the closed loop, gives a channel as many calls as it shall have in flight."""
        now = time.perf_counter()
        if now < self._refill_until:
            missing = self._streams - len(channel.in_flight) - len(channel.waiting)
            self._issue_more(channel, max(0, missing), now)
        if not channel.closed:
            self._connections.poller.flush(channel)

    def _take(self, channel: Channel) -> None:
        """Reads a channel, writes down what ended, sends what may be sent now."""
        replies = channel.receive()
        now = channel.heard
        if replies:
            ended = self._raw.write_replies(
                replies, channel.in_flight, self._kind_of, self._shift(channel), now
            )
            begin = time.perf_counter()  # what we did with the replies is not the server's time
            if begin < self._refill_until and channel.usable:
                self._issue_more(channel, ended, begin)
        if channel.waiting:
            for stream, call in channel.resume():
                if call[2] != math.inf:
                    self._give_up_later(channel, stream, call)
        if not channel.closed:
            self._connections.poller.flush(channel)
        if not channel.usable:
            heir = self._connections.follow(channel, time.perf_counter())
            if heir is not None:
                self._fill(heir)

    def _shift(self, channel: Channel) -> int:
        return len(self._traffic.kinds) if channel.slow_bytes else 0

    def _ended_without_answer(self, outcome: str, channel: Channel, call: Call, now: float) -> None:
        if outcome in {CUT_OFF, REFUSED}:
            self._raw.messages.setdefault(outcome, channel.reason)
        self._raw.write(outcome, call, self._kind_of[call[1]] + self._shift(channel), now)

    def _cancel_due(self, now: float) -> float:
        """Gives up the calls whose time has come; seconds to the next one."""
        while self._given_up and self._given_up[0][0] <= now:
            _, _, stream, channel = heapq.heappop(self._given_up)
            call = channel.in_flight.pop(stream, None)
            if call is not None:
                channel.connection.cancel(stream)
                self._ended_without_answer(self._traffic.why_given_up(call), channel, call, now)
                if not channel.closed:
                    self._connections.poller.flush(channel)
        for channel in self._connections.slots:  # those that were never sent
            while channel.waiting and channel.waiting[0][2] <= now:
                call = channel.waiting.popleft()
                self._ended_without_answer(self._traffic.why_given_up(call), channel, call, now)
        return self._given_up[0][0] - now if self._given_up else math.inf

    def _read_slowly(self, now: float) -> float:
        """Lets the slow readers read their share; seconds to the next time."""
        if now >= self._next_slow:
            self._next_slow = now + SLOW_TURN_S
            for channel in self._connections.slow_readers():
                self._take(channel)
        return self._next_slow - now
