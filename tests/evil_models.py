"""Graphs that end, fill or hold up whatever loads them; only a process of their own may do so."""

import numpy as np
from onnx import TensorProto, helper

from tests.model_files import constant, model_bytes, value


def crashing() -> bytes:
    """Divides the smallest integer by -1, which x86 processors answer by a signal."""
    return model_bytes(
        [
            helper.make_node("Mul", ["x", "zero"], ["zeros"]),
            helper.make_node("Add", ["zeros", "least"], ["dividend"]),
            helper.make_node("Add", ["zeros", "minus"], ["divisor"]),
            helper.make_node("Div", ["dividend", "divisor"], ["y"]),
        ],
        [value("x", TensorProto.INT64, ["N", 1])],
        [value("y", TensorProto.INT64, ["N", 1])],
        [
            constant("zero", np.array([0], np.int64)),
            constant("least", np.array([-(2**63)], np.int64)),
            constant("minus", np.array([-1], np.int64)),
        ],
    )


def bomb(elements: int = 8_000_000_000) -> bytes:
    """A hundred bytes that ask for 32 GB as soon as they are loaded or run."""
    return model_bytes(
        [
            helper.make_node("ConstantOfShape", ["shape"], ["much"]),
            helper.make_node("ReduceSum", ["much"], ["sum"], keepdims=0),
            helper.make_node("Add", ["x", "sum"], ["y"]),
        ],
        [value("x", TensorProto.FLOAT, ["N", 1])],
        [value("y", TensorProto.FLOAT, ["N", 1])],
        [constant("shape", np.array([elements], np.int64))],
    )


def endless() -> bytes:
    """A loop of some centuries."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_in"], ["go_out"]),
            helper.make_node("Add", ["sum_in", "one"], ["sum_out"]),
        ],
        "body",
        [
            value("step", TensorProto.INT64, []),
            value("go_in", TensorProto.BOOL, []),
            value("sum_in", TensorProto.FLOAT, ["N", 1]),
        ],
        [
            value("go_out", TensorProto.BOOL, []),
            value("sum_out", TensorProto.FLOAT, ["N", 1]),
        ],
    )
    return model_bytes(
        [helper.make_node("Loop", ["trips", "go", "x"], ["y"], body=body)],
        [value("x", TensorProto.FLOAT, ["N", 1])],
        [value("y", TensorProto.FLOAT, ["N", 1])],
        [
            constant("trips", np.array(2**62, np.int64)),
            constant("go", np.array(True)),
            constant("one", np.array([1.0], np.float32)),
        ],
    )
