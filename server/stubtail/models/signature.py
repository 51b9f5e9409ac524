"""The tensors that a graph takes and gives: names, types and shapes, in numpy's and OIP's words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from stubtail.models.errors import ModelError

FREE: Final = -1

# onnxruntime's name of a type -> the Open Inference Protocol's name and the dtype of the arrays.
# bfloat16 is missing on purpose: onnxruntime cannot hand such a tensor to numpy or take one.
_TYPES: Final[dict[str, tuple[str, np.dtype[Any]]]] = {
    "tensor(float)": ("FP32", np.dtype(np.float32)),
    "tensor(double)": ("FP64", np.dtype(np.float64)),
    "tensor(float16)": ("FP16", np.dtype(np.float16)),
    "tensor(int8)": ("INT8", np.dtype(np.int8)),
    "tensor(int16)": ("INT16", np.dtype(np.int16)),
    "tensor(int32)": ("INT32", np.dtype(np.int32)),
    "tensor(int64)": ("INT64", np.dtype(np.int64)),
    "tensor(uint8)": ("UINT8", np.dtype(np.uint8)),
    "tensor(uint16)": ("UINT16", np.dtype(np.uint16)),
    "tensor(uint32)": ("UINT32", np.dtype(np.uint32)),
    "tensor(uint64)": ("UINT64", np.dtype(np.uint64)),
    "tensor(bool)": ("BOOL", np.dtype(np.bool_)),
    "tensor(string)": ("BYTES", np.dtype(object)),
}


class Value(Protocol):
    """An input or output as onnxruntime describes it (NodeArg)."""

    name: str
    type: str
    shape: Sequence[int | str | None]


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One tensor.

    Attributes:
        name: its name in the graph.
        dtype: of the numpy arrays; object for strings, whose elements are `str`.
        datatype: the name in the Open Inference Protocol: FP32, INT64, BYTES and so on.
        shape: one entry for each dimension; -1 where it is free.
    """

    name: str
    dtype: np.dtype[Any]
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a graph takes and gives.

    `batchable` says that rows of different calls may share one run: the first dimension of every
    input and output is the number of rows, and no row changes the answer of another.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    batchable: bool


def read_signature(
    inputs: Sequence[Value], outputs: Sequence[Value], *, where: str
) -> tuple[Signature, tuple[str, ...]]:
    """The signature that a graph declares, and notes on what of it cannot be served.

    Args:
        inputs: of the session, in its order.
        outputs: of the session, in its order; maps and sequences among them are left out.
        where: names the file in messages.

    Raises:
        ModelError: an input, or every output, has a type that cannot travel.
    """
    taken = []
    for value in inputs:
        if value.type not in _TYPES:
            problem = f'its input "{value.name}" is a {value.type}, which cannot be sent'
            raise ModelError(where, problem, "cast it to float or integer inside the graph")
        taken.append(_spec(value))
    given = [_spec(value) for value in outputs if value.type in _TYPES]
    notes = tuple(
        f'the output "{value.name}" is a {value.type} and is left out; export it as a tensor '
        "(for classifiers: zipmap=False)"
        for value in outputs
        if value.type not in _TYPES
    )
    if not given:
        problem = "none of its outputs is a tensor of a type that can be sent"
        raise ModelError(where, problem, "export it with tensor outputs (zipmap=False)")
    batchable = bool(taken) and all(spec.shape[:1] == (FREE,) for spec in (*taken, *given))
    return Signature(tuple(taken), tuple(given), batchable), notes


def spec_of(name: str, datatype: str, shape: tuple[int, ...]) -> TensorSpec:
    """A tensor by the name of its type in the Open Inference Protocol.

    Raises:
        ValueError: there is no such type.
    """
    for known, dtype in _TYPES.values():
        if known == datatype:
            return TensorSpec(name, dtype, known, shape)
    raise ValueError(f"no type {datatype!r}")


def _spec(value: Value) -> TensorSpec:
    datatype, dtype = _TYPES[value.type]
    shape = tuple(size if isinstance(size, int) and size >= 0 else FREE for size in value.shape)
    return TensorSpec(value.name, dtype, datatype, shape)
