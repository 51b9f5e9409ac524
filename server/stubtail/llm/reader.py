"""One attempt: asks one upstream and reads what it answers, with patience for each phase.

Waiting is counted only while something is awaited from the upstream: a caller who takes its time
over a piece of the answer uses up nobody's patience.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from stubtail.llm import failures, openai_reply
from stubtail.llm.failures import AttemptFailedError
from stubtail.llm.http import BrokenOffError, ConnectFailedError, Connection, Http
from stubtail.llm.pieces import Piece
from stubtail.llm.sse import EventParser, EventTooLargeError, ServerEvent
from stubtail.llm.upstreams import Upstream

ERROR_BYTES_MAX: Final = 64 * 1024
TAIL_S: Final = 1.0  # after the reason of the end: usage comes at once, or not at all
SLACK_S: Final = 0.002  # timers of the loop may come a moment early
LINGER_S: Final = 0.02  # after the last event: an ended body can be followed by another request
JSON: Final = "application/json"


class Patience(NamedTuple):
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

    Attributes:
        waited_s: how long the upstream was waited for.
        http_status: 0 until it has come.
        sent: whether the upstream may have begun to work.
        tell: gets texts in the moment in which they come, while `pieces` is waited for, and says
            whether it has taken them; what it takes is no piece.
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
        self._reply: Connection | None = None
        self._parser: EventParser | None = None
        self._decode: Callable[[ServerEvent], Piece] | None = None
        self._left_s = patience.first_s
        self._waiting_for = failures.NO_FIRST_TOKEN
        self._bytes = 0
        self._finished = False
        self._failure: AttemptFailedError | None = None
        self._found: list[Piece] = []
        self._began_s = 0.0
        self.waited_s = 0.0
        self.http_status = 0
        self.sent = False
        self.tell: Callable[[str], bool] | None = None

    async def ask(
        self, url: str, body: bytes, *, stream: bool, headers: Mapping[str, str] | None = None
    ) -> None:
        """Sends the request and checks the head of the reply.

        Raises:
            AttemptFailedError: it cannot be sent, or what comes is no answer by its head.
        """
        started_s = self._clock()
        within_s, connect_s = self._within_s(started_s), self._patience.connect_s
        if stream:
            self._parser = EventParser(self._limits.event_bytes_max)
            self._decode = self._upstream.origin.dialect.decoder()
        kept = self._upstream.headers
        try:
            reply = await self._http.post(
                url, kept, body, connect_s, within_s, self._sending, headers
            )
        except ConnectFailedError as error:
            raise AttemptFailedError(failures.CONNECT_FAILED) from error
        except BrokenOffError as error:
            raise AttemptFailedError(failures.BROKEN_OFF) from error
        except TimeoutError as error:
            raise AttemptFailedError(self._late()) from error
        finally:
            self._spend(started_s)
        self._reply = reply
        self.http_status = reply.status
        # Some providers answer 200 and tell of an error in a body that is no stream.
        if reply.status != 200 or (stream and reply.content_type == JSON):
            raise await self._refused(reply)

    def _sending(self) -> None:
        self.sent = True

    async def whole(self) -> bytes:
        """The whole body of the reply to a request that asked for no stream.

        Raises:
            AttemptFailedError: it ends too early, is too large, or does not come in time.
        """
        assert self._reply is not None
        body = await self._read_all(self._reply, self._limits.answer_bytes_max)
        if body is None:
            raise AttemptFailedError(failures.MALFORMED, self.http_status, "answer_too_large")
        return body

    async def pieces(self) -> list[Piece]:
        """The next pieces of a stream, those that came together; empty after its complete end.

        Raises:
            AttemptFailedError: the stream ends before the answer does, stalls, or is no answer.
        """
        while not self._found:
            if self._failure is not None:
                raise self._failure
            if not await self._follow() and not self._found:
                if self._finished:
                    return []
                raise AttemptFailedError(failures.BROKEN_OFF, self.http_status)
        found, self._found = self._found, []
        return found

    def _take(self, data: bytes) -> float | None:
        """Reads what has come: how long to wait for more, or None where somebody must look at it.

        Texts go straight to who wants them: nothing is woken for a token.
        """
        parser, came_s = self._parser, self._clock()
        assert parser is not None
        self._count(came_s - self._began_s)
        self._bytes += len(data)
        events: list[ServerEvent] | None = None
        code = "answer_too_large"
        if self._bytes <= self._limits.answer_bytes_max:
            try:
                events = parser.feed(data)
            except EventTooLargeError:
                code = "event_too_large"
        if events is None:
            self._failure = AttemptFailedError(failures.MALFORMED, self.http_status, code)
            return None
        if events:
            found = self._decoded(events)
            if not (self._failure is None and not self._finished and self._told(found)):
                self._found = found
                return None
        self._began_s = now_s = self._clock()  # all of the above was no wait for the upstream
        return self._within_s(now_s)

    def _told(self, pieces: list[Piece]) -> bool:
        """Whether these were nothing but text, which has been taken."""
        tell = self.tell
        if tell is None:
            return False
        if len(pieces) == 1:  # as nearly always
            text = pieces[0].text
            return bool(text) and pieces[0].delta is None and tell(text)
        if not all(one.text and one.delta is None for one in pieces):
            return False
        return tell("".join([one.text for one in pieces]))

    def _decoded(self, events: list[ServerEvent]) -> list[Piece]:
        """The pieces up to the first failure, which is raised when they have been told.

        Content renews patience; nothing else does: an upstream can send comments for ever.
        """
        found: list[Piece] = []
        decode = self._decode
        assert decode is not None
        try:
            for event in events:
                piece = decode(event)
                found.append(piece)
                if piece.text or piece.delta is not None:
                    self._left_s = self._patience.stall_s
                    self._waiting_for = failures.STALLED
                if piece.finish:
                    self._finished = True
                if piece.done:
                    break
        except AttemptFailedError as failure:
            # Frames that it passed know this reader, which keeps it.
            failure.__traceback__ = failure.__context__ = failure.__cause__ = None
            self._failure = failure
        if self._finished:
            self._left_s = TAIL_S
        return found

    async def linger(self) -> None:
        """After the last piece: lets the body end, so that its connection can be used again."""
        assert self._reply is not None
        end_s = self._clock() + LINGER_S
        try:
            while await self._reply.read(max(0.0, end_s - self._clock())):
                pass
        except (TimeoutError, BrokenOffError):
            pass  # it is closed instead

    def close(self) -> None:
        """Closes the connection at once, unless the reply has been read to its end."""
        if self._reply is not None:
            self._reply.close()

    async def _follow(self) -> bool:
        """Whether there is more; after the reason of the end has come, a silence is an end too."""
        reply = self._reply
        assert reply is not None
        self._began_s = self._clock()
        try:
            return await reply.follow(self._within_s(self._began_s), self._take)
        except TimeoutError as error:
            if self._finished:
                return False
            raise AttemptFailedError(self._late(), self.http_status) from error
        except BrokenOffError as error:
            if self._finished:
                return False
            raise AttemptFailedError(failures.BROKEN_OFF, self.http_status) from error
        finally:
            if not self._found and self._failure is None:  # else `_take` has counted the wait
                self._spend(self._began_s)

    async def _read_all(self, reply: Connection, bytes_max: int) -> bytes | None:
        started_s = self._clock()
        try:
            return await reply.read_all(bytes_max, self._within_s(started_s))
        except TimeoutError as error:
            raise AttemptFailedError(self._late(), self.http_status) from error
        except BrokenOffError as error:
            raise AttemptFailedError(failures.BROKEN_OFF, self.http_status) from error
        finally:
            self._spend(started_s)

    def _within_s(self, now_s: float) -> float:
        """How long to wait now."""
        return max(0.0, min(self._left_s, self._patience.until_s - now_s))

    def _late(self) -> failures.Outcome:
        """What it means that nothing came in time."""
        now_s = self._clock()
        late = now_s >= self._patience.until_s - SLACK_S
        return failures.DEADLINE if late else self._waiting_for

    def _spend(self, started_s: float) -> None:
        self._count(self._clock() - started_s)

    def _count(self, spent_s: float) -> None:
        self.waited_s += spent_s
        self._left_s -= spent_s

    async def _refused(self, reply: Connection) -> AttemptFailedError:
        body: bytes | None = b""
        try:
            body = await self._read_all(reply, ERROR_BYTES_MAX)
        except AttemptFailedError as failure:
            if failure.outcome == failures.DEADLINE:
                return failure
        error = openai_reply.error_of(body or b"")
        if reply.status == 200:
            return failures.of_error(error, reply.status)
        return failures.of_status(reply.status, error, reply.retry_after, datetime.now(UTC))
