"""The signature: types and shapes in numpy's and OIP's words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from stubtail.models.errors import ModelError
from stubtail.models.signature import read_signature


@dataclass
class Value:
    """An input or output as onnxruntime describes it."""

    name: str = "x"
    type: str = "tensor(float)"
    shape: Sequence[int | str | None] = ("N", 2)


@pytest.mark.parametrize(
    ("declared", "datatype", "dtype"),
    [
        ("tensor(float)", "FP32", np.float32),
        ("tensor(double)", "FP64", np.float64),
        ("tensor(float16)", "FP16", np.float16),
        ("tensor(int8)", "INT8", np.int8),
        ("tensor(int64)", "INT64", np.int64),
        ("tensor(uint64)", "UINT64", np.uint64),
        ("tensor(bool)", "BOOL", np.bool_),
        ("tensor(string)", "BYTES", object),
    ],
)
def test_types(declared, datatype, dtype):
    """Each type of onnxruntime has one OIP name and one dtype."""
    value = Value(type=declared)
    signature, notes = read_signature([value], [value], where="m")
    spec = signature.inputs[0]
    assert (spec.datatype, spec.dtype, spec.shape) == (datatype, np.dtype(dtype), (-1, 2))
    assert notes == ()


@pytest.mark.parametrize(
    ("inputs", "outputs", "batchable"),
    [
        ([["N", 2]], [["N", 1]], True),
        ([[None, 2]], [["M"]], True),
        ([[1, 2]], [["N", 1]], False),
        ([["N", 2]], [[1]], False),
        ([["N", 2], [3]], [["N"]], False),
        ([[]], [[]], False),
        ([], [["N"]], False),
    ],
)
def test_declared_batchable(inputs, outputs, batchable):
    """Only a graph whose first dimensions are all free declares that rows may be joined."""
    signature, _ = read_signature(
        [Value(shape=shape) for shape in inputs],
        [Value(shape=shape) for shape in outputs],
        where="m",
    )
    assert signature.batchable is batchable


def test_inputs_that_cannot_be_sent():
    """A graph whose input has no type on the wire cannot be served."""
    for declared in ("tensor(bfloat16)", "seq(tensor(float))", "tensor(complex64)"):
        with pytest.raises(ModelError, match="cannot be sent"):
            read_signature([Value(type=declared)], [Value()], where="m")


def test_outputs_that_cannot_be_sent_are_left_out():
    """Maps among the outputs are left out with a note; a graph of only such ones is refused."""
    maps = Value("probabilities", "seq(map(int64,tensor(float)))", [])
    signature, notes = read_signature([Value()], [Value("label"), maps], where="m")
    assert [spec.name for spec in signature.outputs] == ["label"]
    assert "zipmap=False" in notes[0]
    with pytest.raises(ModelError, match="none of its outputs"):
        read_signature([Value()], [maps], where="m")
