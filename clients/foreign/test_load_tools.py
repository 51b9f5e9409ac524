"""ghz and k6, as benchmarks/README.md says to run them; perf_analyzer's calls in its order."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from clients.foreign.commands import run
from clients.foreign.tools import ROOT
from stubtail.oip import inference_pb2 as pb

OIP = "/inference.GRPCInferenceService/"
TIMEOUT_S = 30.0


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool of different requests as JSON."""
    path = tmp_path_factory.mktemp("rows") / "rows.json"
    recipe = [sys.executable, "-m", "benchmarks.recipes.rows", "--model", "churn"]
    path.write_text(run([*recipe, "--requests", "64"]), encoding="utf-8")
    return path


def test_ghz(tool: Callable[..., str], server: str, rows: Path) -> None:
    """Every call of an open loop is answered."""
    report = run(
        [
            *(tool("ghz"), "--insecure", "--import-paths", ROOT / "proto"),
            *("--proto", ROOT / "proto/stubtail/oip/inference.proto", "--timeout", "20s"),
            *("--call", "inference.GRPCInferenceService.ModelInfer", "--data-file", rows),
            *("--async", "--rps", "200", "--total", "400", "--connections", "4"),
            *("--format", "json", server),
        ]
    )
    assert json.loads(report)["statusCodeDistribution"] == {"OK": 400}


def test_ghz_by_reflection(tool: Callable[..., str], server: str) -> None:
    """Without any file."""
    report = run(
        [
            *(tool("ghz"), "--insecure", "--call", "grpc.health.v1.Health.Check"),
            *("--data", '{"service": "churn"}', "--total", "50", "--timeout", "20s"),
            *("--format", "json", server),
        ]
    )
    assert json.loads(report)["statusCodeDistribution"] == {"OK": 50}


def test_k6(tool: Callable[..., str], server: str, rows: Path) -> None:
    """The recipe; its threshold is that every call is answered."""
    k6 = [tool("k6"), "run", "--no-usage-report", "--quiet", "-e", f"SERVER={server}"]
    options = ["-e", "RATE=50", "-e", "DURATION=3s", "-e", f"ROWS={rows}"]
    told = run([*k6, *options, ROOT / "benchmarks/recipes/k6.js"])
    assert "checks_succeeded" in told


def test_the_calls_of_perf_analyzer_in_its_order(server: str) -> None:
    """What it asks before and while it measures: it comes with a container of gigabytes, not here.

    Server and model must be ready; metadata, configuration and statistics must agree; then it sends
    requests with parameters of its own, as unary calls and over a stream, and reads statistics.
    """
    with grpc.insecure_channel(server) as channel:

        def ask(name: str, request: Any, answer: str) -> Any:
            call = channel.unary_unary(
                OIP + name,
                request_serializer=lambda one: one.SerializeToString(),
                response_deserializer=getattr(pb, answer).FromString,
            )
            return call(request, timeout=TIMEOUT_S)

        assert ask("ServerReady", pb.ServerReadyRequest(), "ServerReadyResponse").ready
        ready = pb.ModelReadyRequest(name="churn")
        assert ask("ModelReady", ready, "ModelReadyResponse").ready
        about = ask("ServerMetadata", pb.ServerMetadataRequest(), "ServerMetadataResponse")
        assert "statistics" in about.extensions
        described = pb.ModelMetadataRequest(name="churn")
        metadata = ask("ModelMetadata", described, "ModelMetadataResponse")
        configured = pb.ModelConfigRequest(name="churn")
        config = ask("ModelConfig", configured, "ModelConfigResponse").config
        assert [one.name for one in metadata.inputs] == [one.name for one in config.input]
        assert config.max_batch_size > 0
        asked = pb.ModelStatisticsRequest(name="churn")
        before = ask("ModelStatistics", asked, "ModelStatisticsResponse").model_stats[0]

        (first,) = metadata.inputs
        width = int(first.shape[-1])
        request = pb.ModelInferRequest(model_name="churn", id="0")
        request.parameters["triton_enable_empty_final_response"].bool_param = True
        request.inputs.add(name=first.name, datatype=first.datatype, shape=[1, width])
        request.raw_input_contents.append(np.zeros(width, np.float32).tobytes())
        for output in metadata.outputs:
            request.outputs.add(name=output.name)
        for number in range(5):
            request.id = str(number)
            assert ask("ModelInfer", request, "ModelInferResponse").id == str(number)
        stream = channel.stream_stream(
            OIP + "ModelStreamInfer",
            request_serializer=pb.ModelInferRequest.SerializeToString,
            response_deserializer=pb.ModelStreamInferResponse.FromString,
        )
        replies = list(stream(iter([request] * 3), timeout=TIMEOUT_S))
        assert [one.error_message for one in replies] == ["", "", ""]
        after = ask("ModelStatistics", asked, "ModelStatisticsResponse").model_stats[0]
        counted = after.inference_stats.success.count - before.inference_stats.success.count
        assert counted == 8
