"""The messages of every method by name, as protobuf JSON and as bytes."""

import importlib
from collections.abc import Iterator
from functools import cache
from typing import Any

from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.message import Message

from stubtail.standard import health_pb2

FAMILIES = ("anomaly", "decision", "forecasting", "llm", "models", "scoring")
HEALTH = "grpc.health.v1"


@cache
def load() -> None:
    """Makes all messages of stubtail.v1 known."""
    for family in FAMILIES:
        importlib.import_module(f"stubtail.v1.{family}_pb2")


def message(name: str) -> Message:
    """An empty message of a type, by its full name."""
    load()
    # Those of health stay in the pool of their own, so that this suite changes nothing for others.
    pool = descriptor_pool.Default()
    if name.startswith(f"{HEALTH}."):
        pool = health_pb2.DESCRIPTOR.pool
    found: Message = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))()
    return found


def methods() -> Iterator[Any]:
    """The descriptors of all methods that clients have."""
    load()
    pool = descriptor_pool.Default()
    files = [pool.FindFileByName(f"stubtail/v1/{family}.proto") for family in FAMILIES]
    for file in (*files, health_pb2.DESCRIPTOR):
        for service in file.services_by_name.values():
            yield from service.methods


@cache
def method(path: str) -> Any:
    """The descriptor of `/package.Service/Method`."""
    for one in methods():
        if f"/{one.containing_service.full_name}/{one.name}" == path:
            return one
    raise ValueError(f"no method {path}")


def from_json(name: str, document: Any) -> Message:
    """A message from its protobuf JSON.

    Raises:
        json_format.ParseError: it is none.
    """
    empty = message(name)
    json_format.ParseDict(document, empty)
    return empty


def to_json(one: Message) -> dict[str, Any]:
    """The protobuf JSON of a message."""
    document: dict[str, Any] = json_format.MessageToDict(one)
    return document
