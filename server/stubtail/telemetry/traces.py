"""Spans of calls, sent by OTLP; the only importer of OpenTelemetry.

Names are those of its conventions for RPCs and for generative AI. Prompts and answers are in none.
A call that scores gets a span where its caller sends a `traceparent` that is sampled; calls to
language models get one by the settings as well.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from stubtail import __version__
from stubtail.config import TracingSettings
from stubtail.telemetry.llm_span import LlmSpan
from stubtail.telemetry.propagation import TRACEPARENT, parts_of

EXPORT_TIMEOUT_S: Final = 5
FLUSH_MS: Final = 2000
SAMPLED: Final = 1


class Traces:
    """Makes spans and sends them from a thread of its own.

    Args:
        settings: of traces.
        exporter: where spans go; None takes OTLP over HTTP to the endpoint of the settings.
    """

    def __init__(self, settings: TracingSettings, exporter: SpanExporter | None = None) -> None:
        sampler = ParentBased(TraceIdRatioBased(settings.sample_ratio))
        resource = Resource.create(
            {"service.name": settings.service_name, "service.version": __version__}
        )
        self._provider = TracerProvider(sampler=sampler, resource=resource)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                exporter or OTLPSpanExporter(settings.endpoint, timeout=EXPORT_TIMEOUT_S),
                max_queue_size=settings.queue_max,
                max_export_batch_size=min(512, settings.queue_max),
            )
        )
        self._tracer = self._provider.get_tracer("stubtail", __version__)
        self._spans: dict[int, Any] = {}  # of jobs on the native front, bounded by its queue

    def close(self) -> None:
        """Sends what waits, for at most two seconds, and ends the thread."""
        self._provider.force_flush(FLUSH_MS)
        self._provider.shutdown()

    def begin_llm(self, operation: str, caller: Any, request: Any) -> LlmSpan:
        """A span of a call to a language model; the `begin_span` of the proxy's hooks."""
        span = self._tracer.start_span(
            f"{operation} {request.model}",
            context=_context(caller.traceparent),
            kind=SpanKind.SERVER,
            attributes={
                "gen_ai.operation.name": operation,
                "gen_ai.request.model": request.model,
                "rpc.system": "grpc",
                "rpc.service": "stubtail.v1.LlmService",
            },
        )
        return LlmSpan(self._tracer, span)

    def arrived(self, call: int, traceparent: str, path: str) -> None:
        """A job has come on the native front, whose caller has a trace."""
        if _is_sampled(traceparent):
            self._spans[call] = self._started(traceparent, path)

    def answered(self, call: int, code: int, reason: str = "") -> None:
        """It has been answered with this status; nothing where it has no span. Any thread."""
        span = self._spans.pop(call, None)
        if span is not None:
            _end(span, code, reason)

    def wrapped(self, path: str, behaviour: Callable[..., Any]) -> Callable[..., Any]:
        """The same of a handler of grpc.aio, whose task has the traceparent."""

        async def traced(payload: Any, context: Any) -> Any:
            traceparent = TRACEPARENT.get()
            if not traceparent or not _is_sampled(traceparent):
                return await behaviour(payload, context)
            span = self._started(traceparent, path)
            try:
                return await behaviour(payload, context)
            finally:
                code = context.code()
                _end(span, int(getattr(code, "value", (code or 0,))[0]))

        return traced

    def _started(self, traceparent: str, path: str) -> Any:
        service, _, method = path.strip("/").partition("/")
        return self._tracer.start_span(
            f"{service}/{method}",
            context=_context(traceparent),
            kind=SpanKind.SERVER,
            attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": method},
        )


def _end(span: Any, code: int, reason: str = "") -> None:
    span.set_attribute("rpc.grpc.status_code", code)
    if code:
        span.set_status(Status(StatusCode.ERROR))
        span.set_attribute("error.type", reason or str(code))
    span.end(time.time_ns())


def _is_sampled(traceparent: str) -> bool:
    return int(traceparent[-2:], 16) & SAMPLED == SAMPLED


def _context(traceparent: str) -> Context | None:
    """The caller's span as the parent; None begins a trace."""
    parts = parts_of(traceparent)
    if parts is None:
        return Context()
    trace, parent, flags = parts
    remote = SpanContext(trace, parent, is_remote=True, trace_flags=TraceFlags(flags))
    return set_span_in_context(NonRecordingSpan(remote), Context())
