"""What one call tells of itself: its attempts, where its time went, its tokens and their cost."""

from collections.abc import Callable
from typing import Protocol

from stubtail.llm.failures import Outcome
from stubtail.llm.hooks import Span
from stubtail.llm.pieces import Counts, Piece, name_of
from stubtail.llm.prices import PriceTable
from stubtail.llm.upstreams import Upstream
from stubtail.metrics.llm import CHAT
from stubtail.v1 import llm_pb2


class Tried(Protocol):
    """What is noted of an attempt."""

    started_s: float
    hedge: bool


class Ledger:
    """Keeps the books of one call, from its arrival on.

    Attributes:
        attempts: every try in its order.
        first_s: from the start of the attempt that answered to its first content, seconds.
        upstream_s: waiting for upstreams, seconds.
        caller_s: waiting for the caller to take what was sent, seconds.
        counts: the last ones of the provider.
        used: what each attempt used that began to work, as far as it is known.
    """

    def __init__(
        self, clock: Callable[[], float], operation: str = CHAT, span: Span | None = None
    ) -> None:
        self._clock = clock
        self._operation = operation
        self._span = span
        self._chunk_s = 0.0
        self.used: list[llm_pb2.Usage] = []
        self._arrived_s = clock()
        self._before_s = 0.0
        self.attempts: list[llm_pb2.Attempt] = []
        self.first_s = 0.0
        self.upstream_s = 0.0
        self.caller_s = 0.0
        self.counts: Counts | None = None

    def note_first(self, started_s: float) -> None:
        """The attempt that started then has brought its first content now."""
        self._before_s = started_s - self._arrived_s
        self._chunk_s = self._clock()
        self.first_s = self._chunk_s - started_s

    def note_chunk(self, upstream: Upstream) -> None:
        """Something more has come of the answer."""
        now_s = self._clock()
        upstream.note_chunk(now_s - self._chunk_s)
        self._chunk_s = now_s

    def note(
        self, upstream: Upstream, outcome: Outcome, http_status: int, code: str, tried: Tried
    ) -> None:
        """An attempt has ended."""
        spent_s = self._clock() - tried.started_s
        upstream.note_attempt(self._operation, outcome, spent_s)
        attempt = llm_pb2.Attempt(
            provider=upstream.provider,
            model=upstream.model,
            outcome=outcome,
            http_status=http_status,
            error_code=code,
            started_us=_us(tried.started_s - self._arrived_s),
            duration_us=_us(spent_s),
            hedge=tried.hedge,
        )
        self.attempts.append(attempt)
        if self._span is not None:
            self._span.attempt(upstream, attempt)

    def note_used(self, usage: llm_pb2.Usage | None) -> None:
        """An attempt used so much; None where it used nothing."""
        if usage is not None:
            self.used.append(usage)

    def start(
        self, upstream: Upstream, pieces: list[Piece], *, coming: bool = False
    ) -> llm_pb2.ChatStart:
        """Who answers, and in which attempt, from 1.

        Args:
            upstream: who.
            pieces: what has come until now.
            coming: the attempt goes on, and has not been noted yet.
        """
        return llm_pb2.ChatStart(
            provider=upstream.provider,
            model=upstream.model,
            response_model=name_of(next((one.model for one in pieces if one.model), "")),
            upstream_id=name_of(next((one.upstream_id for one in pieces if one.upstream_id), "")),
            attempt=len(self.attempts) + coming,
        )

    def end(
        self,
        upstream: Upstream,
        finish: str,
        usage: llm_pb2.Usage | None,
        incomplete: llm_pb2.FinishReason | None = None,
    ) -> llm_pb2.ChatEnd:
        """How the answer ended: by the provider's word, or incomplete for a reason of ours."""
        known = upstream.origin.dialect.finish_reasons
        reason = known.get(finish.lower(), llm_pb2.FINISH_REASON_UNSPECIFIED)
        return llm_pb2.ChatEnd(
            finish_reason=reason if incomplete is None else incomplete,
            raw_finish_reason=finish,
            usage=usage,
            timing=self.timing(),
            attempts=self.attempts,
        )

    def usage(self, upstream: Upstream, *, partial: bool = False) -> llm_pb2.Usage:
        """The tokens and what they cost; to be asked for once, because it is added up."""
        usage = _usage(self.counts, upstream, partial=partial)
        upstream.note_usage(self._operation, usage)
        return usage

    def timing(self) -> llm_pb2.LlmTiming:
        """Where the time went until now."""
        total_s = self._clock() - self._arrived_s
        return llm_pb2.LlmTiming(
            before_us=_us(self._before_s),
            first_token_us=_us(self.first_s),
            total_us=_us(total_s),
            upstream_us=_us(self.upstream_s),
            caller_us=_us(self.caller_s),
            proxy_us=_us(total_s - self.upstream_s - self.caller_s),
        )


def _usage(counts: Counts | None, upstream: Upstream, *, partial: bool) -> llm_pb2.Usage:
    if counts is None:
        source = llm_pb2.Usage.SOURCE_PARTIAL if partial else llm_pb2.Usage.SOURCE_UNSPECIFIED
        return llm_pb2.Usage(source=source)
    price = upstream.price
    return llm_pb2.Usage(
        input_tokens=counts.input,
        output_tokens=counts.output,
        cached_input_tokens=counts.cached_input,
        reasoning_output_tokens=counts.reasoning_output,
        cache_write_input_tokens=counts.cache_write_input,
        cost_nano_usd=_cost(price, counts) if price else None,
        source=llm_pb2.Usage.SOURCE_PARTIAL if partial else llm_pb2.Usage.SOURCE_PROVIDER,
    )


def _cost(price: PriceTable, counts: Counts) -> int:
    return price.cost(counts.input, counts.output, counts.cached_input, counts.cache_write_input)


def response(piece: Piece, start: llm_pb2.ChatStart, end: llm_pb2.ChatEnd) -> llm_pb2.ChatResponse:
    """A whole answer as a reply."""
    delta = piece.delta
    if delta is None:
        return llm_pb2.ChatResponse(text=piece.text, start=start, end=end)
    calls = [
        llm_pb2.ToolCall(id=one.id, name=one.name, arguments_json=one.arguments_fragment)
        for one in delta.tool_calls
    ]
    return llm_pb2.ChatResponse(
        text=delta.text,
        reasoning=delta.reasoning,
        tool_calls=calls,
        logprobs=delta.logprobs,
        reasoning_signature=delta.reasoning_signature,
        start=start,
        end=end,
    )


def _us(seconds: float) -> int:
    return int(seconds * 1e6 + 0.5) if seconds > 0.0 else 0
