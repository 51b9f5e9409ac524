"""Open Inference Protocol tensors to numpy arrays and back: types, shapes, bounds, strings."""

import struct
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from stubtail.errors import invalid_field
from stubtail.models.signature import TensorSpec
from stubtail.models.synthetic import Array

RANK_MAX = 8
ELEMENTS_MAX = 2**31 - 1
# The field of InferTensorContents that carries each datatype, and its dtype where the private
# message has it as packed bytes. FP16 and BF16 exist only as raw contents.
CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
_LENGTH = struct.Struct("<I")


def checked_shape(spec: TensorSpec, shape: Sequence[int], rows_max: int, field: str) -> int:
    """The number of rows of a tensor whose shape fits the model's input.

    Raises:
        CallError: INVALID_ARGUMENT that says which dimension is wrong.
    """
    if len(shape) > RANK_MAX or len(shape) != len(spec.shape):
        raise invalid_field(
            f"{field}.shape", f"must have {len(spec.shape)} dimensions, got {len(shape)}"
        )
    rows = shape[0] if shape else 1
    if shape and spec.shape[0] < 0 and not 1 <= rows <= rows_max:
        raise invalid_field(f"{field}.shape[0]", f"must be 1 to {rows_max} rows, got {rows}")
    for index, (size, wanted) in enumerate(zip(shape, spec.shape, strict=True)):
        if size != wanted if wanted >= 0 else size < 1:
            expected = f"must be {wanted}" if wanted >= 0 else "must be at least 1"
            raise invalid_field(f"{field}.shape[{index}]", f"{expected}, got {size}")
    if prod(shape) > ELEMENTS_MAX:
        raise invalid_field(f"{field}.shape", f"has more than {ELEMENTS_MAX} elements")
    return rows


def raw_array(spec: TensorSpec, shape: Sequence[int], raw: bytes, field: str) -> Array:
    """The array in raw contents (little-endian, row-major); raises CallError."""
    if spec.dtype.hasobject:
        return split_elements(raw, shape, field)
    wanted = prod(shape) * spec.dtype.itemsize
    if len(raw) != wanted:
        raise invalid_field(
            field, f"must have {wanted} bytes for {spec.datatype} {list(shape)}, got {len(raw)}"
        )
    return np.frombuffer(raw, spec.dtype).reshape(shape)


def typed_array(spec: TensorSpec, shape: Sequence[int], contents: Any, field: str) -> Array:
    """The array in the typed contents of the public message; raises CallError."""
    name = CONTENTS.get(spec.datatype)
    if name is None:
        raise invalid_field(field, f"{spec.datatype} can only be sent in raw_input_contents")
    values = getattr(contents, name)
    if len(values) != prod(shape):
        raise invalid_field(
            f"{field}.contents.{name}",
            f"must have {prod(shape)} values for shape {list(shape)}, got {len(values)}",
        )
    where = f"{field}.contents.{name}"
    if spec.dtype.hasobject:
        try:
            values = [value.decode() for value in values]  # a graph takes text
        except UnicodeDecodeError as error:
            raise invalid_field(where, "must be UTF-8 text") from error
        return np.array(values, object).reshape(shape)
    wide = np.array(values)  # small integers travel in 32 bits
    array = wide.astype(spec.dtype)
    if spec.dtype.kind in "iu" and not np.array_equal(array, wide):
        raise invalid_field(where, f"must be within the range of {spec.datatype}")
    return array.reshape(shape)


def split_elements(raw: bytes, shape: Sequence[int], field: str) -> Array:
    """Strings from raw BYTES: each is four bytes of length and its data; raises CallError."""
    wanted = prod(shape)
    elements: list[str] = []
    position = 0
    try:
        while position < len(raw) and len(elements) <= wanted:
            (size,) = _LENGTH.unpack_from(raw, position)
            position += 4 + size
            if position > len(raw):
                raise invalid_field(field, "ends in the middle of a BYTES element")
            elements.append(raw[position - size : position].decode())
    except (struct.error, UnicodeDecodeError) as error:
        raise invalid_field(field, "must be BYTES elements of UTF-8 text") from error
    if len(elements) != wanted:
        raise invalid_field(field, f"must have {wanted} BYTES elements, got {len(elements)}")
    array = np.empty(wanted, object)
    array[:] = elements
    return array.reshape(shape)


def bytes_elements(array: Array) -> bytes:
    """Raw BYTES contents of an array of strings."""
    pieces: list[bytes] = []
    for element in array.ravel().tolist():
        data = element if isinstance(element, bytes) else str(element).encode()
        pieces += (_LENGTH.pack(len(data)), data)
    return b"".join(pieces)


def tensor_bytes(array: Array, dtype: np.dtype[Any]) -> bytes:
    """The little-endian, row-major bytes of an array in a type of floats; too large is infinite."""
    if array.dtype == dtype:
        return array.tobytes()
    with np.errstate(over="ignore", invalid="ignore"):
        return array.astype(dtype).tobytes()
