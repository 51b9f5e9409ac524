"""Pins what reflection tells: services, files, symbols and extensions, over both packages."""

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from stubtail.endpoints.reflection import REQUEST_BYTES_MAX, ReflectionEndpoint
from stubtail.errors import CallError, Code
from stubtail.oip import inference_pb2
from stubtail.standard import health_pb2, reflection_pb2
from stubtail.v1 import models_pb2, scoring_pb2

SERVICES = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "inference.GRPCInferenceService",
    "stubtail.v1.ModelService",
    "stubtail.v1.ScoringService",
]


@pytest.fixture(scope="module")
def endpoint():
    """Reflection over all that the server serves, from three descriptor pools."""
    modules = (scoring_pb2, models_pb2, inference_pb2, health_pb2)
    return ReflectionEndpoint([module.DESCRIPTOR for module in modules])


def ask(endpoint, **question):
    """The answer to one question."""
    payload = reflection_pb2.ServerReflectionRequest(**question).SerializeToString()
    return reflection_pb2.ServerReflectionResponse.FromString(endpoint.answer(payload))


def files(answer):
    """The files in an answer, by name."""
    serialized = answer.file_descriptor_response.file_descriptor_proto
    found = [descriptor_pb2.FileDescriptorProto.FromString(one) for one in serialized]
    return {file.name: file for file in found}


def pool_of(found):
    """A descriptor pool with these files, as a tool would make it."""
    database = descriptor_pool.DescriptorPool()
    waiting = list(found.values())
    added: set[str] = set()
    while waiting:
        file = waiting.pop(0)
        if set(file.dependency) <= added:
            database.AddSerializedFile(file.SerializeToString())
            added.add(file.name)
        else:
            waiting.append(file)
    return database


def test_both_packages_are_offered(endpoint):
    """Old tools ask v1alpha, new ones v1."""
    assert [method.path for method in endpoint.methods()] == [
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ]


def test_all_services_are_listed_in_order(endpoint):
    """Services of private pools and reflection itself are among them."""
    answer = ask(endpoint, list_services="*")
    assert [service.name for service in answer.list_services_response.service] == SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_every_listed_service_can_be_walked(endpoint, service):
    """What grpcurl does: take a service's files, build them, and know every message."""
    found = pool_of(files(ask(endpoint, file_containing_symbol=service)))
    for method in found.FindServiceByName(service).methods:
        for message in (method.input_type, method.output_type):
            assert message_factory.GetMessageClass(message)().SerializeToString() == b""


def test_a_file_comes_with_its_imports_once_each(endpoint):
    """One question suffices to build a file."""
    found = files(ask(endpoint, file_by_filename="stubtail/v1/scoring.proto"))
    assert set(found) == {"stubtail/v1/scoring.proto", "stubtail/v1/common.proto"}


@pytest.mark.parametrize(
    ("symbol", "file"),
    [
        ("stubtail.v1.ScoringService.Score", "stubtail/v1/scoring.proto"),
        ("stubtail.v1.ScoreRequest", "stubtail/v1/scoring.proto"),
        (".stubtail.v1.ScoreRequest", "stubtail/v1/scoring.proto"),
        ("stubtail.v1.ScoreRequest.model", "stubtail/v1/scoring.proto"),
        ("stubtail.v1.ScoreRequest.rows", "stubtail/v1/scoring.proto"),
        ("stubtail.v1.Priority", "stubtail/v1/common.proto"),
        ("stubtail.v1.PRIORITY_HIGH", "stubtail/v1/common.proto"),
        ("inference.ModelInferRequest.InferInputTensor", "stubtail/oip/inference.proto"),
        ("inference.ModelInstanceGroup.Kind", "stubtail/oip/inference.proto"),
        ("grpc.reflection.v1alpha.ExtensionRequest", "grpc/reflection/v1alpha/reflection.proto"),
        ("google.rpc.Status", "google/rpc/status.proto"),
    ],
)
def test_a_symbol_leads_to_its_file(endpoint, symbol, file):
    """Services, methods, messages, fields, enums and values, nested ones too."""
    assert file in files(ask(endpoint, file_containing_symbol=symbol))


