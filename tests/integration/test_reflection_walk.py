"""What grpcurl does: list, describe everything, build messages from the answers, and call."""

from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.rpc import status_pb2

from stubtail.standard import reflection_pb2
from tests.integration.calls import TIMEOUT_S, Code, call, refused, streams
from tests.integration.customers import Customers

PACKAGES = ("v1", "v1alpha")
NOT_FOUND, INVALID_ARGUMENT = 5, 3
SERVICES = {
    "grpc.health.v1.Health": {"Check", "List", "Watch"},
    "grpc.reflection.v1.ServerReflection": {"ServerReflectionInfo"},
    "grpc.reflection.v1alpha.ServerReflection": {"ServerReflectionInfo"},
    "stubtail.v1.AnomalyService": {"Detect", "Watch"},
    "stubtail.v1.DecisionService": {"Decide"},
    "stubtail.v1.ForecastingService": {"Forecast"},
    "stubtail.v1.ModelService": {"ListModels", "GetModel"},
    "stubtail.v1.ScoringService": {"Score"},
    "inference.GRPCInferenceService": {"ModelInfer", "ModelStreamInfer", "ServerLive"},
}


class Reflection:
    """One stream of questions and answers."""

    def __init__(self, channel: grpc.Channel, package: str) -> None:
        self._channel = channel
        self._path = f"/grpc.reflection.{package}.ServerReflection/ServerReflectionInfo"

    def ask(self, *questions: dict[str, Any]) -> list[Any]:
        """The answers to questions on one stream."""
        requests = [reflection_pb2.ServerReflectionRequest(**question) for question in questions]
        payloads = iter([request.SerializeToString() for request in requests])
        replies = streams(self._channel, self._path)(payloads, timeout=TIMEOUT_S)
        return [reflection_pb2.ServerReflectionResponse.FromString(reply) for reply in replies]

    def services(self) -> list[str]:
        """Grpcurl list."""
        (answer,) = self.ask({"list_services": ""})
        return [service.name for service in answer.list_services_response.service]

    def files(self, symbol: str) -> list[FileDescriptorProto]:
        """The file that declares a symbol, and what it imports."""
        (answer,) = self.ask({"file_containing_symbol": symbol})
        serialized = answer.file_descriptor_response.file_descriptor_proto
        assert serialized, f"{symbol}: {answer.error_response.error_message}"
        return [FileDescriptorProto.FromString(file) for file in serialized]


@pytest.fixture(params=PACKAGES)
def reflection(request: pytest.FixtureRequest, channel: grpc.Channel) -> Reflection:
    """Both versions of the protocol."""
    return Reflection(channel, request.param)


def pool_of(reflection: Reflection) -> descriptor_pool.DescriptorPool:
    """A pool made of nothing but the answers."""
    files: dict[str, FileDescriptorProto] = {}
    for service in reflection.services():
        for file in reflection.files(service):
            files[file.name] = file
    pool = descriptor_pool.DescriptorPool()
    added: set[str] = set()

    def add(name: str) -> None:
        if name in added:
            return
        added.add(name)
        for dependency in files[name].dependency:
            add(dependency)
        pool.Add(files[name])

    for name in files:
        add(name)
    return pool


def symbols(pool: descriptor_pool.DescriptorPool, services: list[str]) -> Iterator[str]:
    """Every full name that grpcurl can be asked to describe, from the services downwards."""
    waiting: list[Any] = []
    seen: set[str] = set()
    for name in services:
        service = pool.FindServiceByName(name)
        yield name
        for method in service.methods:
            yield method.full_name
            waiting += [method.input_type, method.output_type]
    while waiting:
        message = waiting.pop()
        if message.full_name in seen:
            continue
        seen.add(message.full_name)
        yield message.full_name
        for field in message.fields:
            yield field.full_name
            if field.message_type is not None:
                waiting.append(field.message_type)
            if field.enum_type is not None and field.enum_type.full_name not in seen:
                seen.add(field.enum_type.full_name)
                scope, _, _ = field.enum_type.full_name.rpartition(".")
                yield field.enum_type.full_name
                yield from (f"{scope}.{value.name}" for value in field.enum_type.values)


def test_all_services_are_listed(reflection: Reflection) -> None:
    """Each service once, with its methods as they are served."""
    names = reflection.services()
    assert sorted(names) == sorted(SERVICES)
    pool = pool_of(reflection)
    for name, methods in SERVICES.items():
        assert methods <= {method.name for method in pool.FindServiceByName(name).methods}


def test_every_symbol_of_every_service_can_be_described(reflection: Reflection) -> None:
    """Services, methods, messages, fields and enums: the answer declares what was asked for."""
    names = list(symbols(pool_of(reflection), reflection.services()))
    assert len(names) > 300
    answers = reflection.ask(*({"file_containing_symbol": name} for name in names))
    assert len(answers) == len(names)
    for name, answer in zip(names, answers, strict=True):
        assert answer.original_request.file_containing_symbol == name
        assert answer.file_descriptor_response.file_descriptor_proto, name


