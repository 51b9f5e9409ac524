"""What a server says about its models: the tensors they take and, from stubtail, their features."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import grpc

from stubtail.oip import inference_pb2
from stubtail.v1 import models_pb2
from stubtail_bench.door import OPEN, Door
from stubtail_bench.errors import LoadError
from stubtail_bench.traffic import Kind

_METADATA_PATH = "/inference.GRPCInferenceService/ModelMetadata"
_GET_MODEL_PATH = "/stubtail.v1.ModelService/GetModel"
_ASK_S = 10.0
_PATIENCE_S = 10.0  # for a server that is just too busy to answer the first call
_TRY_AGAIN_S = 0.1
_BUSY = {
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input of a model: its name, Open Inference Protocol type, and shape with -1 for free."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Feature:
    """A column of a row: the categories in the order of their codes, or the range of a number."""

    name: str
    categories: tuple[str, ...]
    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True)
class Served:
    """A model as its server describes it; `features` is empty where the server knows none."""

    name: str
    inputs: tuple[Tensor, ...]
    features: tuple[Feature, ...]


def parse_tensor(text: str) -> Tensor:
    """A tensor such as `features:FP32:-1,30`: name, type, sizes; -1 for the rows and what is free.

    Raises:
        LoadError: The text is none.
    """
    named, _, sizes = text.rpartition(":")
    name, _, datatype = named.rpartition(":")  # a name may have colons
    try:
        shape = tuple(int(size) for size in sizes.split(","))
    except ValueError:
        shape = ()
    if not name or not shape or not all(size == -1 or size > 0 for size in shape):
        raise LoadError(f"an input is NAME:TYPE:SIZE,SIZE, such as x:FP32:-1,30, got {text!r}")
    return Tensor(name, datatype, shape)


def describe(address: str, models: Iterable[str], door: Door = OPEN) -> dict[str, Served]:
    """Asks for each of the models.

    Raises:
        LoadError: The server is not there, or does not serve one of them.
    """
    with door.channel(address) as channel:
        asked = sorted(set(models))
        return {name: _describe(channel, address, name, door) for name in asked}


def _describe(channel: Any, address: str, name: str, door: Door) -> Served:
    metadata = door.metadata
    ask = channel.unary_unary(_METADATA_PATH, None, None)
    request = inference_pb2.ModelMetadataRequest(name=name)
    try:
        reply = ask(
            request.SerializeToString(), timeout=_ASK_S, metadata=metadata, wait_for_ready=True
        )
    except grpc.RpcError as error:
        code: Any = error
        if code.code() in {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE}:
            doubt = "do you trust each other (--ca, --cert)" if door.tls else "does it want --tls"
            raise LoadError(
                f"nothing answers at {address} ({code.code().name}, {_ASK_S:.0f} s): is a server"
                f" running there, and {doubt}?"
            ) from error
        raise LoadError(
            f"{address} does not describe the model {name!r}: {code.code().name}: {code.details()}"
        ) from error
    told = inference_pb2.ModelMetadataResponse.FromString(reply)
    inputs = tuple(Tensor(one.name, one.datatype, tuple(one.shape)) for one in told.inputs)
    if not inputs:
        raise LoadError(
            f"{address} does not tell which inputs the model {name!r} takes; name them, such as "
            "--input features:FP32:-1,30 (or `inputs` in a workload)"
        )
    ask = channel.unary_unary(_GET_MODEL_PATH, None, None)
    try:
        wanted = models_pb2.GetModelRequest(model=name).SerializeToString()
        reply = ask(wanted, timeout=_ASK_S, metadata=metadata)
    except grpc.RpcError:  # another server than stubtail
        return Served(name, inputs, ())
    features = models_pb2.GetModelResponse.FromString(reply).features
    return Served(name, inputs, tuple(_feature(one) for one in features))


def _feature(feature: models_pb2.Feature) -> Feature:
    low = feature.minimum if feature.HasField("minimum") else 0.0
    high = feature.maximum if feature.HasField("maximum") else low + 1.0
    return Feature(feature.name, tuple(feature.categories), low, high)


def prove(address: str, kinds: Iterable[Kind], door: Door = OPEN) -> None:
    """Sends one call of each kind through grpcio: a load of calls that cannot succeed is no load.

    Raises:
        LoadError: A kind is not answered with OK. A server that is only busy is asked again.
    """
    with door.channel(address) as channel:
        for kind in kinds:
            call: Any = channel.unary_unary(kind.path, None, None)
            deadline = time.monotonic() + _PATIENCE_S
            while True:
                try:
                    call(
                        kind.messages[0],
                        timeout=_ASK_S,
                        metadata=door.metadata,
                        wait_for_ready=True,
                    )
                    break
                except grpc.RpcError as error:
                    code: Any = error
                    if code.code() not in _BUSY or time.monotonic() > deadline:
                        raise LoadError(
                            f"a call of {kind.name!r} fails: {code.code().name}: {code.details()}"
                        ) from error
                    time.sleep(_TRY_AGAIN_S)
