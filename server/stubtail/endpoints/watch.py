"""AnomalyService.Watch: points of many keys in, one verdict message for each message of points."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stubtail import wire
from stubtail.anomaly.watch_keys import Batch, WatchedKeys
from stubtail.anomaly.watch_state import WatchRules
from stubtail.endpoints.detect import checked_rate
from stubtail.endpoints.method import BidiStream, parse
from stubtail.endpoints.watch_quota import WatchQuota
from stubtail.endpoints.watch_replies import state_replies, verdicts_reply
from stubtail.errors import CallError, Code, draining, invalid_field, malformed_message
from stubtail.v1 import anomaly_pb2

PATH: Final = "/stubtail.v1.AnomalyService/Watch"
# The same fields with the same numbers, and every block of doubles as bytes (see `wire`).
Request: Any = wire.derive(anomaly_pb2.WatchRequest)

WARM_UP_DEFAULT: Final = 32
WARM_UP_LEAST: Final = 8
WARM_UP_MOST: Final = 1000
SEASON_MAX: Final = 1024
KEY_CHARACTERS_MAX: Final = 256
SIZE_MAX: Final = 1e150  # squares of larger values are no numbers any more
# More points than this leave the event loop: they take a millisecond, and others wait for it.
LOOP_POINTS_MAX: Final = 256
STATE_FORMAT: Final = 1  # of exported numbers

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """Bounds of the settings `anomaly.watch_*`."""

    streams: int
    keys: int
    numbers: int
    points: int
    idle_s: float
    silent_s: float = 600.0


class WatchPoints:
    """The streams of Watch.

    Args:
        limits: how many and how much.
        clock: monotonic seconds.
    """

    def __init__(self, limits: WatchLimits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._quota = WatchQuota(limits.streams, clock)
        self._refusing = False

    def methods(self) -> list[BidiStream]:
        """The one method."""
        return [BidiStream(PATH, self.stream)]

    def refuse(self) -> None:
        """From now on no stream begins; the drain ends those that are open."""
        self._refusing = True

    async def stream(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The answers, in the order of the requests; raises CallError."""
        if self._refusing:
            raise draining()
        session = WatchSession(self._limits)
        counted = True  # the first message, as the call that brought it
        with self._quota.place():
            while (payload := await self._next(requests)) is not None:
                if not counted:
                    await self._quota.message()
                counted = False
                now = self._clock()
                if len(payload) > LOOP_POINTS_MAX * 8:
                    replies = await asyncio.to_thread(session.answer, payload, now)
                else:
                    replies = session.answer(payload, now)
                for reply in replies:
                    yield reply
                if session.pieces is not None:
                    # Each piece takes milliseconds to make; the next one when this one is sent.
                    while (reply := await asyncio.to_thread(next, session.pieces, b"")) != b"":
                        yield reply
                    session.pieces = None

    async def _next(self, requests: AsyncIterator[bytes]) -> bytes | None:
        """The next message; None after the last one; raises CallError where none comes."""
        silent_s = self._limits.silent_s
        try:
            async with asyncio.timeout(silent_s):
                return await anext(requests, None)
        except TimeoutError:
            raise CallError(
                Code.DEADLINE_EXCEEDED,
                "ANSWER_TOO_SLOW",
                f"no message came for {silent_s:g} s (setting anomaly.watch_silent_s); export the "
                "state before a pause, and open another stream with it",
                retry_after_s=-1.0,
            ) from None


