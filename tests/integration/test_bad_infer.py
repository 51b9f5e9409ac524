"""ModelInfer with wrong tensors: which input, which dimension, what was expected."""

from collections.abc import Callable, Sequence
from typing import Any

import grpc
import numpy as np
import pytest

from stubtail.oip import inference_pb2
from tests.integration.calls import INFER, Code, infer, infer_request, refused, refused_field

HUGE = (2**31, 2**32 + 1, 2**63 - 1)


def floats(*shape: int) -> np.ndarray:
    """Ones."""
    return np.ones(shape, np.float32)


def shaped(model: str, shape: Sequence[int], x: np.ndarray) -> Any:
    """A request that says another shape than it has."""
    request = infer_request(model, x=x)
    del request.inputs[0].shape[:]
    request.inputs[0].shape.extend(shape)
    return request


def typed(model: str, datatype: str, shape: Sequence[int], field: str, values: Any) -> Any:
    """A request with typed contents of one input x."""
    request = inference_pb2.ModelInferRequest(model_name=model)
    tensor = request.inputs.add(name="x", datatype=datatype, shape=shape)
    getattr(tensor.contents, field).extend(values)
    return request


@pytest.mark.parametrize("version", ["7", "abc", "-1"])
def test_an_unknown_version_is_not_found(odd: grpc.Channel, version: str) -> None:
    """The field model_version names it; NOT_FOUND with the name and the version."""
    found = refused(odd, INFER, infer_request("affine", version=version, x=floats(1, 3)))

    assert (found.code, found.reason) == (Code.NOT_FOUND, "VERSION_NOT_FOUND")
    assert found.resource == ("stubtail.version", f"affine@{version}")


def test_an_unknown_model_is_not_found(odd: grpc.Channel) -> None:
    """NOT_FOUND with a suggestion, as for Score."""
    found = refused(odd, INFER, infer_request("afine", x=floats(1, 3)))

    assert (found.code, found.reason) == (Code.NOT_FOUND, "MODEL_NOT_FOUND")
    assert found.resource == ("stubtail.model", "afine")
    assert 'did you mean "affine"?' in found.message


def test_wrong_shapes_name_the_dimension(odd: grpc.Channel) -> None:
    """Rank, inner size, no rows, negative and huge: each dimension is checked before any memory."""
    one = floats(1, 3)
    for shape in ([3], [], [1, 1, 3], [1] * 9):
        found = refused_field(odd, INFER, shaped("affine", shape, x=one))
        assert found == ("inputs[x].shape", f"must have 2 dimensions, got {len(shape)}")
    for width in (0, 2, -3, *HUGE):
        found = refused_field(odd, INFER, shaped("affine", [1, width], x=one))
        assert found == ("inputs[x].shape[1]", f"must be 3, got {width}")
    for rows in (0, -1, -(2**63), 65537, *HUGE):
        found = refused_field(odd, INFER, shaped("affine", [rows, 3], x=one))
        assert found == ("inputs[x].shape[0]", f"must be 1 to 65536 rows, got {rows}")


def test_free_dimensions_are_bounded_too(odd: grpc.Channel) -> None:
    """Where the graph leaves a size free, it is at least 1, and the product has a bound."""
    for width in (0, -1):
        found = refused_field(odd, INFER, shaped("free", [1, width], x=floats(1, 3)))
        assert found == ("inputs[x].shape[1]", f"must be at least 1, got {width}")
    for width in HUGE:
        found = refused_field(odd, INFER, shaped("free", [1, width], x=floats(1, 3)))
        assert found == ("inputs[x].shape", "has more than 2147483647 elements")
    for width in (1, 2, 300):
        rows = np.random.default_rng(width).random((3, width), np.float32)
        np.testing.assert_array_equal(infer(odd, infer_request("free", x=rows))["y"], rows)


def test_a_fixed_first_dimension_is_kept(odd: grpc.Channel, channel: grpc.Channel) -> None:
    """A graph for one row takes one row."""
    found = refused_field(channel, INFER, infer_request("fixed", x=floats(2, 3)))
    assert found == ("inputs[x].shape[0]", "must be 1, got 2")


