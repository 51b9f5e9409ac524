"""One attempt: asks one upstream and reads what it answers, with patience for each phase.

Waiting is counted only while something is awaited from the upstream: a caller who takes its time
over a piece of the answer uses up nobody's patience.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from stubtail.llm import failures, openai_reply
from stubtail.llm.failures import AttemptFailedError, Outcome
from stubtail.llm.http import BrokenOffError, ConnectFailedError, Http, Reply
from stubtail.llm.openai_reply import Piece
from stubtail.llm.sse import EventParser, EventTooLargeError, ServerEvent
from stubtail.llm.upstreams import Upstream

ERROR_BYTES_MAX: Final = 64 * 1024
TAIL_S: Final = 1.0  # after the reason of the end: usage comes at once, or not at all
LINGER_S: Final = 0.02  # after the last event: an ended body can be followed by another request
JSON: Final = "application/json"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each phase may take, seconds, and when everything must be over (monotonic)."""

    connect_s: float
    first_s: float
    stall_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """How much is held in memory, bytes."""

    event_bytes_max: int
    answer_bytes_max: int


class Reader:
    """Reads the answer of one upstream.

    Args:
        http: the connections.
        upstream: whom to ask.
        patience: how long to wait.
        limits: how much to take.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        http: Http,
        upstream: Upstream,
        patience: Patience,
        limits: ReadLimits,
        clock: Callable[[], float],
    ) -> None:
        self._http = http
        self._upstream = upstream
        self._patience = patience
        self._limits = limits
        self._clock = clock
        self._reply: Reply | None = None
        self._parser = EventParser(limits.event_bytes_max)
        self._left_s = patience.first_s
        self._waiting_for = failures.NO_FIRST_TOKEN
        self._bytes = 0
        self._finished = False
        self._failure: AttemptFailedError | None = None
        self.waited_s = 0.0
        self.http_status = 0

    async def ask(self, path: str, body: bytes, *, stream: bool) -> None:
        """Sends the request and checks the head of the reply.

        Raises:
            AttemptFailedError: it cannot be sent, or what comes is no answer by its head.
        """
        origin = self._upstream.origin
        sending = self._http.post(
            origin.base_url + path, origin.headers(), body, self._patience.connect_s
        )
        self._reply = await self._within(sending)
        self.http_status = self._reply.status
        # Some providers answer 200 and tell of an error in a body that is no stream.
        if self.http_status != 200 or (stream and self._reply.content_type == JSON):
            raise await self._refused(self._reply)

    async def whole(self) -> bytes:
        """The whole body of the reply to a request that asked for no stream.

        Raises:
            AttemptFailedError: it ends too early, is too large, or does not come in time.
        """
        assert self._reply is not None
        body = await self._within(self._reply.read_all(self._limits.answer_bytes_max))
        if body is None:
            raise AttemptFailedError(failures.MALFORMED, self.http_status, "answer_too_large")
        return body

    async def pieces(self) -> list[Piece]:
        """The next pieces of a stream; empty after its complete end.

        Raises:
            AttemptFailedError: the stream ends before the answer does, stalls, or is no answer.
        """
        assert self._reply is not None
        found: list[Piece] = []
        while not found:
            if self._failure is not None:
                raise self._failure
            data = await self._read(self._reply)
            if not data:
                if self._finished:
                    return []
                raise AttemptFailedError(failures.BROKEN_OFF, self.http_status)
            self._bytes += len(data)
            if self._bytes > self._limits.answer_bytes_max:
                raise AttemptFailedError(failures.MALFORMED, self.http_status, "answer_too_large")
            try:
                events = self._parser.feed(data)
            except EventTooLargeError as error:
                code = "event_too_large"
                raise AttemptFailedError(failures.MALFORMED, self.http_status, code) from error
            found = self._decoded(events)
        self._note(found)
        return found

    def _decoded(self, events: list[ServerEvent]) -> list[Piece]:
        """The pieces up to the first failure, which is raised when they have been told."""
        found: list[Piece] = []
        try:
            for event in events:
                found.append(openai_reply.read_event(event))
                if found[-1].done:
                    break
        except AttemptFailedError as failure:
            self._failure = failure
        return found

    async def linger(self) -> None:
        """After the last piece: lets the body end, so that its connection can be used again."""
        assert self._reply is not None
        try:
            async with asyncio.timeout(LINGER_S):
                while await self._reply.read():
                    pass
        except (TimeoutError, BrokenOffError):
            pass  # it is closed instead

    def close(self) -> None:
        """Closes the connection at once, unless the reply has been read to its end."""
        if self._reply is not None:
            self._reply.close()

    def _note(self, pieces: list[Piece]) -> None:
        """Content renews patience; nothing else does: an upstream can send comments for ever."""
        if any(piece.delta is not None for piece in pieces):
            self._left_s = self._patience.stall_s
            self._waiting_for = failures.STALLED
        if any(piece.finish for piece in pieces):
            self._finished = True
            self._left_s = TAIL_S

    async def _read(self, reply: Reply) -> bytes:
        """The next bytes; after the reason of the end has come, a silence is an end too."""
        try:
            return await self._within(reply.read())
        except AttemptFailedError:
            if self._finished:
                return b""
            raise

    async def _within(self, wait: Awaitable[Result]) -> Result:
        started_s = self._clock()
        total_s = self._patience.until_s - started_s
        late: Outcome = failures.DEADLINE if total_s <= self._left_s else self._waiting_for
        try:
            async with asyncio.timeout(max(0.0, min(self._left_s, total_s))):
                return await wait
        except TimeoutError as error:
            raise AttemptFailedError(late, self.http_status) from error
        except ConnectFailedError as error:
            raise AttemptFailedError(failures.CONNECT_FAILED) from error
        except BrokenOffError as error:
            raise AttemptFailedError(failures.BROKEN_OFF, self.http_status) from error
        finally:
            spent_s = self._clock() - started_s
            self.waited_s += spent_s
            self._left_s -= spent_s

    async def _refused(self, reply: Reply) -> AttemptFailedError:
        body: bytes | None = b""
        try:
            body = await self._within(reply.read_all(ERROR_BYTES_MAX))
        except AttemptFailedError as failure:
            if failure.outcome == failures.DEADLINE:
                return failure
        error = openai_reply.error_of(body or b"")
        if reply.status == 200:
            return failures.of_error(error, reply.status)
        return failures.of_status(reply.status, error, reply.retry_after, datetime.now(UTC))
