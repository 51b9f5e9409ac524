"""One call: asks upstreams in turn until one begins to answer, and then tells the truth about it.

Until the first content nothing has been told to the caller, so another upstream may take over.
From then on the answer belongs to that upstream. If it breaks off, the End says so, and an error
follows: there is no third way for a stream to end.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Final

from stubtail.llm import failures, openai_reply, openai_request
from stubtail.llm.attempts import Attempts, Means
from stubtail.llm.failures import AttemptFailedError
from stubtail.llm.ledger import response
from stubtail.llm.openai_reply import Piece
from stubtail.llm.reader import Patience, Reader
from stubtail.llm.upstreams import Lease, Upstream
from stubtail.v1 import llm_pb2

PATH: Final = "/chat/completions"
INCOMPLETE: Final = {
    failures.STALLED: llm_pb2.FINISH_REASON_STALLED,
    failures.DEADLINE: llm_pb2.FINISH_REASON_DEADLINE,
}

Event = llm_pb2.ChatStart | llm_pb2.ChatDelta | llm_pb2.ChatEnd


class ChatCall(Attempts):
    """One call from its arrival to its end.

    Args:
        means: what every call uses.
        request: has been checked.
        plan: whom to ask, best first; not empty.
        attempts_max: how often, all upstreams together.
        patience: how long each attempt may take; `until_s` is the end of the call.
    """

    def __init__(
        self,
        means: Means,
        request: llm_pb2.ChatRequest,
        plan: list[Upstream],
        attempts_max: int,
        patience: Patience,
    ) -> None:
        super().__init__(means, plan, attempts_max, patience)
        self._common = openai_request.common_body(request)

    async def whole(self) -> llm_pb2.ChatResponse:
        """The whole answer.

        Raises:
            CallError: no upstream gave one.
        """
        upstream, piece = await self._whole(PATH, self._body, openai_reply.read_whole)
        self._ledger.counts = piece.counts
        start = self._ledger.start(upstream, [piece], attempt=len(self._ledger.attempts))
        return response(piece, start, self._ledger.end(upstream, piece.finish))

    async def stream(self) -> AsyncGenerator[Event, None]:
        """Start, deltas and End, in this order.

        Raises:
            CallError: no upstream began an answer, or, after the End, the answer is incomplete.
        """
        for turn in self._turns():
            if isinstance(turn, float):
                await asyncio.sleep(turn)
                continue
            reader, started_s = self._reader(turn), self._means.clock()
            try:
                try:
                    await reader.ask(PATH, self._body(turn.upstream, stream=True), stream=True)
                    held = await _until_content(reader)
                except AttemptFailedError as failure:
                    self._ledger.upstream_s += reader.waited_s
                    self._note_failure(turn, failure, started_s)
                    continue
                self._ledger.note_first(started_s)
                turn.began(self._ledger.first_s, self._means.clock())
                async with aclosing(self._told(turn, reader, held, started_s)) as events:
                    async for event in events:
                        sent_s = self._means.clock()
                        yield event
                        self._ledger.caller_s += self._means.clock() - sent_s
                return
            finally:
                reader.close()
                turn.close(self._means.clock())
        raise self._failed()

    async def _told(
        self, lease: Lease, reader: Reader, held: list[Piece], started_s: float
    ) -> AsyncGenerator[Event, None]:
        """The events of the upstream that has begun to answer; `held` is what came until then."""
        finish, counted, pieces = "", False, held
        failure: AttemptFailedError | None = None
        yield self._ledger.start(lease.upstream, held, attempt=len(self._ledger.attempts) + 1)
        try:
            while pieces:
                for piece in _joined(pieces):
                    finish = piece.finish or finish
                    if piece.counts is not None:
                        self._ledger.counts = piece.counts
                        counted = bool(finish)
                    if piece.delta is not None:
                        yield piece.delta
                if pieces[-1].done or counted:
                    break  # nothing more can matter, and some providers never end a stream
                pieces = await reader.pieces()
        except AttemptFailedError as error:
            failure = error
        if failure is None and not finish:
            # The upstream says that the stream is over, and never said that the answer is.
            failure = AttemptFailedError(failures.BROKEN_OFF, reader.http_status)
        if failure is None:
            await reader.linger()
            self._note_answer(lease, reader.http_status, started_s)
            self._ledger.upstream_s += reader.waited_s
            yield self._ledger.end(lease.upstream, finish)
            return
        self._note_failure(lease, failure, started_s)
        self._ledger.upstream_s += reader.waited_s
        reason = INCOMPLETE.get(failure.outcome, llm_pb2.FINISH_REASON_UPSTREAM_ERROR)
        yield self._ledger.end(lease.upstream, "", reason)
        raise failures.interrupted_call(self._ledger.attempts)

    def _body(self, upstream: Upstream, *, stream: bool = False) -> bytes:
        usage = upstream.origin.stream_usage
        return openai_request.encode(
            self._common, upstream.model, stream=stream, stream_usage=usage
        )


def _joined(pieces: list[Piece]) -> Iterator[Piece]:
    """The pieces, with neighbours that bring nothing but text as one.

    What has come together is sent together: a message costs the same whatever is in it, and a
    caller or a server that has fallen behind catches up.
    """
    texts: list[str] = []
    for piece in pieces:
        if _is_plain(piece):
            texts.append(piece.delta.text if piece.delta else "")
            continue
        if texts:
            yield Piece(delta=llm_pb2.ChatDelta(text="".join(texts)))
            texts = []
        yield piece
    if texts:
        yield Piece(delta=llm_pb2.ChatDelta(text="".join(texts)))


def _is_plain(piece: Piece) -> bool:
    delta = piece.delta
    if delta is None or piece.finish or piece.counts is not None:
        return False
    return not (delta.reasoning or delta.tool_calls or delta.logprobs)


async def _until_content(reader: Reader) -> list[Piece]:
    """The pieces up to the first content, or up to the reason of an end without any."""
    held: list[Piece] = []
    while True:
        pieces = await reader.pieces()
        held += pieces
        if any(piece.delta is not None or piece.finish for piece in pieces):
            return held
        if not pieces or pieces[-1].done:
            raise AttemptFailedError(failures.BROKEN_OFF, reader.http_status)
