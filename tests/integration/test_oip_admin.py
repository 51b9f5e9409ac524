"""The Open Inference Protocol besides inference: what tools ask before, between and after calls."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

import stubtail
from stubtail.oip import inference_pb2 as pb
from tests import model_files
from tests.integration.calls import (
    INFER,
    OIP,
    TIMEOUT_S,
    Code,
    call,
    dense,
    infer,
    infer_request,
    refused,
    score,
)
from tests.integration.conftest import UNBOUNDED, defects
from tests.server_process import ServerProcess

ROW = np.ones((1, 3), np.float32)


@pytest.fixture(scope="module")
def admin_server(
    transport: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server whose models these tests load and unload; one of them is broken."""
    folder = tmp_path_factory.mktemp("admin")
    write(folder)
    with ServerProcess(folder, transport) as process:
        yield process
    assert not defects(process.output)


def write(folder: Path) -> None:
    """The models of this file."""
    model_files.write_model(folder / "affine" / "1", model_files.affine(scale=1, offset=0))
    model_files.write_model(folder / "affine" / "2", model_files.affine())
    model_files.write_model(folder / "classes" / "1", model_files.classifier(classes=3))
    model_files.write_model(folder / "fixed" / "1", model_files.fixed_batch())
    model_files.write_model(folder / "strings" / "1", model_files.strings())
    model_files.write_model(folder / "picky" / "1", model_files.picky())
    model_files.write_model(folder / "broken" / "1", model_files.affine()[:40])


@pytest.fixture
def admin(admin_server: ServerProcess) -> Iterator[grpc.Channel]:
    """A channel to it."""
    with grpc.insecure_channel(admin_server.address, UNBOUNDED) as channel:
        yield channel


def ask(channel: grpc.Channel, method: str, **fields: Any) -> Any:
    """The answer of a method of the service."""
    request = getattr(pb, method + "Request")(**fields)
    return getattr(pb, method + "Response").FromString(call(channel, OIP + method, request))


def ready(channel: grpc.Channel, name: str, version: str = "") -> bool:
    """ModelReady."""
    return bool(ask(channel, "ModelReady", name=name, version=version).ready)


def test_a_running_server_is_live_and_ready(admin: grpc.Channel) -> None:
    """Both probes, without arguments."""
    assert ask(admin, "ServerLive").live
    assert ask(admin, "ServerReady").ready


def test_a_model_is_ready_by_version_or_not_at_all(admin: grpc.Channel) -> None:
    """Unknown names and versions are not ready; that is no error."""
    assert ready(admin, "affine")
    assert ready(admin, "affine", "1")
    assert ready(admin, "affine", "2")
    assert not ready(admin, "affine", "3")
    assert not ready(admin, "broken")
    assert not ready(admin, "nobody")
    assert not ready(admin, "")


def test_server_metadata_tells_what_is_offered(admin: grpc.Channel) -> None:
    """Name, version, and no extension that is not there."""
    reply = ask(admin, "ServerMetadata")
    assert (reply.name, reply.version) == ("stubtail", stubtail.__version__)
    assert {"statistics", "model_configuration", "binary_tensor_data"} <= set(reply.extensions)
    assert not {"classification", "sequence", "system_shared_memory"} & set(reply.extensions)


def test_model_metadata_has_shapes_with_the_batch_dimension(admin: grpc.Channel) -> None:
    """-1 for what is free, and every version that answers."""
    reply = ask(admin, "ModelMetadata", name="affine")
    assert (reply.name, reply.platform) == ("affine", "onnxruntime_onnx")
    assert list(reply.versions) == ["1", "2"]
    assert [(t.name, t.datatype, list(t.shape)) for t in reply.inputs] == [("x", "FP32", [-1, 3])]
    assert [(t.name, t.datatype, list(t.shape)) for t in reply.outputs] == [("y", "FP32", [-1, 3])]
    outputs = ask(admin, "ModelMetadata", name="classes", version="1").outputs
    assert [(t.name, t.datatype, list(t.shape)) for t in outputs] == [
        ("label", "INT64", [-1]),
        ("probabilities", "FP32", [-1, 3]),
    ]


