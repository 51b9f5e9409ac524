"""Tests of the metrics of language model providers: in the text format, and read back."""

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from stubtail.llm.call_numbers import CallBook
from stubtail.metrics import Recorder
from stubtail.metrics.collector import build_registry
from stubtail.metrics.llm import (
    CHUNK_EDGES_S,
    DURATION_EDGES_S,
    FIRST_EDGES_S,
    TOKEN_EDGES,
    LlmCollector,
    Spread,
    UpstreamNumbers,
)
from stubtail.v1 import llm_pb2

LABELS = {"gen_ai_provider_name": "groq", "gen_ai_request_model": "llama"}

OPERATION = ("gen_ai_operation_name", "chat")


def numbers() -> UpstreamNumbers:
    """One upstream that has answered once and failed once."""
    first, duration = Spread(FIRST_EDGES_S), Spread(DURATION_EDGES_S)
    first.add(0.3)
    for seconds in (0.01, 500.0):
        duration.add(seconds)
    chunk, tokens = Spread(CHUNK_EDGES_S), Spread(TOKEN_EDGES)
    chunk.add(0.02)
    tokens.add(11)
    return UpstreamNumbers(
        provider="groq",
        model="llama",
        breaker="open",
        throttled=True,
        in_flight=2,
        outcomes={"ok": 1, "stalled": 1},
        tokens={"input": 11, "output": 5},
        cost_nano_usd=7,
        first=first,
        duration={"chat": duration},
        chunk=chunk,
        usage={("chat", "input"): tokens, ("chat", "output"): tokens},
    )


def test_calls_are_told_by_what_they_asked_for():
    """Times of answers, and who took over; names that nobody configured are not counted."""
    book = CallBook(["fast"])
    usage = llm_pb2.Usage(output_tokens=11, source=llm_pb2.Usage.SOURCE_PROVIDER)
    timing = llm_pb2.LlmTiming(before_us=10_000, first_token_us=90_000, total_us=1_100_000)
    attempts = [llm_pb2.Attempt(), llm_pb2.Attempt()]
    book.note("chat", "fast", 1.1, llm_pb2.ChatEnd(usage=usage, timing=timing, attempts=attempts))
    book.note("chat", "fast", 0.2, None)
    book.note("chat", "nobody's", 0.2, None)

    (one,) = book.numbers()

    assert (one.operation, one.asked, one.failovers, one.duration.count) == ("chat", "fast", 1, 2)
    assert one.first.buckets()[1] == pytest.approx(0.1)
    assert one.per_token.buckets()[1] == pytest.approx(0.1)
    registry = CollectorRegistry()
    registry.register(LlmCollector(lambda: [numbers()], book.numbers))
    page = generate_latest(registry).decode()
    labels = 'gen_ai_operation_name="chat",gen_ai_request_model="fast"'
    for name in ("request_duration", "time_to_first_token", "time_per_output_token"):
        assert f"gen_ai_server_{name}_seconds_count{{{labels}}}" in page
    assert f"stubtail_llm_failovers_total{{{labels}}} 1.0" in page
    for name in ("operation_time_per_output_chunk_seconds", "token_usage"):
        assert f"gen_ai_client_{name}_count" in page


def scrape(*upstreams: UpstreamNumbers) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """All samples with the labels of the upstream, by name and further labels."""
    registry = build_registry(Recorder(), lambda: 0, lambda: upstreams)
    text = generate_latest(registry).decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.labels.items() >= LABELS.items():
                more = tuple(sorted(sample.labels.items() - LABELS.items()))
                found[sample.name, more] = sample.value
    return found


def test_everything_is_told():
    """Gauges, counters and histograms, by provider and model."""
    found = scrape(numbers())

    assert found["stubtail_llm_attempts_total", (("outcome", "stalled"),)] == 1
    assert found["stubtail_llm_tokens_total", (("gen_ai_token_type", "input"),)] == 11
    assert found["stubtail_llm_cost_nano_usd_total", ()] == 7
    assert found["stubtail_llm_breakers", (("state", "open"),)] == 1
    assert found["stubtail_llm_breakers", (("state", "closed"),)] == 0
    assert found["stubtail_llm_throttled", ()] == 1
    assert found["stubtail_llm_in_flight", ()] == 2
    name = "gen_ai_client_operation_duration_seconds"
    assert found[f"{name}_bucket", (OPERATION, ("le", "0.01"))] == 1
    assert found[f"{name}_bucket", (OPERATION, ("le", "81.92"))] == 1
    assert found[f"{name}_count", (OPERATION,)] == 2
    first = "gen_ai_client_operation_time_to_first_chunk_seconds_sum"
    assert found[first, (OPERATION,)] == 0.3


def test_without_providers_there_are_no_families():
    """A server that proxies nothing says nothing of it."""
    text = generate_latest(build_registry(Recorder(), lambda: 0)).decode()
    assert "llm" not in text
    assert "gen_ai" not in text