@pytest.mark.parametrize(
    "question",
    [
        {"file_by_filename": "none.proto"},
        {"file_by_filename": ""},
        {"file_containing_symbol": "stubtail.v1.Nothing"},
        {"file_containing_symbol": ""},
        {"all_extension_numbers_of_type": "stubtail.v1.Nothing"},
        {
            "file_containing_extension": reflection_pb2.ExtensionRequest(
                containing_type="stubtail.v1.ScoreRequest", extension_number=1
            )
        },
    ],
)
def test_what_is_unknown_is_not_found(endpoint, question):
    """An error within the answer: the stream goes on."""
    answer = ask(endpoint, **question)
    assert answer.error_response.error_code == Code.NOT_FOUND
    assert answer.error_response.error_message


def test_a_request_without_a_question(endpoint):
    """INVALID_ARGUMENT within the answer."""
    assert ask(endpoint).error_response.error_code == Code.INVALID_ARGUMENT


def test_the_answer_holds_the_question(endpoint):
    """Tools match answers to questions by it."""
    answer = ask(endpoint, host="example", list_services="")
    assert answer.valid_host == "example"
    assert answer.original_request.WhichOneof("message_request") == "list_services"


def test_a_message_without_extensions(endpoint):
    """Known, and has none: an empty list and no error."""
    answer = ask(endpoint, all_extension_numbers_of_type="stubtail.v1.ScoreRequest")
    reply = answer.all_extension_numbers_response
    assert (reply.base_type_name, list(reply.extension_number)) == ("stubtail.v1.ScoreRequest", [])


def test_extensions_are_found_by_number_and_by_message():
    """The API has none, so a file of the test's own has: they are part of the protocol."""
    file = descriptor_pb2.FileDescriptorProto(name="extended.proto", package="test")
    message = file.message_type.add(name="Base")
    message.extension_range.add(start=100, end=200)
    for number in (120, 110):
        field = file.extension.add(name=f"extra_{number}", number=number, extendee=".test.Base")
        field.label, field.type = field.LABEL_OPTIONAL, field.TYPE_INT32
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    endpoint = ReflectionEndpoint([pool.FindFileByName("extended.proto")])
    answer = ask(endpoint, all_extension_numbers_of_type="test.Base")
    assert list(answer.all_extension_numbers_response.extension_number) == [110, 120]
    asked = reflection_pb2.ExtensionRequest(containing_type="test.Base", extension_number=110)
    assert set(files(ask(endpoint, file_containing_extension=asked))) == {"extended.proto"}
    assert set(files(ask(endpoint, file_containing_symbol="test.extra_110"))) == {"extended.proto"}


@pytest.mark.parametrize("payload", [b"\xff", b"\x3a" * (REQUEST_BYTES_MAX + 1)])
def test_bytes_that_are_no_question_end_the_stream(endpoint, payload):
    """INVALID_ARGUMENT: malformed, or longer than any name."""
    with pytest.raises(CallError) as caught:
        endpoint.answer(payload)
    assert caught.value.code == Code.INVALID_ARGUMENT


async def test_a_stream_has_one_answer_for_each_question_in_order(endpoint):
    """An error in between does not end it."""

    async def questions():
        for symbol in ("stubtail.v1.ScoreRequest", "nothing", "stubtail.v1.ModelService"):
            asked = reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol)
            yield asked.SerializeToString()

    answers = [
        reflection_pb2.ServerReflectionResponse.FromString(one)
        async for one in endpoint.info(questions())
    ]
    assert [answer.WhichOneof("message_response") for answer in answers] == [
        "file_descriptor_response",
        "error_response",
        "file_descriptor_response",
    ]
