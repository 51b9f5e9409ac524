"""The span of one call to a language model, and of its attempts, by OpenTelemetry's GenAI names."""

import time
from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, set_span_in_context

from stubtail.errors import CallError
from stubtail.v1 import llm_pb2

US = 1000  # nanoseconds


class LlmSpan:
    """A `Span` of the proxy's hooks.

    Args:
        tracer: makes the spans of attempts.
        span: of the call, begun.
    """

    def __init__(self, tracer: Tracer, span: Any) -> None:
        self._tracer = tracer
        self._span = span
        self._began_ns = time.time_ns()

    def headers(self) -> Mapping[str, str]:
        """The trace for the provider: its spans become children of this one."""
        context = self._span.get_span_context()
        trace, span, flags = context.trace_id, context.span_id, context.trace_flags
        return {"traceparent": f"00-{trace:032x}-{span:016x}-{flags:02x}"}

    def attempt(self, upstream: Any, attempt: llm_pb2.Attempt) -> None:
        """An attempt has ended: a span of its own, with the times of the books."""
        if not self._span.is_recording():
            return
        started_ns = self._began_ns + attempt.started_us * US
        span = self._tracer.start_span(
            f"chat {attempt.model}",
            context=set_span_in_context(self._span),
            kind=SpanKind.CLIENT,
            start_time=started_ns,
            attributes={
                "gen_ai.provider.name": attempt.provider,
                "gen_ai.request.model": attempt.model,
                "http.response.status_code": attempt.http_status,
            },
        )
        if attempt.outcome != llm_pb2.ATTEMPT_OUTCOME_OK:
            name = llm_pb2.AttemptOutcome.Name(attempt.outcome)
            span.set_attribute("error.type", name.removeprefix("ATTEMPT_OUTCOME_").lower())
            span.set_status(Status(StatusCode.ERROR))
        span.end(started_ns + attempt.duration_us * US)
        del upstream

    def end(self, end: llm_pb2.ChatEnd | None, error: CallError | None) -> None:
        """The call has ended; without either its caller has gone."""
        span = self._span
        if end is not None:
            usage = end.usage
            span.set_attribute("gen_ai.usage.input_tokens", usage.input_tokens)
            span.set_attribute("gen_ai.usage.output_tokens", usage.output_tokens)
            finish = llm_pb2.FinishReason.Name(end.finish_reason)
            reasons = [finish.removeprefix("FINISH_REASON_").lower()]
            span.set_attribute("gen_ai.response.finish_reasons", reasons)
            if end.attempts:
                span.set_attribute("gen_ai.provider.name", end.attempts[-1].provider)
        if error is not None:
            span.set_attribute("rpc.grpc.status_code", int(error.code))
            span.set_attribute("error.type", error.reason)
            span.set_status(Status(StatusCode.ERROR))
        elif end is None:
            span.set_attribute("error.type", "cancelled")
        span.end()