def test_every_file_comes_with_its_imports(reflection: Reflection) -> None:
    """Asking by file name gives the same, and nothing is missing to build it."""
    for service in SERVICES:
        files = reflection.files(service)
        known = {file.name for file in files}
        assert all(set(file.dependency) <= known for file in files)
        (answer,) = reflection.ask({"file_by_filename": files[0].name})
        again = answer.file_descriptor_response.file_descriptor_proto
        assert {FileDescriptorProto.FromString(file).name for file in again} == known


def test_what_is_not_there_is_answered_in_its_place(reflection: Reflection) -> None:
    """Unknown symbols, files and extensions are answers; the stream goes on."""
    answers = reflection.ask(
        {"file_containing_symbol": "no.such.Thing"},
        {"file_by_filename": "no/such.proto"},
        {"file_containing_extension": {"containing_type": "no.Type", "extension_number": 7}},
        {"all_extension_numbers_of_type": "no.Type"},
        {},
        {"list_services": "", "host": "somewhere"},
    )
    codes = [answer.error_response.error_code for answer in answers]
    assert codes == [NOT_FOUND, NOT_FOUND, NOT_FOUND, NOT_FOUND, INVALID_ARGUMENT, 0]
    assert answers[-1].valid_host == "somewhere"
    assert answers[-1].list_services_response.service


def test_score_is_called_with_reflected_messages_alone(
    channel: grpc.Channel, reflection: Reflection, customers: Customers
) -> None:
    """From the method's name and JSON to an answer, without generated code, as grpcurl does."""
    pool = pool_of(reflection)
    method = pool.FindMethodByName("stubtail.v1.ScoringService.Score")
    request_type = message_factory.GetMessageClass(method.input_type)
    response_type = message_factory.GetMessageClass(method.output_type)
    rows = customers.rows(3, seed=9)
    columns = [
        {"name": name, "strings" if isinstance(values[0], str) else "numbers": values}
        for name, values in customers.columns(rows).items()
    ]
    for body in (
        {"model": "churn", "named": {"columns": columns}},
        {
            "model": "churn",
            "priority": "PRIORITY_HIGH",
            "dense": {"values": [float(value) for value in rows.ravel()]},
        },
    ):
        request: Any = json_format.ParseDict(body, request_type())
        path = f"/{method.containing_service.full_name}/{method.name}"
        reply: Any = response_type.FromString(call(channel, path, request))

        answer = json_format.MessageToDict(reply)
        assert (answer["model"], answer["classes"]) == ("churn", ["stay", "leave"])
        np.testing.assert_allclose(answer["scores"], customers.scores(rows), atol=1e-6)


def test_every_listed_unary_method_is_served_or_says_that_it_is_not(
    channel: grpc.Channel, reflection: Reflection
) -> None:
    """An empty message to each: an answer or a precise error, and no method lost on the way."""
    offered = set()
    for name in reflection.services():
        for method in pool_of(reflection).FindServiceByName(name).methods:
            if method.client_streaming or method.server_streaming:
                continue
            try:
                call(channel, f"/{name}/{method.name}", b"")
            except grpc.RpcError as error:
                codes = (Code.INVALID_ARGUMENT, Code.UNIMPLEMENTED)
                assert error.code() in codes, f"{method.full_name}: {error}"  # noqa: PT017 - either may be
                if error.code() is Code.UNIMPLEMENTED:
                    continue
            offered.add(method.name)
    missing = {"SystemSharedMemoryStatus", "TraceSetting", "LogSettings"}
    assert not missing & offered
    assert {"Score", "ModelInfer", "ModelConfig", "RepositoryIndex", "GetModel"} <= offered


def test_the_details_of_an_error_can_be_read(channel: grpc.Channel, reflection: Reflection) -> None:
    """Every message in an error's details, by its type alone: else grpcurl prints base64."""
    with pytest.raises(grpc.RpcError) as caught:
        call(channel, "/stubtail.v1.ModelService/GetModel", b"\n\x05chrun")
    trailing = dict(caught.value.trailing_metadata())
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    assert len(status.details) >= 2
    for detail in status.details:
        pool = descriptor_pool.DescriptorPool()
        for file in reversed(reflection.files(detail.TypeName())):
            pool.Add(file)
        found: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName(detail.TypeName()))
        assert "chrun" in str(found.FromString(detail.value))


def test_a_question_that_is_none_ends_the_stream(channel: grpc.Channel) -> None:
    """Bytes that are no message: INVALID_ARGUMENT, as for other methods."""
    path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
    replies = streams(channel, path)(iter([b"\xff\xff"]), timeout=TIMEOUT_S)
    with pytest.raises(grpc.RpcError) as caught:
        list(replies)
    assert caught.value.code() is Code.INVALID_ARGUMENT
    assert refused(channel, "/grpc.health.v1.Health/Check", b"\xff").code is Code.INVALID_ARGUMENT
