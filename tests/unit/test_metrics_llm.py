"""Tests of the metrics of language model providers: in the text format, and read back."""

from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from stubtail.metrics import Recorder
from stubtail.metrics.collector import build_registry
from stubtail.metrics.llm import DURATION_EDGES_S, FIRST_EDGES_S, Spread, UpstreamNumbers

LABELS = {"gen_ai_provider_name": "groq", "gen_ai_request_model": "llama"}


def numbers() -> UpstreamNumbers:
    """One upstream that has answered once and failed once."""
    first, duration = Spread(FIRST_EDGES_S), Spread(DURATION_EDGES_S)
    first.add(0.3)
    for seconds in (0.01, 500.0):
        duration.add(seconds)
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
        duration=duration,
    )


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
    assert found[f"{name}_bucket", (("le", "0.01"),)] == 1
    assert found[f"{name}_bucket", (("le", "81.92"),)] == 1
    assert found[f"{name}_count", ()] == 2
    assert found["gen_ai_client_operation_time_to_first_chunk_seconds_sum", ()] == 0.3


def test_without_providers_there_are_no_families():
    """A server that proxies nothing says nothing of it."""
    text = generate_latest(build_registry(Recorder(), lambda: 0)).decode()
    assert "llm" not in text
    assert "gen_ai" not in text
