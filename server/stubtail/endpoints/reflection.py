"""grpc.reflection v1 and v1alpha: lets grpcurl and other tools ask what the server speaks.

The two protocols are the same on the wire but for the package in their names, so one handler
answers both, and the description of v1alpha is made from that of v1.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any

from google.protobuf.descriptor_pb2 import (
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.rpc import error_details_pb2, status_pb2

from stubtail.descriptors import joined, messages_of, with_imports
from stubtail.endpoints.method import BidiStream, parse
from stubtail.errors import Code, invalid_field
from stubtail.standard import reflection_pb2

PACKAGES = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
# What errors carry: no method names it, and tools that do not know it show its bytes.
ERRORS = (status_pb2.DESCRIPTOR, error_details_pb2.DESCRIPTOR)
# A question is one name, and comes back within its answer; names have at most hundreds of bytes.
REQUEST_BYTES_MAX = 16 * 1024
SHOWN_CHARACTERS_MAX = 128


class Descriptions:
    """An index of protobuf files by name, by the names that they declare and by extensions.

    Args:
        files: in any order; every import of a file is among them.
    """

    def __init__(self, files: Iterable[FileDescriptorProto]) -> None:
        self._files = {file.name: file for file in files}
        self._serialized = {
            name: file.SerializeToString(deterministic=True) for name, file in self._files.items()
        }
        self._by_symbol: dict[str, str] = {}
        self._by_extension: dict[tuple[str, int], str] = {}
        self._messages: set[str] = set()
        for file in self._files.values():
            self._messages.update(name for name, _ in messages_of(file))
            self._by_symbol.update(dict.fromkeys(_symbols(file), file.name))
            for extension in _extensions(file):
                key = (extension.extendee.removeprefix("."), extension.number)
                self._by_extension[key] = file.name

    def file(self, name: str) -> list[bytes] | None:
        """The serialised file of that name and all that it imports; None when there is none."""
        if name not in self._files:
            return None
        found: dict[str, bytes] = {}
        waiting = [name]
        while waiting:
            current = waiting.pop()
            if current not in found:
                found[current] = self._serialized[current]
                waiting += self._files[current].dependency
        return list(found.values())

    def declaring(self, symbol: str) -> list[bytes] | None:
        """The file that declares a full name, with its imports; None when no file does."""
        return self.file(self._by_symbol.get(symbol.removeprefix("."), ""))

    def extending(self, message: str, number: int) -> list[bytes] | None:
        """The file that declares an extension, with its imports; None when no file does."""
        return self.file(self._by_extension.get((message, number), ""))

    def extension_numbers(self, message: str) -> list[int] | None:
        """The numbers of all extensions of a message; None when there is no such message."""
        if message not in self._messages:
            return None
        return sorted(number for name, number in self._by_extension if name == message)


class ReflectionEndpoint:
    """Answers questions about the given files, all that they import, errors, and reflection itself.

    Each answer is computed from memory when its question arrives and nothing is kept between
    them, so a slow reader holds up only its own stream.

    Args:
        files: descriptors (`X_pb2.DESCRIPTOR`) from any descriptor pools, whose file names and
            symbols do not clash. All services of these files are listed.
    """

    def __init__(self, files: Sequence[Any]) -> None:
        own = [_reflection_file(package) for package in PACKAGES]
        described = [copy for file in (*files, *ERRORS) for copy in with_imports(file)]
        served = {file.name for file in files} | {file.name for file in own}
        services = {
            joined(file.package, service.name)
            for file in (*described, *own)
            if file.name in served
            for service in file.service
        }
        self._services = reflection_pb2.ListServiceResponse(
            service=[reflection_pb2.ServiceResponse(name=name) for name in sorted(services)]
        )
        self._descriptions = Descriptions([*described, *own])
        self._questions: dict[str, Callable[[Any], dict[str, Any]]] = {
            "file_by_filename": lambda name: _files(self._descriptions.file(name)),
            "file_containing_symbol": lambda name: _files(self._descriptions.declaring(name)),
            "file_containing_extension": self._file_of_extension,
            "all_extension_numbers_of_type": self._extension_numbers,
            "list_services": lambda _: {"list_services_response": self._services},
        }

    def methods(self) -> list[BidiStream]:
        """ServerReflectionInfo in both packages."""
        return [
            BidiStream(f"/{package}.ServerReflection/ServerReflectionInfo", self.info)
            for package in PACKAGES
        ]

    async def info(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """One answer for each question; raises CallError for bytes that are no question."""
        async for payload in requests:
            yield self.answer(payload)

    def answer(self, payload: bytes) -> bytes:
        """The answer to one question, an `error_response` where there is none.

        Raises:
            CallError: INVALID_ARGUMENT for bytes that are no question, or are more than
                `REQUEST_BYTES_MAX`.
        """
        if len(payload) > REQUEST_BYTES_MAX:
            raise invalid_field("message_request", f"must have at most {REQUEST_BYTES_MAX} bytes")
        request = parse(reflection_pb2.ServerReflectionRequest, payload)
        question = request.WhichOneof("message_request")
        if question is None:
            content = _error(Code.INVALID_ARGUMENT, "the request asks no question")
        else:
            asked = getattr(request, question)
            content = self._questions[question](asked)
            if not content:
                shown = str(asked)[:SHOWN_CHARACTERS_MAX].strip()
                content = _error(Code.NOT_FOUND, f"{question}: {shown!r} is not known here")
        return reflection_pb2.ServerReflectionResponse(
            valid_host=request.host, original_request=request, **content
        ).SerializeToString()

    def _file_of_extension(self, asked: reflection_pb2.ExtensionRequest) -> dict[str, Any]:
        return _files(self._descriptions.extending(asked.containing_type, asked.extension_number))

    def _extension_numbers(self, message: str) -> dict[str, Any]:
        numbers = self._descriptions.extension_numbers(message)
        if numbers is None:
            return {}
        reply = reflection_pb2.ExtensionNumberResponse(
            base_type_name=message, extension_number=numbers
        )
        return {"all_extension_numbers_response": reply}


def _files(serialized: list[bytes] | None) -> dict[str, Any]:
    if serialized is None:
        return {}
    reply = reflection_pb2.FileDescriptorResponse(file_descriptor_proto=serialized)
    return {"file_descriptor_response": reply}


def _error(code: Code, message: str) -> dict[str, Any]:
    reply = reflection_pb2.ErrorResponse(error_code=int(code), error_message=message)
    return {"error_response": reply}


def _reflection_file(package: str) -> FileDescriptorProto:
    """The description of reflection under another package, with the file name that goes with it."""
    (file,) = with_imports(reflection_pb2.DESCRIPTOR)
    old = f".{file.package}."
    file.name = f"{package.replace('.', '/')}/reflection.proto"
    file.package = package
    for _, message in messages_of(file):
        for field in (field for field in message.field if field.type_name):
            field.type_name = field.type_name.replace(old, f".{package}.")
    for service in file.service:
        for method in service.method:
            method.input_type = method.input_type.replace(old, f".{package}.")
            method.output_type = method.output_type.replace(old, f".{package}.")
    return file


def _symbols(file: FileDescriptorProto) -> Iterator[str]:
    """The full names of everything that the file declares."""
    for service in file.service:
        name = joined(file.package, service.name)
        yield name
        yield from (joined(name, method.name) for method in service.method)
    yield from _enum_symbols(file.package, file.enum_type)
    yield from (joined(file.package, extension.name) for extension in file.extension)
    for name, message in messages_of(file):
        yield name
        yield from _enum_symbols(name, message.enum_type)
        yield from (joined(name, field.name) for field in (*message.field, *message.extension))
        yield from (joined(name, oneof.name) for oneof in message.oneof_decl)


def _enum_symbols(scope: str, enums: Iterable[EnumDescriptorProto]) -> Iterator[str]:
    """Enums and their values; protobuf puts a value beside its enum, not below it."""
    for enum in enums:
        yield joined(scope, enum.name)
        yield from (joined(scope, value.name) for value in enum.value)


def _extensions(file: FileDescriptorProto) -> Iterator[FieldDescriptorProto]:
    """Every extension that the file declares, at any depth."""
    yield from file.extension
    for _, message in messages_of(file):
        yield from message.extension