class WatchSession:
    """One stream: its options, its keys, and what its messages mean.

    Args:
        limits: bounds of the server.

    Attributes:
        pieces: the replies to an export, made one by one in any thread; None without one. They
            are to be taken before the next message is answered.
    """

    def __init__(self, limits: WatchLimits) -> None:
        self._limits = limits
        self._keys: WatchedKeys | None = None
        self.pieces: Iterator[bytes] | None = None
        self._bands = False
        self._began = False  # points have come: no state is taken any more

    def answer(self, payload: bytes, now: float) -> list[bytes]:
        """The replies to one message, in order.

        Args:
            payload: a WatchRequest.
            now: monotonic seconds.

        Raises:
            CallError: the message is wrong; the stream ends with it.
        """
        request = parse(Request, payload)
        form = request.WhichOneof("body")
        if form == "options":
            if self._keys is not None:
                raise invalid_field("options", "must be in the first message, and only there")
            self._keys = self._open(request.options)
            self._bands = request.options.bands
            return []
        if self._keys is None:
            self._keys = self._open(anomaly_pb2.WatchOptions())
        if form == "points":
            self._began = True
            return [self._points(self._keys, request.points, payload, now)]
        if form == "state":
            self._restore(self._keys, request.state, payload, now)
            return []
        if form == "export":
            self.pieces = state_replies(self._keys, STATE_FORMAT)
            return []
        raise invalid_field("body", "must be set: `options`, `state`, `points` or `export`")

    def _open(self, options: Any) -> WatchedKeys:
        limits = self._limits
        rate = _of_options(checked_rate, options.false_alarm_rate)
        season = max(options.season_length, 1)
        if season > SEASON_MAX:
            problem = f"must be at most {SEASON_MAX}, got {season}"
            raise invalid_field("options.season_length", problem)
        warm_up = options.warm_up or WARM_UP_DEFAULT
        if not WARM_UP_LEAST <= warm_up <= WARM_UP_MOST:
            problem = f"must be {WARM_UP_LEAST} to {WARM_UP_MOST}, or 0, got {warm_up}"
            raise invalid_field("options.warm_up", problem)
        idle_s = options.idle_seconds
        if not idle_s >= 0:
            raise invalid_field("options.idle_seconds", f"must be 0 or more, got {idle_s:g}")
        keys_max = min(options.keys_max or limits.keys, limits.keys)
        if season > 1 and keys_max * season > limits.numbers:
            problem = (
                f"{keys_max} keys with a season of {season} points are more than the server keeps; "
                f"set `keys_max` to at most {limits.numbers // season} "
                "(setting anomaly.watch_numbers_max)"
            )
            raise invalid_field("options.keys_max", problem)
        rules = WatchRules.of(rate, season, warm_up)
        return WatchedKeys(rules, keys_max, min(idle_s or limits.idle_s, limits.idle_s))

    def _points(self, keys: WatchedKeys, points: Any, payload: bytes, now: float) -> bytes:
        values = _doubles(points.values)
        if values is None:
            values = np.array(parse(anomaly_pb2.WatchRequest, payload).points.values, np.float64)
        names = list(points.keys)
        count = len(values)
        if not 1 <= count <= self._limits.points:
            problem = f"must be 1 to {self._limits.points} values, got {count}"
            raise invalid_field("points.values", f"{problem} (setting anomaly.watch_points_max)")
        if len(names) not in {1, count}:
            problem = f"must be one for each of the {count} values, or one alone, got {len(names)}"
            raise invalid_field("points.keys", problem)
        longest = max(map(len, names))
        if longest > KEY_CHARACTERS_MAX or not all(names):
            at = next(i for i, key in enumerate(names) if not 1 <= len(key) <= KEY_CHARACTERS_MAX)
            problem = f"must have 1 to {KEY_CHARACTERS_MAX} characters, got {len(names[at])}"
            raise invalid_field(f"points.keys[{at}]", problem)
        wrong = np.flatnonzero(np.abs(values) > SIZE_MAX)  # infinite ones among them
        if len(wrong):
            at = int(wrong[0])
            problem = f"must be NaN or from -{SIZE_MAX:g} to {SIZE_MAX:g}, got {values[at]:g}"
            raise invalid_field(f"points.values[{at}]", problem)
        with np.errstate(over="ignore", invalid="ignore"):
            batch: Batch = keys.add(names, values, now)
        forgotten = keys.slots.take_forgotten()
        return verdicts_reply(
            batch,
            names,
            values,
            points.sequence,
            keys.rules.rate,
            keys_known=len(keys.slots),
            forgotten=forgotten,
            bands=self._bands,
        )

    def _restore(self, keys: WatchedKeys, state: Any, payload: bytes, now: float) -> None:
        if self._began:
            raise invalid_field("state", "must come before the first points")
        if state.format != STATE_FORMAT:
            raise invalid_field("state.format", f"must be {STATE_FORMAT}, got {state.format}")
        if state.season_length != keys.rules.season:
            problem = f"must be {keys.rules.season} as in the options, got {state.season_length}"
            raise invalid_field("state.season_length", problem)
        numbers = _doubles(state.numbers)
        if numbers is None:
            numbers = np.array(parse(anomaly_pb2.WatchRequest, payload).state.numbers, np.float64)
        names = list(state.keys)
        each = keys.slots.numbers_per_key
        if len(numbers) != len(names) * each:
            problem = f"must be {each} for each of the {len(names)} keys, got {len(numbers)}"
            raise invalid_field("state.numbers", problem)
        if not all(1 <= len(key) <= KEY_CHARACTERS_MAX for key in names):
            problem = f"each must have 1 to {KEY_CHARACTERS_MAX} characters"
            raise invalid_field("state.keys", problem)
        if len(keys.slots) + len(names) > self._limits.keys:
            raise invalid_field("state.keys", f"must be at most {self._limits.keys} in all pieces")
        try:
            keys.slots.restore(names, numbers.reshape(len(names), each), now)
        except ValueError as error:
            problem = f"the numbers of {str(error)[:64]!r} are not those of an export"
            raise invalid_field("state.numbers", problem) from None
        keys.slots.take_forgotten()


def _of_options(check: Callable[[float], float], rate: float) -> float:
    try:
        return check(rate)
    except CallError as error:
        raise invalid_field("options.false_alarm_rate", error.message.partition(": ")[2]) from None


def _doubles(values: Any) -> Numbers | None:
    """The doubles of a field; None where they came unpacked, which nobody does."""
    data = b"".join(values)
    if len(data) % 8:
        raise malformed_message("stubtail.v1.WatchRequest")
    return np.frombuffer(data, "<f8") if data else None
