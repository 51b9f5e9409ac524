"""ModelService and health as callers see them: what is served, and whether it serves."""

import json
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from stubtail.oip import inference_pb2
from stubtail.standard import health_pb2
from stubtail.v1 import models_pb2
from tests.integration.calls import OIP, TIMEOUT_S, Code, call, refused
from tests.integration.conftest import UNBOUNDED
from tests.server_process import ServerProcess

LIST = "/stubtail.v1.ModelService/ListModels"
GET = "/stubtail.v1.ModelService/GetModel"
HEALTH = "/grpc.health.v1.Health/"
SERVING, NOT_SERVING, UNKNOWN = 1, 2, 3


def get(channel: grpc.Channel, model: str) -> models_pb2.GetModelResponse:
    """GetModel."""
    request = models_pb2.GetModelRequest(model=model)
    return models_pb2.GetModelResponse.FromString(call(channel, GET, request))


def test_all_models_are_listed_in_order(channel: grpc.Channel, server_models: Path) -> None:
    """Every name and version with its state, the live one marked."""
    reply = models_pb2.ListModelsResponse.FromString(call(channel, LIST, b""))
    assert [summary.name for summary in reply.models] == sorted(
        folder.name for folder in server_models.iterdir()
    )
    for summary in reply.models:
        assert (summary.version, summary.live, summary.reason) == ("1", True, "")
        assert summary.state == models_pb2.MODEL_STATE_READY
    kinds = {summary.name: summary.kind for summary in reply.models}
    assert (kinds["churn"], kinds["affine"]) == ("scoring", "")


def test_a_model_with_a_manifest_is_described_in_full(
    channel: grpc.Channel, shipped_models: Path
) -> None:
    """Signature, features, classes and threshold are those of model.json."""
    manifest = json.loads((shipped_models / "churn" / "1" / "model.json").read_text())
    reply = get(channel, "churn")

    assert get(channel, "churn@1") == reply
    assert (reply.summary.name, reply.summary.version) == ("churn", "1")
    assert reply.summary.description == manifest["description"]
    assert json.loads(reply.manifest_json) == manifest
    assert reply.sha256 == manifest["graph"]["sha256"]
    assert list(reply.classes) == manifest["output"]["classes"]
    assert reply.threshold == pytest.approx(manifest["output"]["threshold"])
    assert [feature.name for feature in reply.features] == [f["name"] for f in manifest["features"]]
    for feature, said in zip(reply.features, manifest["features"], strict=True):
        assert list(feature.categories) == said.get("categories", [])
        assert feature.optional == (said["missing"] != "refuse")
        assert feature.HasField("minimum") == ("minimum" in said)
        assert feature.description == said["description"]
    (tensor,) = reply.inputs
    assert (tensor.datatype, list(tensor.shape)) == ("FP32", [-1, len(manifest["features"])])
    assert 0 < reply.run_fixed_us < 1e5
    assert 0 <= reply.run_per_row_us < 1e4


def test_outputs_levels_grids_and_rules_are_described(details: grpc.Channel) -> None:
    """All that a caller must know to ask for intervals and reasons."""
    reply = get(details, "risk")
    (score,) = reply.scored_outputs
    assert (score.name, list(score.levels)) == ("score", ["low", "medium", "high"])
    assert (list(score.level_thresholds), list(score.coverages)) == ([0.3, 0.6], [0.5, 0.9])
    assert list(reply.explained_by) == ["amount", "age", "note", "plan"]
    assert [feature.outside for feature in reply.features] == [
        models_pb2.OUTSIDE_RULE_CLIP,
        models_pb2.OUTSIDE_RULE_REFUSE,
        models_pb2.OUTSIDE_RULE_ALLOW,
        models_pb2.OUTSIDE_RULE_ALLOW,
    ]
    days = get(details, "days")
    assert [(one.name, one.unit, list(one.coverages)) for one in days.scored_outputs] == [
        ("score", "probability", []),
        ("days", "days", [0.8, 0.9]),
    ]
    assert not days.explained_by
    assert get(details, "wide").explained_by[-1] == "pair"
    assert not get(details, "affine").scored_outputs


def test_a_bare_graph_is_described_by_its_tensors(channel: grpc.Channel) -> None:
    """No manifest: no features, no classes, but inputs and outputs."""
    reply = get(channel, "pair")
    assert [(t.name, t.datatype, list(t.shape)) for t in reply.inputs] == [
        ("a", "FP32", [-1, 2]),
        ("b", "FP32", [-1, 1]),
    ]
    assert [(t.name, t.datatype, list(t.shape)) for t in reply.outputs] == [("y", "FP32", [-1, 2])]
    assert not reply.features
    assert (reply.manifest_json, reply.threshold) == ("", 0.0)
    assert len(reply.sha256) == 64