def test_wrong_byte_counts_are_refused(odd: grpc.Channel) -> None:
    """Raw contents have exactly the bytes of their shape."""
    for size in (0, 1, 11, 13, 24):
        request = infer_request("affine", x=floats(1, 3))
        request.raw_input_contents[0] = b"\0" * size
        found = refused_field(odd, INFER, request)
        assert found == (
            "raw_input_contents[0]",
            f"must have 12 bytes for FP32 [1, 3], got {size}",
        )


@pytest.mark.parametrize("datatype", ["FP64", "INT32", "fp32", "", "BYTES", "X" * 1000])
def test_wrong_datatypes_are_refused(odd: grpc.Channel, datatype: str) -> None:
    """The protocol's name of the model's own type, letter for letter."""
    request = infer_request("affine", x=floats(1, 3))
    request.inputs[0].datatype = datatype
    field, expected = refused_field(odd, INFER, request)
    assert field == "inputs[x].datatype"
    assert expected == f"must be FP32, got {datatype[:32]!r}"


def rename(request: Any) -> None:
    """A name that the model does not know."""
    request.inputs[0].name = "z"


def drop(request: Any) -> None:
    """One input is missing."""
    del request.inputs[0], request.raw_input_contents[0]


def add_other(request: Any) -> None:
    """One input too many."""
    request.inputs.add(name="c", datatype="FP32", shape=[1, 1])
    request.raw_input_contents.append(b"\0" * 4)


def repeat(request: Any) -> None:
    """One input is there twice."""
    request.inputs.append(request.inputs[1])
    request.raw_input_contents.append(request.raw_input_contents[1])


def replace_by_other(request: Any) -> None:
    """One is there twice and the other is missing."""
    request.inputs[0].CopyFrom(request.inputs[1])
    request.raw_input_contents[0] = request.raw_input_contents[1]


@pytest.mark.parametrize(
    ("change", "got"),
    [
        (rename, "b, z"),
        (drop, "b"),
        (add_other, "a, b, c"),
        (repeat, "a, b, b"),
        (replace_by_other, "b, b"),
    ],
)
def test_inputs_must_be_those_of_the_model(
    odd: grpc.Channel, change: Callable[[Any], None], got: str
) -> None:
    """Missing, extra, duplicate and misnamed inputs are told apart by what was got."""
    request = infer_request("pair", a=floats(1, 2), b=floats(1, 1))
    change(request)
    assert refused_field(odd, INFER, request) == (
        "inputs",
        f"must be exactly a, b, each once; got {got}",
    )


def test_no_inputs_at_all_are_refused(odd: grpc.Channel) -> None:
    """A name alone is not a request."""
    request = inference_pb2.ModelInferRequest(model_name="affine")
    assert refused_field(odd, INFER, request) == (
        "inputs",
        "must be exactly x, each once; got none",
    )


def test_raw_contents_are_for_all_inputs_or_for_none(odd: grpc.Channel) -> None:
    """Too few, too many, and raw beside typed contents are refused."""
    too_few = infer_request("pair", a=floats(1, 2), b=floats(1, 1))
    del too_few.raw_input_contents[1]
    too_many = infer_request("affine", x=floats(1, 3))
    too_many.raw_input_contents.append(b"\0" * 12)
    both = infer_request("affine", x=floats(1, 3))
    both.inputs[0].contents.fp32_contents.extend([1, 2, 3])
    for request in (too_few, too_many, both):
        field, expected = refused_field(odd, INFER, request)
        assert field == "raw_input_contents"
        assert expected.startswith("must have one entry for each of the")


def test_different_rows_of_two_inputs_are_refused(odd: grpc.Channel) -> None:
    """All inputs of one call have the same rows."""
    found = refused_field(odd, INFER, infer_request("pair", a=floats(3, 2), b=floats(2, 1)))
    assert found == ("inputs[b].shape[0]", "must be 3 like the others, got 2")


