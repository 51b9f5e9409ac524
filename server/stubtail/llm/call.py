"""One call: asks upstreams in turn until one begins to answer, and then tells the truth about it.

Until the first content nothing has been told to the caller, so another upstream may take over.
From then on the answer belongs to that upstream. If it breaks off, the End says so, and an error
follows. Only where the caller allowed it, a Restart says instead that what came is void, and
another attempt begins anew: there is no third way for a stream to go on.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any, Final

from stubtail.errors import CallError
from stubtail.llm import failures
from stubtail.llm.attempts import Answered, Attempt, Attempts, Means, Terms
from stubtail.llm.events import Event, Push
from stubtail.llm.failures import AttemptFailedError
from stubtail.llm.ledger import Ledger, response
from stubtail.llm.pieces import Piece
from stubtail.llm.upstreams import Upstream
from stubtail.v1 import llm_pb2

INCOMPLETE: Final = {
    failures.STALLED: llm_pb2.FINISH_REASON_STALLED,
    failures.DEADLINE: llm_pb2.FINISH_REASON_DEADLINE,
}


class ChatCall(Attempts):
    """One call from its arrival to its end.

    Args:
        means: what every call uses.
        request: has been checked.
        terms: how this one is to be answered.
    """

    def __init__(self, means: Means, request: llm_pb2.ChatRequest, terms: Terms) -> None:
        super().__init__(means, request, terms)
        self._chat = request
        self._common: dict[str, Any] = {}  # of each dialect, the part of the body that all share

    async def whole(self) -> llm_pb2.ChatResponse:
        """The whole answer.

        Raises:
            CallError: no upstream gave one.
        """
        answered = await self._first(self._whole)
        attempt, piece = answered.attempt, answered.result
        try:
            self._note_answer(attempt)
            self._ledger.counts = piece.counts
            start = self._ledger.start(attempt.upstream, [piece])
            self._settle(attempt, partial=False)
            end = self._ledger.end(attempt.upstream, piece.finish, attempt.usage)
            return response(piece, start, end)
        finally:
            self._close(attempt)

    async def stream(self, push: Push | None = None) -> AsyncGenerator[Event, None]:
        """Start, deltas and End, in this order.

        Args:
            push: gets texts in the moment in which they come, where it takes them: after whatever
                was told before, and instead of an event.

        Raises:
            CallError: no upstream began an answer, or, after the End, the answer is incomplete.
        """
        broken: failures.Outcome | None = None
        attempt: Attempt | None = None
        while True:
            try:
                begun = await self._first(self._until_content)
            except CallError:
                if attempt is not None:
                    reason = llm_pb2.FINISH_REASON_UPSTREAM_ERROR
                    yield self._ledger.end(attempt.upstream, "", attempt.usage, reason)
                raise
            attempt = begun.attempt
            try:
                start = self._ledger.start(attempt.upstream, begun.result, coming=True)
                if broken is None:
                    yield start
                else:
                    yield llm_pb2.ChatRestart(outcome=broken, start=start)
                if push is not None:
                    attempt.reader.tell = _noting(push, self._ledger, attempt.upstream)
                async with aclosing(self._told(begun)) as events:
                    async for event in events:
                        sent_s = self._means.clock()
                        yield event
                        self._ledger.caller_s += self._means.clock() - sent_s
            except _RestartError as restart:
                broken = restart.outcome
            else:
                return
            finally:
                self._close(attempt)

    async def _told(self, begun: Answered[list[Piece]]) -> AsyncGenerator[Event, None]:
        """The events of the upstream that has begun to answer."""
        attempt, pieces = begun.attempt, begun.result
        reader, ledger = attempt.reader, self._ledger
        ledger.counts = None  # those of an answer that is void now are not this one's
        finish, counted = "", False
        failure: AttemptFailedError | None = None
        try:
            while pieces:
                if len(pieces) == 1 and pieces[0].text:
                    yield pieces[0].text
                else:
                    for event in _joined(pieces):
                        yield event
                    finish = next((one.finish for one in pieces if one.finish), finish)
                    counts = [one.counts for one in pieces if one.counts is not None]
                    if counts:
                        ledger.counts = counts[-1]
                        counted = bool(finish)
                    if pieces[-1].done or counted:
                        break  # nothing more can matter, and some providers never end a stream
                pieces = await reader.pieces()
                ledger.note_chunk(attempt.upstream)
        except AttemptFailedError as error:
            failure = error
        if failure is None and not finish:
            # The upstream says that the stream is over, and never said that the answer is.
            failure = AttemptFailedError(failures.BROKEN_OFF, reader.http_status)
        if failure is None:
            await reader.linger()
            self._note_answer(attempt)
            self._settle(attempt, partial=False)
            yield ledger.end(attempt.upstream, finish, attempt.usage)
            return
        self._note_failure(attempt, failure)
        self._settle(attempt, partial=True)
        if self._may_restart(failure):
            raise _RestartError(failure.outcome)
        reason = INCOMPLETE.get(failure.outcome, llm_pb2.FINISH_REASON_UPSTREAM_ERROR)
        yield ledger.end(attempt.upstream, "", attempt.usage, reason)
        raise failures.interrupted_call(ledger.attempts)

    def _may_restart(self, failure: AttemptFailedError) -> bool:
        if not self._chat.routing.allow_restart or failure.outcome == failures.DEADLINE:
            return False
        return self._turns.left > 0 and self._in_time()

    def _settle(self, attempt: Attempt, *, partial: bool) -> None:
        self._ledger.upstream_s += attempt.reader.waited_s
        attempt.reader.waited_s = 0.0
        attempt.usage = self._ledger.usage(attempt.upstream, partial=partial)

    async def _whole(self, attempt: Attempt) -> Piece:
        """The whole answer of one attempt; raises AttemptFailedError."""
        upstream = attempt.upstream
        await self._ask(attempt, upstream.chat_url, self._body(upstream), stream=False)
        piece = upstream.origin.dialect.read_whole(await attempt.reader.whole())
        self._ledger.note_first(attempt.started_s)
        if not piece.has_content:
            self._check_content(attempt, piece.finish)
        return piece

    async def _until_content(self, attempt: Attempt) -> list[Piece]:
        """The pieces up to the first content, or up to the reason of an end without any."""
        upstream, reader = attempt.upstream, attempt.reader
        body = self._body(upstream, stream=True)
        await self._ask(attempt, upstream.chat_url, body, stream=True)
        held: list[Piece] = []
        while True:
            pieces = await reader.pieces()
            held += pieces
            if any(piece.has_content or piece.finish for piece in pieces):
                break
            if not pieces or pieces[-1].done:
                raise AttemptFailedError(failures.BROKEN_OFF, reader.http_status)
        if not any(piece.has_content for piece in held):
            self._check_content(attempt, next(one.finish for one in held if one.finish))
        self._ledger.note_first(attempt.started_s)
        attempt.lease.began(self._ledger.first_s, self._means.clock())
        return held

    def _check_content(self, attempt: Attempt, finish: str) -> None:
        """An empty answer whose content was held back is another upstream's, if there is one."""
        reasons = attempt.upstream.origin.dialect.finish_reasons
        filtered = reasons.get(finish.lower()) == llm_pb2.FINISH_REASON_CONTENT_FILTER
        if filtered and self._turns.answers_refusals:
            raise AttemptFailedError(failures.CONTENT_REFUSED, attempt.reader.http_status)

    def _body(self, upstream: Upstream, *, stream: bool = False) -> bytes:
        dialect = upstream.origin.dialect
        if dialect.name not in self._common:
            self._common[dialect.name] = dialect.common(self._chat)
        common = self._common[dialect.name]
        return dialect.encode(common, upstream.origin, upstream.model, stream=stream)


def _noting(push: Push, ledger: Ledger, upstream: Upstream) -> Push:
    def tell(text: str) -> bool:
        if not push(text):
            return False
        ledger.note_chunk(upstream)
        return True

    return tell


def _joined(pieces: list[Piece]) -> Iterator[Event]:
    """The content of pieces that have come together, with neighbouring texts as one.

    What has come together is sent together: a message costs the same whatever is in it, and a
    caller or a server that has fallen behind catches up.
    """
    text = ""
    for piece in pieces:
        text += piece.text
        if piece.delta is not None:
            if text:
                yield text
                text = ""
            yield piece.delta
    if text:
        yield text


class _RestartError(Exception):
    """The answer broke off, and may be begun anew."""

    def __init__(self, outcome: failures.Outcome) -> None:
        super().__init__()
        self.outcome = outcome