def test_a_model_that_is_not_there_is_not_found(channel: grpc.Channel) -> None:
    """NOT_FOUND by name and by version, with suggestions."""
    found = refused(channel, GET, models_pb2.GetModelRequest(model="chrun"))
    assert (found.code, found.reason) == (Code.NOT_FOUND, "MODEL_NOT_FOUND")
    assert 'did you mean "churn"?' in found.message
    found = refused(channel, GET, models_pb2.GetModelRequest(model="churn@8"))
    assert (found.code, found.reason) == (Code.NOT_FOUND, "VERSION_NOT_FOUND")


def check(channel: grpc.Channel, service: str) -> int:
    """Health/Check."""
    request = health_pb2.HealthCheckRequest(service=service)
    reply = call(channel, HEALTH + "Check", request)
    return int(health_pb2.HealthCheckResponse.FromString(reply).status)


@pytest.mark.parametrize(
    "service",
    [
        "",
        "stubtail.v1.ScoringService",
        "stubtail.v1.DecisionService",
        "stubtail.v1.ModelService",
        "inference.GRPCInferenceService",
        "churn",
        "stubtail.v1.ScoringService/churn",
    ],
)
def test_health_is_told_for_the_server_its_services_and_models(
    channel: grpc.Channel, service: str
) -> None:
    """Each of these names serves."""
    assert check(channel, service) == SERVING


def test_health_of_an_unknown_name_is_not_found(channel: grpc.Channel) -> None:
    """NOT_FOUND, as the protocol says, with the name."""
    found = refused(channel, HEALTH + "Check", health_pb2.HealthCheckRequest(service="nobody"))
    assert (found.code, found.reason) == (Code.NOT_FOUND, "SERVICE_NOT_FOUND")
    assert found.resource == ("stubtail.health", "nobody")


def test_health_lists_every_name(channel: grpc.Channel) -> None:
    """The server, its services, and each model by both of its names."""
    reply = health_pb2.HealthListResponse.FromString(call(channel, HEALTH + "List", b""))
    names = {"", "churn", "stubtail.v1.ScoringService/churn", "inference.GRPCInferenceService"}
    assert names <= set(reply.statuses)
    assert {entry.status for entry in reply.statuses.values()} == {SERVING}


class Watch:
    """The statuses that a watcher is sent."""

    def __init__(self, channel: grpc.Channel, service: str) -> None:
        request = health_pb2.HealthCheckRequest(service=service).SerializeToString()
        self._statuses: queue.Queue[int] = queue.Queue()
        untyped: Any = channel
        self.call = untyped.unary_stream(HEALTH + "Watch")(request, timeout=TIMEOUT_S)
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> int:
        """The next status."""
        return self._statuses.get(timeout=10)

    @property
    def silent(self) -> bool:
        """Whether nothing more has come."""
        return self._statuses.empty()

    def _read(self) -> None:
        try:
            for reply in self.call:
                self._statuses.put(health_pb2.HealthCheckResponse.FromString(reply).status)
        except grpc.RpcError:
            pass


@pytest.fixture
def watched(server_models: Path, transport: str) -> Iterator[grpc.Channel]:
    """A server of its own, as its models are unloaded."""
    with (
        ServerProcess(server_models, transport) as process,
        grpc.insecure_channel(process.address, UNBOUNDED) as channel,
    ):
        yield channel


def test_health_is_watched_as_a_model_goes_and_comes(watched: grpc.Channel) -> None:
    """The status now, then each change, for the model alone; unknown names stay open."""
    watches = {name: Watch(watched, name) for name in ("affine", "churn", "", "nobody")}
    first = {name: watch.next() for name, watch in watches.items()}
    assert first == {"affine": SERVING, "churn": SERVING, "": SERVING, "nobody": UNKNOWN}

    operate(watched, "RepositoryModelUnload")
    assert watches["affine"].next() == NOT_SERVING
    assert check(watched, "affine") == NOT_SERVING
    operate(watched, "RepositoryModelLoad")
    assert watches["affine"].next() == SERVING

    assert all(watch.silent for watch in watches.values())
    for watch in watches.values():
        watch.call.cancel()
    assert check(watched, "") == SERVING


def operate(channel: grpc.Channel, method: str) -> Any:
    """Loads or unloads the model `affine`."""
    request = getattr(inference_pb2, method + "Request")(model_name="affine")
    return call(channel, OIP + method, request)
