"""Pins what the committed stubs promise: fresh, exact numbers, private where it matters."""

import importlib.util
import re
import sys
import tomllib
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool

from stubtail.oip import inference_pb2
from stubtail.standard import health_pb2, reflection_pb2
from stubtail.v1 import common_pb2, models_pb2_grpc, scoring_pb2, scoring_pb2_grpc

ROOT = Path(__file__).parents[2]
# Fields by number, as tritonclient, KServe and the published protocol have them.
OPEN_INFERENCE = {
    "ModelReadyRequest": "1 name, 2 version",
    "ServerMetadataResponse": "1 name, 2 version, 3 extensions",
    "ModelMetadataResponse": "1 name, 2 versions, 3 platform, 4 inputs, 5 outputs",
    "ModelMetadataResponse.TensorMetadata": "1 name, 2 datatype, 3 shape",
    "ModelInferRequest": "1 model_name, 2 model_version, 3 id, 4 parameters, 5 inputs, 6 outputs, "
    "7 raw_input_contents",
    "ModelInferRequest.InferInputTensor": "1 name, 2 datatype, 3 shape, 4 parameters, 5 contents",
    "ModelInferRequest.InferRequestedOutputTensor": "1 name, 2 parameters",
    "ModelInferResponse": "1 model_name, 2 model_version, 3 id, 4 parameters, 5 outputs, "
    "6 raw_output_contents",
    "ModelInferResponse.InferOutputTensor": "1 name, 2 datatype, 3 shape, 4 parameters, 5 contents",
    "InferParameter": "1 bool_param, 2 int64_param, 3 string_param, 4 double_param, 5 uint64_param",
    "InferTensorContents": "1 bool_contents, 2 int_contents, 3 int64_contents, 4 uint_contents, "
    "5 uint64_contents, 6 fp32_contents, 7 fp64_contents, 8 bytes_contents",
    "ModelStreamInferResponse": "1 error_message, 2 infer_response",
    "ModelConfig": "1 name, 2 platform, 3 version_policy, 4 max_batch_size, 5 input, 6 output, "
    "7 instance_group, 8 default_model_filename, 10 metric_tags, 11 dynamic_batching, "
    "14 parameters, 17 backend, 19 model_transaction_policy, 24 response_cache, 25 runtime",
    "ModelStatistics": "1 name, 2 version, 3 last_inference, 4 inference_count, "
    "5 execution_count, 6 inference_stats, 7 batch_stats, 8 memory_usage, 9 response_stats",
    "RepositoryIndexResponse.ModelIndex": "1 name, 2 version, 3 state, 4 reason",
    "RepositoryModelLoadRequest": "1 repository_name, 2 model_name, 3 parameters",
}


@pytest.fixture(scope="module")
def generator():
    """proto/generate.py as a module; it is a script and no part of a package."""
    spec = importlib.util.spec_from_file_location("proto_generate", ROOT / "proto" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def fresh(generator):
    """Every stub as the present .proto files give it."""
    return generator.generate(generator.targets())


def test_the_committed_stubs_are_fresh(generator, fresh, capsys):
    """Whoever changes a .proto file commits its stubs with it."""
    assert generator.check(fresh) == 0, capsys.readouterr().err


def test_a_stale_and_a_left_over_stub_are_named(generator, fresh, capsys):
    """The check fails and says which files, and what to run."""
    changed = {**fresh, "stubtail/v1/scoring_pb2.py": "other"}
    del changed["stubtail/v1/common_pb2.pyi"]
    assert generator.check(changed) == 1
    told = capsys.readouterr().err
    assert "server/stubtail/v1/scoring_pb2.py" in told
    assert "server/stubtail/v1/common_pb2.pyi (its .proto is gone)" in told
    assert "make stubs" in told


def test_the_stubs_accept_every_runtime_that_the_package_does(generator, fresh):
    """Stubs must not ask for a newer protobuf or grpcio than pyproject.toml does."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    floor = next(line for line in wanted if line.startswith("grpcio>="))
    assert generator.GRPCIO_FLOOR.startswith(floor.removeprefix("grpcio>="))
    assert not [name for name, text in fresh.items() if "ValidateProtobufRuntimeVersion" in text]


@pytest.mark.parametrize("name", OPEN_INFERENCE)
def test_open_inference_fields_have_the_published_numbers(name):
    """Clients of four dialects read these numbers; none of them may move."""
    first, *rest = name.split(".")
    message = inference_pb2.DESCRIPTOR.message_types_by_name[first]
    for nested in rest:
        message = message.nested_types_by_name[nested]
    assert ", ".join(f"{f.number} {f.name}" for f in message.fields) == OPEN_INFERENCE[name]


def test_metadata_field_6_does_not_exist():
    """The dialects disagree on its type, so that setting it would break some client."""
    assert 6 not in inference_pb2.ModelMetadataResponse.DESCRIPTOR.fields_by_number


@pytest.mark.parametrize("module", [inference_pb2, health_pb2, reflection_pb2])
def test_protocols_of_others_stay_out_of_the_default_pool(module):
    """tritonclient, kserve and grpcio-health-checking define the same names in it."""
    assert module.DESCRIPTOR.pool is not descriptor_pool.Default()
    for message in module.DESCRIPTOR.message_types_by_name.values():
        with pytest.raises(KeyError):
            descriptor_pool.Default().FindMessageTypeByName(message.full_name)


def test_public_stubs_are_in_the_default_pool():
    """google.protobuf.Any and JSON find messages there."""
    found = descriptor_pool.Default().FindMessageTypeByName("stubtail.v1.ScoreRequest")
    assert found is scoring_pb2.ScoreRequest.DESCRIPTOR


def test_enums_have_names_and_numbers():
    """Both ways of writing an enum value work, as with protoc's own stubs."""
    assert common_pb2.Priority.Name(common_pb2.PRIORITY_HIGH) == "PRIORITY_HIGH"
    assert common_pb2.Priority.Value("PRIORITY_LOW") == common_pb2.PRIORITY_LOW
    assert inference_pb2.DataType.Value("TYPE_BF16") == inference_pb2.TYPE_BF16
    assert inference_pb2.ModelInstanceGroup.KIND_CPU == 2


class FakeChannel:
    """Stands for a grpc channel: remembers the methods that a stub asks for."""

    def __init__(self):
        self.paths = []

    def unary_unary(self, path, **_):
        """What a generated stub calls for each of its methods."""
        self.paths.append(path)


def test_client_stubs_call_the_methods_of_the_services():
    """The classes that other people's Python code calls."""
    channel = FakeChannel()
    scoring_pb2_grpc.ScoringServiceStub(channel)
    models_pb2_grpc.ModelServiceStub(channel)
    assert set(channel.paths) >= {
        "/stubtail.v1.ScoringService/Score",
        "/stubtail.v1.ModelService/ListModels",
        "/stubtail.v1.ModelService/GetModel",
    }


def test_every_reason_is_published():
    """An ErrorInfo.reason that a caller sees must be in the public enum."""
    values = common_pb2.ErrorReason.DESCRIPTOR.values_by_name
    published = {name.removeprefix("ERROR_REASON_") for name in values}
    sources = (ROOT / "server" / "stubtail").glob("**/*.py")
    pattern = re.compile(r'Code\.[A-Z_]+,\s+"([A-Z_]{4,})"')
    used = {name for path in sources for name in pattern.findall(path.read_text("utf-8"))}
    assert used <= published
