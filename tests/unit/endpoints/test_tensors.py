"""Pins how tensors of the Open Inference Protocol become arrays, and are refused."""

from typing import Any

import numpy as np
import pytest

from stubtail.endpoints.tensors import (
    bytes_elements,
    checked_shape,
    raw_array,
    split_elements,
    tensor_bytes,
    typed_array,
)
from stubtail.errors import CallError, Code
from stubtail.oip import inference_pb2
from tests.unit.endpoints.loaded import spec


def refusal(call: Any, *arguments: Any) -> str:
    """The message of the INVALID_ARGUMENT that a call raises."""
    with pytest.raises(CallError) as caught:
        call(*arguments)
    assert caught.value.code == Code.INVALID_ARGUMENT
    return caught.value.message


@pytest.mark.parametrize(
    ("wanted", "shape", "rows"),
    [
        ((-1, 3), [5, 3], 5),
        ((2, 3), [2, 3], 2),
        ((-1,), [100], 100),
        ((), [], 1),
        ((-1, -1), [1, 9], 1),
    ],
)
def test_a_fitting_shape_tells_the_rows(
    wanted: tuple[int, ...], shape: list[int], rows: int
) -> None:
    """The first dimension; a tensor without dimensions is one row."""
    assert checked_shape(spec("x", "FP32", *wanted), shape, 100, "x") == rows


@pytest.mark.parametrize(
    ("wanted", "shape", "message"),
    [
        ((-1, 3), [5], "x.shape: must have 2 dimensions, got 1"),
        ((-1, 3), [5, 4], "x.shape[1]: must be 3, got 4"),
        ((-1, 3), [0, 3], "x.shape[0]: must be 1 to 100 rows, got 0"),
        ((-1, 3), [101, 3], "x.shape[0]: must be 1 to 100 rows, got 101"),
        ((-1, 3), [-1, 3], "x.shape[0]: must be 1 to 100 rows, got -1"),
        ((1, 3), [2, 3], "x.shape[0]: must be 1, got 2"),
        ((-1, -1), [1, 0], "x.shape[1]: must be at least 1, got 0"),
        ((-1, -1), [1, 2**31], "x.shape: has more than 2147483647 elements"),
        ((-1, -1), [100, 2**62], "x.shape: has more than 2147483647 elements"),
        ((), [1], "x.shape: must have 0 dimensions, got 1"),
    ],
)
def test_a_wrong_shape_names_the_dimension(
    wanted: tuple[int, ...], shape: list[int], message: str
) -> None:
    """Which one, what was expected, what was got."""
    assert refusal(checked_shape, spec("x", "FP32", *wanted), shape, 100, "x") == message


def test_raw_contents_are_viewed_without_a_copy() -> None:
    """Little-endian and row-major."""
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    raw = array.tobytes()
    got = raw_array(spec("x", "FP32", -1, 3), [2, 3], raw, "x")
    np.testing.assert_array_equal(got, array)
    assert not got.flags.owndata
    assert refusal(raw_array, spec("x", "FP32", -1, 3), [2, 3], raw[1:], "x") == (
        "x: must have 24 bytes for FP32 [2, 3], got 23"
    )


@pytest.mark.parametrize(
    ("datatype", "field", "values"),
    [
        ("FP32", "fp32_contents", [1.5, -0.0]),
        ("FP64", "fp64_contents", [1e300, 5e-324]),
        ("INT64", "int64_contents", [2**63 - 1, -(2**63)]),
        ("INT8", "int_contents", [-128, 127]),
        ("BOOL", "bool_contents", [True, False]),
        ("BYTES", "bytes_contents", [b"", "料".encode()]),
    ],
)
def test_typed_contents_are_read_from_the_field_of_the_type(
    datatype: str, field: str, values: list[Any]
) -> None:
    """Each datatype has its field; strings become text."""
    contents = inference_pb2.InferTensorContents(**{field: values})
    got = typed_array(spec("x", datatype, -1, 1), [2, 1], contents, "x")
    assert got.shape == (2, 1)
    assert got.dtype == spec("x", datatype).dtype
    decoded = [v.decode() if isinstance(v, bytes) else v for v in values]
    assert got.ravel().tolist() == decoded


def test_typed_contents_are_never_cut_to_fit() -> None:
    """Counts, ranges, text, and types that have no field."""
    pb = inference_pb2.InferTensorContents
    small, text = spec("x", "INT8", -1), spec("x", "BYTES", -1)
    assert "must be within the range of INT8" in refusal(
        typed_array, small, [1], pb(int_contents=[128]), "x"
    )
    assert "must be UTF-8 text" in refusal(
        typed_array, text, [1], pb(bytes_contents=[b"\xff"]), "x"
    )
    assert refusal(typed_array, small, [3], pb(int_contents=[1]), "x") == (
        "x.contents.int_contents: must have 3 values for shape [3], got 1"
    )
    half = spec("x", "FP32", -1)
    half = type(half)("x", np.dtype(np.float16), "FP16", (-1,))
    assert "raw_input_contents" in refusal(typed_array, half, [1], pb(), "x")


def test_bytes_elements_survive_the_round_trip() -> None:
    """Empty strings, zeros, any script, and elements that look like lengths."""
    texts = ["", "a\0b", "料金", "\x04\0\0\0"]
    array = np.array(texts, object).reshape(2, 2)
    again = split_elements(bytes_elements(array), [2, 2], "x")
    assert again.shape == (2, 2)
    assert again.ravel().tolist() == texts


@pytest.mark.parametrize(
    "raw", [b"\1", b"\2\0\0\0a", b"\1\0\0\0\xff", b"", b"\1\0\0\0a" * 2, b"\xff" * 4]
)
def test_broken_bytes_elements_are_refused(raw: bytes) -> None:
    """One element is wanted, and none of these is one."""
    assert refusal(split_elements, raw, [1], "x").startswith("x: ")


def test_a_few_bytes_never_make_a_large_array() -> None:
    """The number of elements is that of the bytes, whatever the shape claims."""
    assert refusal(split_elements, b"\0\0\0\0" * 3, [2**31 - 1], "x") == (
        "x: must have 2147483647 BYTES elements, got 3"
    )


def test_scores_are_cast_without_a_warning() -> None:
    """Beyond float32 is infinite; the same type is not copied twice."""
    with np.errstate(all="raise"):
        cast = np.frombuffer(tensor_bytes(np.array([1e300, -1.5]), np.dtype("<f4")), "<f4")
    assert cast.tolist() == [np.inf, -1.5]
    fortran = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    assert tensor_bytes(fortran, np.dtype("<f4")) == np.arange(6, dtype="<f4").tobytes()