def test_wrong_typed_contents_are_refused(odd: grpc.Channel) -> None:
    """Counts, the field of another type, ranges and text are checked."""
    found = refused_field(odd, INFER, typed("affine", "FP32", [1, 3], "fp32_contents", [1, 2]))
    assert found == (
        "inputs[x].contents.fp32_contents",
        "must have 3 values for shape [1, 3], got 2",
    )
    found = refused_field(odd, INFER, typed("affine", "FP32", [1, 3], "fp64_contents", [1, 2, 3]))
    assert found[1] == "must have 3 values for shape [1, 3], got 0"
    for value in (128, -129, 2**31 - 1):
        found = refused_field(odd, INFER, typed("small", "INT8", [1, 1], "int_contents", [value]))
        assert found == ("inputs[x].contents.int_contents", "must be within the range of INT8")
    found = refused_field(
        odd, INFER, typed("strings", "BYTES", [1, 1], "bytes_contents", [b"\xff"])
    )
    assert found == ("inputs[x].contents.bytes_contents", "must be UTF-8 text")


@pytest.mark.parametrize(
    ("contents", "rows", "problem"),
    [
        (b"", 1, "must have 1 BYTES elements, got 0"),
        (b"\1\0\0\0a", 2, "must have 2 BYTES elements, got 1"),
        (b"\1\0\0\0a" * 3, 2, "must have 2 BYTES elements, got 3"),
        (b"\5\0\0\0ab", 1, "ends in the middle of a BYTES element"),
        (b"\xff\xff\xff\xff", 1, "ends in the middle of a BYTES element"),
        (b"\1\0", 1, "must be BYTES elements of UTF-8 text"),
        (b"\1\0\0\0\xff", 1, "must be BYTES elements of UTF-8 text"),
    ],
)
def test_raw_bytes_elements_are_checked(
    odd: grpc.Channel, contents: bytes, rows: int, problem: str
) -> None:
    """Lengths that lie, cut elements and bytes that are no text."""
    request = infer_request("strings", x=np.full((rows, 1), "a", object))
    request.raw_input_contents[0] = contents
    assert refused_field(odd, INFER, request) == ("inputs[x]", problem)


def test_wrong_outputs_are_refused(odd: grpc.Channel) -> None:
    """Only outputs of the model can be asked for, each once."""
    request = infer_request("three", x=floats(1, 3))
    request.outputs.add(name="score")
    assert refused_field(odd, INFER, request) == (
        "outputs[score]",
        "must be one of label, probabilities",
    )
    del request.outputs[:]
    for _ in range(2):
        request.outputs.add(name="label")
    assert refused_field(odd, INFER, request) == ("outputs", "names an output twice")


def test_a_long_id_is_refused(odd: grpc.Channel) -> None:
    """An id comes back, so that it has a bound; the bound itself is allowed."""
    request = infer_request("affine", x=floats(1, 3))
    request.id = "i" * 1025
    assert refused_field(odd, INFER, request) == ("id", "must have at most 1024 characters")
    request.id = "i" * 1024
    infer(odd, request)


def test_a_failing_model_is_internal_and_says_no_more(odd: grpc.Channel) -> None:
    """INFERENCE_FAILED with the model's name, and nothing of what onnxruntime said."""
    found = refused(odd, INFER, infer_request("failing", x=floats(1, 3)))

    assert (found.code, found.reason) == (Code.INTERNAL, "INFERENCE_FAILED")
    assert found.message == (
        "model failing version 1 failed on this input; the server's log has the cause"
    )
    assert found.metadata == {"model": "failing", "version": "1"}
    assert found.retry_s is None


def test_a_model_that_loses_rows_fails_rather_than_shifts_answers(odd: grpc.Channel) -> None:
    """Fewer rows out than in cannot be told apart, so the run counts as failed."""
    rows = np.array([[1], [2], [3]], np.float32)
    np.testing.assert_array_equal(infer(odd, infer_request("dropping", x=rows))["y"], rows)

    rows[1] = 200
    found = refused(odd, INFER, infer_request("dropping", x=rows))

    assert (found.code, found.reason) == (Code.INTERNAL, "INFERENCE_FAILED")