def test_model_config_has_shapes_without_the_batch_dimension(admin: grpc.Channel) -> None:
    """As Triton has them where max_batch_size is above 0; a fixed batch has all and 0."""
    config = ask(admin, "ModelConfig", name="affine").config
    assert (config.name, config.backend, config.platform) == (
        "affine",
        "onnxruntime",
        "onnxruntime_onnx",
    )
    assert config.max_batch_size == 4096
    assert [(t.name, t.data_type, list(t.dims)) for t in config.input] == [("x", pb.TYPE_FP32, [3])]
    assert [(t.name, t.data_type, list(t.dims)) for t in config.output] == [
        ("y", pb.TYPE_FP32, [3])
    ]
    assert config.HasField("dynamic_batching")
    assert config.dynamic_batching.priority_levels == 4
    assert config.dynamic_batching.default_priority_level == 3

    fixed = ask(admin, "ModelConfig", name="fixed").config
    assert fixed.max_batch_size == 0
    assert list(fixed.input[0].dims) == [1, 3]
    assert not fixed.HasField("dynamic_batching")
    strings = ask(admin, "ModelConfig", name="strings").config
    assert strings.input[0].data_type == pb.TYPE_STRING


@pytest.mark.parametrize("method", ["ModelMetadata", "ModelConfig", "ModelStatistics"])
@pytest.mark.parametrize(
    ("name", "version", "reason", "resource"),
    [
        ("afine", "", "MODEL_NOT_FOUND", ("stubtail.model", "afine")),
        ("affine", "9", "VERSION_NOT_FOUND", ("stubtail.version", "affine@9")),
    ],
)
def test_descriptions_of_what_is_not_there_are_not_found(
    admin: grpc.Channel,
    method: str,
    name: str,
    version: str,
    reason: str,
    resource: tuple[str, str],
) -> None:
    """The same errors as for inference."""
    request = getattr(pb, method + "Request")(name=name, version=version)
    found = refused(admin, OIP + method, request)
    assert (found.code, found.reason) == (Code.NOT_FOUND, reason)
    assert found.resource == resource


@pytest.mark.parametrize("method", ["ModelMetadata", "ModelConfig", "ModelStatistics"])
def test_a_model_that_did_not_load_says_why(admin: grpc.Channel, method: str) -> None:
    """UNAVAILABLE with the reason in the server's words, and when to come again."""
    found = refused(admin, OIP + method, getattr(pb, method + "Request")(name="broken"))
    assert (found.code, found.reason) == (Code.UNAVAILABLE, "MODEL_FAILED")
    assert "broken/1/model.onnx" in found.message
    assert found.metadata["state"] == "FAILED"
    assert found.retry_s == 5.0


def test_perf_analyzer_finds_what_it_insists_on(admin: grpc.Channel) -> None:
    """Its calls in its order; names in metadata and configuration must be the same."""
    metadata = ask(admin, "ModelMetadata", name="affine")
    config = ask(admin, "ModelConfig", name="affine").config
    extensions = ask(admin, "ServerMetadata").extensions
    assert [t.name for t in metadata.inputs] == [t.name for t in config.input]
    assert [t.name for t in metadata.outputs] == [t.name for t in config.output]
    assert list(metadata.inputs[0].shape[1:]) == list(config.input[0].dims)
    assert not config.model_transaction_policy.decoupled
    assert "statistics" in extensions

    before = ask(admin, "ModelStatistics", name="affine").model_stats[0]
    request = infer_request("affine", x=ROW)
    request.parameters["triton_enable_empty_final_response"].bool_param = True
    for index in range(5):
        request.id = str(index)
        infer(admin, request)
    after = ask(admin, "ModelStatistics", name="affine").model_stats[0]
    assert after.inference_stats.success.count - before.inference_stats.success.count == 5


def test_statistics_count_exactly(admin: grpc.Channel) -> None:
    """Rows, runs, calls and failures of one version, and where the time went."""
    before = ask(admin, "ModelStatistics", name="picky").model_stats[0]
    began_ms = time.time() * 1e3
    for rows in (1, 3, 3, 7):
        infer(admin, infer_request("picky", x=np.zeros((rows, 1), np.int64)))
        score(admin, dense("picky", [1.0] * rows))
    for _ in range(3):
        found = refused(admin, INFER, infer_request("picky", x=np.array([[99]])))
        assert found.code is Code.INTERNAL
    refused(admin, INFER, infer_request("picky", x=np.zeros((1, 2), np.int64)))

    after = ask(admin, "ModelStatistics", name="picky", version="1").model_stats[0]

    assert (after.name, after.version) == ("picky", "1")
    stats, earlier = after.inference_stats, before.inference_stats
    assert stats.success.count - earlier.success.count == 8
    assert stats.fail.count - earlier.fail.count == 3, "a refused request never reached the model"
    for phase in ("queue", "compute_input", "compute_infer", "compute_output"):
        assert getattr(stats, phase).count - getattr(earlier, phase).count == 8
    total_ns = stats.success.ns - earlier.success.ns
    parts_ns = sum(
        getattr(stats, phase).ns - getattr(earlier, phase).ns
        for phase in ("queue", "compute_input", "compute_infer", "compute_output")
    )
    assert 0 < parts_ns <= total_ns * 1.01
    sizes = {batch.batch_size: batch.compute_infer.count for batch in after.batch_stats}
    assert (sizes[3], sizes[7]) == (4, 2)
    assert began_ms - 1000 < after.last_inference < time.time() * 1e3 + 1000


