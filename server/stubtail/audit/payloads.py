"""The payload log: a sample of requests, without their texts; off unless it is asked for.

What callers wrote never gets into it: a text becomes its number of characters, bytes become their
number, and numbers become "number" unless the settings want them. Names of models and of columns
stay, because without them a record says nothing.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from google.protobuf import message_factory

from stubtail.access.identity import Permit
from stubtail.audit.writer import Writer

BYTES_MAX: Final = 64 * 1024  # larger requests are noted by their size and hash alone
ELEMENTS_MAX: Final = 8  # of a list that are shown
DEPTH_MAX: Final = 6
# Texts that stay, one by one: names of series, covariates and constraints are the callers' own.
_OURS: Final = ("Column.name", "Axis.name", "Bounds.name", "MaxChange.name", "ScoreRequest.models")
_CALLS: Final = ("ScoreRequest", "DecideRequest", "DetectRequest", "ForecastRequest")
_OIP: Final = ("model_name", "model_version", "InferInputTensor.name", "InferInputTensor.datatype")
KEPT: Final = frozenset(
    {
        *(f"stubtail.v1.{name}" for name in _OURS),
        *(f"stubtail.v1.{name}.model" for name in _CALLS),
        *(f"inference.ModelInferRequest.{name}" for name in _OIP),
        "inference.ModelInferRequest.InferRequestedOutputTensor.name",
    }
)

Decode = Callable[..., Any]


class PayloadLog:
    """Samples requests of the lane's methods.

    Args:
        writer: where records go; those that find no room are lost.
        share: of the requests, 0 to 1.
        numbers: whether numbers are kept.
        draw: the next number from 0 to 1.
    """

    def __init__(
        self,
        writer: Writer,
        share: float,
        *,
        numbers: bool,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._writer = writer
        self._share = share
        self._numbers = numbers
        self._draw = draw
        self._types: dict[str, Any] = {}

    def learn(self, descriptors: Sequence[Any]) -> None:
        """Notes which message each method takes, by the files of the services."""
        for file in descriptors:
            for service in file.services_by_name.values():
                for method in service.methods:
                    path = f"/{service.full_name}/{method.name}"
                    self._types[path] = method.input_type

    def sampled(self, path: str, decode: Decode) -> Decode:
        """`decode` of a lane method, which notes some of what it is given."""
        draw, share = self._draw, self._share

        def sampling(
            payload: bytes,
            arrived_s: float,
            remaining_s: float | None,
            permit: Permit | None = None,
        ) -> Any:
            if draw() < share:
                self._writer.put(lambda: self._record(path, payload, permit), len(payload))
            return decode(payload, arrived_s, remaining_s, permit)

        return sampling

    def _record(self, path: str, payload: bytes, permit: Permit | None) -> Mapping[str, Any]:
        """Made on the writer's thread."""
        record: dict[str, Any] = {
            "event": "payload",
            "method": path,
            "caller": permit.identity.caller if permit is not None else "",
            "tenant": permit.identity.tenant if permit is not None else "",
            "bytes": len(payload),
            "sha256": sha256(payload).hexdigest(),
        }
        kind = self._types.get(path)
        if kind is not None and len(payload) <= BYTES_MAX:
            try:
                message = message_factory.GetMessageClass(kind).FromString(payload)
            except Exception:  # noqa: BLE001 - protobuf's DecodeError has no stable home
                record["request"] = "malformed"
            else:
                record["request"] = redacted(message, numbers=self._numbers)
        return record


def redacted(message: Any, *, numbers: bool, depth: int = 0) -> dict[str, Any]:
    """A message as plain values, without texts; numbers only where they are wanted."""
    if depth >= DEPTH_MAX:
        return {"...": "deeper"}
    shown: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            shown[field.name] = {"entries": len(value)}
        elif isinstance(value, str | bytes | int | float) or field.message_type is not None:
            shown[field.name] = _value(field, value, numbers, depth)
        else:
            shown[field.name] = _list(field, value, numbers, depth)
    return shown


def _list(field: Any, values: Any, numbers: bool, depth: int) -> Any:
    if field.full_name in KEPT or numbers or field.message_type is not None:
        first = [_one(field, value, numbers, depth) for value in values[:ELEMENTS_MAX]]
        return {"count": len(values), "first": first}
    return {"count": len(values)}


def _value(field: Any, value: Any, numbers: bool, depth: int) -> Any:
    if field.message_type is not None and not hasattr(value, "ListFields"):
        return _list(field, value, numbers, depth)
    return _one(field, value, numbers, depth)


def _one(field: Any, value: Any, numbers: bool, depth: int) -> Any:
    if field.message_type is not None:
        return redacted(value, numbers=numbers, depth=depth + 1)
    if isinstance(value, str):
        return value[:128] if field.full_name in KEPT else {"characters": len(value)}
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    if isinstance(value, bool) or field.enum_type is not None or numbers:
        return value
    return "number"
