"""Bytes that are no request: refused as such, by every method, and nobody else notices."""

import random
from typing import Any

import grpc
import pytest

from stubtail.oip import inference_pb2
from tests.integration.calls import (
    INFER,
    OIP,
    SCORE,
    TIMEOUT_S,
    Code,
    dense,
    infer_request,
    named,
    refused,
    start,
)
from tests.integration.conftest import ROWS

pytestmark = pytest.mark.usefixtures("healthy")

ADMIN = ("ModelReady", "ModelMetadata", "ModelConfig", "ModelStatistics", "RepositoryModelLoad")
METHODS = (SCORE, INFER, "/stubtail.v1.ModelService/GetModel", "/grpc.health.v1.Health/Check")
PATHS = (*METHODS, *(OIP + name for name in ADMIN))
# What a caller may be told of bytes that nobody meant.
REFUSALS = {Code.OK, Code.INVALID_ARGUMENT, Code.NOT_FOUND, Code.UNIMPLEMENTED}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\xff\xff\xff\xff", id="garbage"),
        pytest.param(b"\x0a\x7fchurn", id="truncated"),
        pytest.param(b"\x0a\x02\xff\xfe", id="no UTF-8"),
        pytest.param(b"\x0a", id="a tag alone"),
    ],
)
def test_bytes_that_are_no_message_are_refused(
    channel: grpc.Channel, path: str, payload: bytes
) -> None:
    """INVALID_ARGUMENT with MALFORMED_MESSAGE and the type that was expected."""
    found = refused(channel, path, payload)

    assert (found.code, found.reason) == (Code.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
    assert found.metadata["expected"].split(".")[-1].endswith("Request")
    assert found.metadata["expected"] in found.message


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (SCORE, "model"),
        (INFER, "model_name"),
        (OIP + "ModelMetadata", "name"),
        (OIP + "ModelConfig", "name"),
        (OIP + "RepositoryModelLoad", "model_name"),
        (OIP + "RepositoryModelUnload", "model_name"),
        ("/stubtail.v1.ModelService/GetModel", "model"),
    ],
)
def test_an_empty_message_names_no_model(channel: grpc.Channel, path: str, field: str) -> None:
    """Zero bytes are a valid message; the model's name is what it lacks."""
    found = refused(channel, path, b"")

    assert (found.code, found.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert found.fields == {field: "must name a model"}


def test_a_request_cut_anywhere_gets_a_precise_answer(channel: grpc.Channel) -> None:
    """Every prefix of a valid request is answered or refused, never lost and never a defect."""
    for path, request in (
        (SCORE, dense("affine", ROWS)),
        (SCORE, named("churn", {"tenure": [1.0], "contract": ["One year"]})),
        (INFER, infer_request("affine", x=ROWS)),
        (INFER, typed_request()),
    ):
        payload = request.SerializeToString()
        calls = [start(channel, path, payload[:end]) for end in range(len(payload))]
        assert_refusals(calls)


@pytest.mark.parametrize("seed", range(4))
def test_mutated_requests_get_precise_answers(channel: grpc.Channel, seed: int) -> None:
    """Flipped bits, random bytes and doubled pieces: a precise status each, whatever it is."""
    rng = random.Random(seed)
    originals = [
        (SCORE, dense("affine", ROWS).SerializeToString()),
        (SCORE, named("churn", {"tenure": [1.0], "contract": ["x"]}).SerializeToString()),
        (INFER, infer_request("affine", x=ROWS).SerializeToString()),
        (INFER, typed_request().SerializeToString()),
    ]
    calls = []
    for _ in range(150):
        path, payload = rng.choice(originals)
        calls.append(start(channel, path, mutate(rng, payload)))

    assert_refusals(calls)


def typed_request() -> inference_pb2.ModelInferRequest:
    """A request with typed contents, an id and a parameter."""
    request = inference_pb2.ModelInferRequest(model_name="affine", id="7")
    tensor = request.inputs.add(name="x", datatype="FP32", shape=[2, 3])
    tensor.contents.fp32_contents.extend(ROWS.ravel().tolist())
    request.parameters["priority"].int64_param = 1
    return request


def mutate(rng: random.Random, payload: bytes) -> bytes:
    """The payload with a few bits, bytes or pieces changed."""
    data = bytearray(payload)
    for _ in range(rng.choice([1, 1, 2, 8])):
        at = rng.randrange(len(data))
        kind = rng.randrange(4)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.randrange(256)
        elif kind == 2:
            data[at:at] = data[: rng.randrange(1, 12)]
        else:
            del data[at : at + rng.randrange(1, 4)]
            data = data or bytearray(b"\0")
    return bytes(data)


def assert_refusals(calls: list[Any]) -> None:
    """Every call ends, with a status that blames nobody but the caller."""
    for call in calls:
        error = call.exception(TIMEOUT_S)
        code = Code.OK if error is None else error.code()
        assert code in REFUSALS, error