def test_statistics_without_a_name_are_of_all_models(admin: grpc.Channel) -> None:
    """Every version that is in memory."""
    stats = ask(admin, "ModelStatistics").model_stats
    versions = [(entry.name, entry.version) for entry in stats]
    assert {("affine", "1"), ("affine", "2"), ("classes", "1")} <= set(versions)
    assert "broken" not in dict(versions)


def index(channel: grpc.Channel, **fields: Any) -> dict[tuple[str, str], tuple[str, str]]:
    """State and reason by name and version."""
    models = ask(channel, "RepositoryIndex", **fields).models
    return {(entry.name, entry.version): (entry.state, entry.reason) for entry in models}


def test_the_index_has_every_version_and_why_one_failed(admin: grpc.Channel) -> None:
    """Ready or not; only those that answer when asked so."""
    states = index(admin)
    assert states["affine", "1"] == states["affine", "2"] == ("READY", "")
    state, reason = states["broken", "1"]
    assert state == "UNAVAILABLE"
    assert reason.startswith("broken/1/model.onnx: ")
    ready_ones = index(admin, ready=True)
    assert ready_ones.keys() == states.keys() - {("broken", "1")}


@pytest.mark.parametrize("field", ["model_name", "repository_name"])
def test_a_model_is_unloaded_and_loaded_by_call(admin: grpc.Channel, field: str) -> None:
    """By the names of Triton's fields, and by field 1, where KServe's clients put the model."""
    reply = ask(admin, "RepositoryModelUnload", **{field: "classes"})
    assert (reply.model_name, reply.is_unloaded) == ("classes", True)
    assert not ready(admin, "classes")
    found = refused(admin, INFER, infer_request("classes", x=ROW))
    assert (found.code, found.reason) == (Code.FAILED_PRECONDITION, "MODEL_DISABLED")
    assert "RepositoryModelLoad" in found.message
    assert index(admin)["classes", "1"][0] == "UNAVAILABLE"
    assert infer(admin, infer_request("affine", x=ROW))["y"].tolist() == [[3, 3, 3]]

    reply = ask(admin, "RepositoryModelLoad", **{field: "classes"})
    assert (reply.model_name, reply.is_loaded) == ("classes", True)
    assert ready(admin, "classes")
    assert infer(admin, infer_request("classes", x=ROW))["label"].tolist() == [2]


def test_loading_again_keeps_answering(admin: grpc.Channel) -> None:
    """A load of what is there already is no interruption, and no error."""
    for _ in range(3):
        ask(admin, "RepositoryModelLoad", model_name="affine")
        assert infer(admin, infer_request("affine", version="2", x=ROW))["y"].tolist() == [
            [3, 3, 3]
        ]
        assert infer(admin, infer_request("affine", version="1", x=ROW))["y"].tolist() == [
            [1, 1, 1]
        ]


def test_loading_what_cannot_be_loaded_is_refused(admin: grpc.Channel) -> None:
    """Unknown, broken, and with files of the caller's own."""
    for method in ("Load", "Unload"):
        request = getattr(pb, f"RepositoryModel{method}Request")(model_name="nobody")
        found = refused(admin, f"{OIP}RepositoryModel{method}", request)
        assert (found.code, found.reason) == (Code.NOT_FOUND, "MODEL_NOT_FOUND")
    load = pb.RepositoryModelLoadRequest(model_name="broken")
    found = refused(admin, OIP + "RepositoryModelLoad", load)
    assert (found.code, found.retry_s) == (Code.UNAVAILABLE, 5.0)
    load = pb.RepositoryModelLoadRequest(model_name="affine")
    load.parameters["file:1/model.onnx"].bytes_param = b"x"
    found = refused(admin, OIP + "RepositoryModelLoad", load)
    assert (found.code, list(found.fields)) == (Code.INVALID_ARGUMENT, ["parameters"])
    assert ready(admin, "affine")


def test_names_of_models_never_reach_the_file_system(admin: grpc.Channel) -> None:
    """A path for a name is a name that is not there."""
    for name in ("../affine", "/etc", "affine/../affine", ".", "affine\0"):
        for method in ("RepositoryModelLoad", "RepositoryModelUnload"):
            request = getattr(pb, method + "Request")(model_name=name)
            assert refused(admin, OIP + method, request, timeout=TIMEOUT_S).code is Code.NOT_FOUND
