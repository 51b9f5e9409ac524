"""Traces: spans of scoring and of language models at a collector on this machine."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest

from stubtail.v1 import llm_pb2
from tests import model_files
from tests.integration.calls import call
from tests.integration.conftest import UNBOUNDED, defects
from tests.integration.llm.chats import SERVICE
from tests.integration.llm.conftest import wait_until
from tests.llm_scripts import SCRIPTS
from tests.llm_upstream import TEXT, LlmUpstream
from tests.server_process import ServerProcess

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")
trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SCORE = "/stubtail.v1.ScoringService/Score"


class Collector(ThreadingHTTPServer):
    """Takes spans as OTLP over HTTP."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.spans: list[Any] = []

    def named(self, name: str) -> list[Any]:
        """The spans of that name so far."""
        return [span for span in self.spans.copy() if span.name == name]


class _Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        request = trace_service.ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base
        """Nothing."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """A collector on a thread."""
    with Collector() as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture
def traced(
    transport: str, collector: Collector, tmp_path: Path
) -> Iterator[tuple[ServerProcess, grpc.Channel, LlmUpstream]]:
    """A server with traces, a model and a provider."""
    model_files.write_model(tmp_path / "models" / "affine" / "1", model_files.affine())
    collector.spans.clear()
    with LlmUpstream(SCRIPTS) as upstream:
        file = tmp_path / "settings.toml"
        file.write_text(
            f'[tracing]\nenabled = true\nendpoint = "http://127.0.0.1:{collector.server_port}/v1"\n'
            f'[llm.providers.p]\nbase_url = "{upstream.base_url}"\nmodels = ["ok", "broken"]\n'
            '[llm.aliases.fast]\ntargets = ["p/broken", "p/ok"]\n',
            encoding="utf-8",
        )
        with (
            ServerProcess(tmp_path / "models", transport, "--config", str(file)) as process,
            grpc.insecure_channel(process.address, UNBOUNDED) as channel,
        ):
            yield process, channel, upstream
        assert not defects(process.output)


def attributes(span: Any) -> dict[str, Any]:
    """Those of a span, as Python values."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def score_request() -> bytes:
    """A row for the model `affine`."""
    from stubtail.v1 import scoring_pb2

    return scoring_pb2.ScoreRequest(
        model="affine", dense=scoring_pb2.DenseRows(values=[1.0, 2.0, 3.0])
    ).SerializeToString()


def test_spans_of_scoring_and_of_language_models(
    traced: tuple[ServerProcess, grpc.Channel, LlmUpstream], collector: Collector
) -> None:
    """With the caller's trace and without, answered and refused; attempts are children."""
    process, channel, upstream = traced
    metadata = (("traceparent", f"00-{TRACE}-{PARENT}-01"),)
    call(channel, SCORE, score_request(), metadata=metadata)
    call(channel, SCORE, score_request())  # no traceparent, no span
    unsampled = (("traceparent", f"00-{TRACE}-{PARENT}-00"),)
    call(channel, SCORE, score_request(), metadata=unsampled)
    call(channel, SCORE, score_request(), metadata=(("traceparent", "nonsense"),))

    message = llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_USER, text="SECRET-PROMPT")
    request = llm_pb2.ChatRequest(model="fast", messages=[message])
    reply = call(channel, SERVICE + "Chat", request, metadata=metadata)
    assert llm_pb2.ChatResponse.FromString(reply).text == TEXT
    call(channel, SERVICE + "Chat", request)  # begins a trace of its own
    with pytest.raises(grpc.RpcError):
        call(channel, SERVICE + "Chat", llm_pb2.ChatRequest(model="p/broken", messages=[message]))
    assert process.stop() == 0, "spans are sent before the end"
    wait_until(lambda: len(collector.named("chat fast")) == 2, "spans did not come")

    (score,) = collector.named("stubtail.v1.ScoringService/Score")
    assert score.trace_id.hex() == TRACE
    assert score.parent_span_id.hex() == PARENT
    assert attributes(score)["rpc.grpc.status_code"] == 0
    assert score.end_time_unix_nano > score.start_time_unix_nano

    chats = {one.trace_id.hex(): one for one in collector.named("chat fast")}
    ours = chats.pop(TRACE)
    assert ours.parent_span_id.hex() == PARENT
    told = attributes(ours)
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "p"
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (11, 5)
    (own,) = chats.values()
    assert not own.parent_span_id
    attempts = [one for one in collector.spans if one.parent_span_id == ours.span_id]
    assert [one.name for one in attempts] == ["chat broken", "chat ok"]
    assert attributes(attempts[0])["error.type"] == "upstream_error"
    assert upstream.talks[0].headers["traceparent"].split("-")[1] == TRACE
    (failed,) = collector.named("chat p/broken")
    assert attributes(failed)["error.type"] == "UPSTREAM_FAILED"
    assert failed.status.code == 2
    assert "SECRET" not in repr(collector.spans)
