"""Calls as tests make them: requests from arrays, answers as arrays, errors with their details."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
from google.rpc import error_details_pb2, status_pb2

from stubtail.endpoints import oip_infer, scoring
from stubtail.oip import inference_pb2
from stubtail.v1 import llm_pb2, scoring_pb2

SCORE, INFER = scoring.PATH, oip_infer.PATH
OIP = "/inference.GRPCInferenceService/"
TIMEOUT_S = 20.0  # far above every answer: a test that hangs must say so
Code = grpc.StatusCode


@dataclass(frozen=True)
class Refusal:
    """How a call failed: the status and what its google.rpc details say."""

    code: grpc.StatusCode
    message: str
    reason: str
    domain: str
    metadata: Mapping[str, str]
    fields: Mapping[str, str]
    resource: tuple[str, str] | None
    quota: Sequence[str]
    retry_s: float | None
    pushback_ms: int | None


def unary(channel: grpc.Channel, path: str) -> Any:
    """A unary method of bytes; Any, because published types of grpcio insist on serialisers."""
    untyped: Any = channel
    return untyped.unary_unary(path)


def streams(channel: grpc.Channel, path: str) -> Any:
    """A bidirectional method of bytes."""
    untyped: Any = channel
    return untyped.stream_stream(path)


def refusal(error: Any) -> Refusal:
    """Reads an error; one without details, as gRPC itself makes them, has empty ones."""
    trailing: dict[str, Any] = dict(tuple(pair) for pair in error.trailing_metadata() or ())
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    resource, retry = error_details_pb2.ResourceInfo(), error_details_pb2.RetryInfo()
    quota = error_details_pb2.QuotaFailure()
    binary = trailing.get("grpc-status-details-bin")
    if binary is not None:
        status = status_pb2.Status.FromString(binary)
        assert (status.code, status.message) == (error.code().value[0], error.details())
        for detail in status.details:
            known = (info, bad, resource, retry, quota, llm_pb2.Attempt())
            assert any(detail.Is(target.DESCRIPTOR) for target in known), detail.type_url
            for target in known:
                detail.Unpack(target)
    pushback = trailing.get("grpc-retry-pushback-ms")
    return Refusal(
        code=error.code(),
        message=error.details(),
        reason=info.reason,
        domain=info.domain,
        metadata=dict(info.metadata),
        fields={violation.field: violation.description for violation in bad.field_violations},
        resource=(resource.resource_type, resource.resource_name)
        if resource.resource_type
        else None,
        quota=[violation.subject for violation in quota.violations],
        retry_s=retry.retry_delay.ToTimedelta().total_seconds()
        if retry.HasField("retry_delay")
        else None,
        pushback_ms=int(pushback) if pushback is not None else None,
    )


def call(channel: grpc.Channel, path: str, request: Any, **options: Any) -> bytes:
    """The reply's bytes; `request` is a message or bytes. Raises grpc.RpcError."""
    payload = request if isinstance(request, bytes) else request.SerializeToString()
    options.setdefault("timeout", TIMEOUT_S)
    return bytes(unary(channel, path)(payload, **options))


def start(channel: grpc.Channel, path: str, request: Any, **options: Any) -> Any:
    """The call, on its way."""
    payload = request if isinstance(request, bytes) else request.SerializeToString()
    options.setdefault("timeout", TIMEOUT_S)
    return unary(channel, path).future(payload, **options)


def refused(channel: grpc.Channel, path: str, request: Any, **options: Any) -> Refusal:
    """How a call fails; an answer is an AssertionError."""
    try:
        reply = call(channel, path, request, **options)
    except grpc.RpcError as error:
        found = refusal(error)
    else:
        raise AssertionError(f"the call was answered with {len(reply)} bytes")
    if found.reason:
        assert found.domain == "stubtail"
    return found


def refused_field(channel: grpc.Channel, path: str, request: Any) -> tuple[str, str]:
    """The one field that is wrong, which no retry would mend, and what was expected there."""
    found = refused(channel, path, request)
    assert (found.code, found.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD"), found
    assert (found.retry_s, found.pushback_ms) == (None, None)
    ((field, expected),) = found.fields.items()
    assert found.message == f"{field}: {expected}"
    return field, expected


def dense(model: str, rows: Any, **more: Any) -> scoring_pb2.ScoreRequest:
    """A Score request with dense rows."""
    values = np.asarray(rows, np.float32).ravel().tolist()
    return scoring_pb2.ScoreRequest(model=model, dense=scoring_pb2.DenseRows(values=values), **more)


def named(model: str, columns: Mapping[str, Sequence[Any]], **more: Any) -> Any:
    """A Score request with named columns: strings or numbers by name."""
    made = []
    for name, values in columns.items():
        texts = len(values) > 0 and isinstance(values[0], str)
        kind: Any = {"strings" if texts else "numbers": values}
        made.append(scoring_pb2.Column(name=name, **kind))
    return scoring_pb2.ScoreRequest(model=model, named=scoring_pb2.NamedRows(columns=made), **more)


def score(channel: grpc.Channel, request: Any, **options: Any) -> scoring_pb2.ScoreResponse:
    """The answer of Score."""
    return scoring_pb2.ScoreResponse.FromString(call(channel, SCORE, request, **options))


def infer_request(
    model: str,
    arrays: Mapping[str, np.ndarray] | None = None,
    *,
    version: str = "",
    **more_arrays: np.ndarray,
) -> Any:
    """A ModelInfer request with raw contents; object arrays become BYTES."""
    request = inference_pb2.ModelInferRequest(model_name=model, model_version=version)
    for name, array in {**(arrays or {}), **more_arrays}.items():
        request.inputs.add(name=name, datatype=datatype(array.dtype), shape=array.shape)
        request.raw_input_contents.append(raw(array))
    return request


def infer(channel: grpc.Channel, request: Any, **options: Any) -> dict[str, np.ndarray]:
    """The outputs of ModelInfer by name."""
    reply = inference_pb2.ModelInferResponse.FromString(call(channel, INFER, request, **options))
    return outputs(reply)


def outputs(reply: Any) -> dict[str, np.ndarray]:
    """The raw outputs of a ModelInferResponse by name."""
    found = {}
    for tensor, data in zip(reply.outputs, reply.raw_output_contents, strict=True):
        if tensor.datatype == "BYTES":
            array = np.array(texts(data), object)
        else:
            array = np.frombuffer(data, DTYPES[tensor.datatype])
        found[tensor.name] = array.reshape(tuple(tensor.shape))
    return found


DTYPES = {"FP32": "<f4", "FP64": "<f8", "INT64": "<i8", "INT32": "<i4", "BOOL": "?"}


def datatype(dtype: np.dtype[Any]) -> str:
    """The protocol's name of a dtype."""
    if dtype.hasobject:
        return "BYTES"
    return next(name for name, code in DTYPES.items() if np.dtype(code) == dtype)


def raw(array: np.ndarray) -> bytes:
    """Raw contents."""
    if not array.dtype.hasobject:
        return array.tobytes()
    elements = [text.encode() for text in array.ravel()]
    return b"".join(len(element).to_bytes(4, "little") + element for element in elements)


def texts(data: bytes) -> list[str]:
    """The elements of raw BYTES contents."""
    found = []
    while data:
        end = 4 + int.from_bytes(data[:4], "little")
        found.append(data[4:end].decode())
        data = data[end:]
    return found
