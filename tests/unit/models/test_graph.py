"""The check of a graph's bytes: safe ones pass, all others are named."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from stubtail.models.errors import ModelError
from stubtail.models.graph import DEPTH_MAX, verify_graph
from tests import model_files
from tests.model_files import model_bytes, value

WHERE = "m/1/model.onnx"
X = value("x", TensorProto.FLOAT, ["N", 2])
Y = value("y", TensorProto.FLOAT, ["N", 2])
RELU = helper.make_node("Relu", ["x"], ["y"])


def verify(data, nodes_max=1000):
    """The facts of a graph that passes."""
    return verify_graph(data, where=WHERE, nodes_max=nodes_max)


def refusal(data, nodes_max=1000):
    """The problem of a graph that does not pass."""
    with pytest.raises(ModelError) as caught:
        verify(data, nodes_max)
    assert caught.value.where == WHERE
    assert caught.value.mend
    return caught.value.problem


@pytest.mark.parametrize(
    "graph",
    [
        model_files.affine(),
        model_files.strings(),
        model_files.classifier(),
        model_files.slow(),
        model_files.scoring(),
    ],
)
def test_good_graphs_pass(graph):
    """What exporters write passes, and its opset is known."""
    assert verify(graph).opset == model_files.OPSET


@pytest.mark.parametrize(
    "data",
    [b"\x00", b"not a model", model_files.affine()[:60], model_files.affine()[:-5], b"\xff" * 99],
)
def test_truncated_or_foreign_bytes(data):
    """Bytes that are no whole model are refused, with a hint to copy them again."""
    assert "no ONNX model, or it was cut short" in refusal(data)


def test_empty_file():
    """An empty file is called empty."""
    assert refusal(b"") == "the file is empty"


def test_a_message_without_a_graph():
    """Other protobuf messages may parse: without a graph with outputs they are refused."""
    assert "no graph" in refusal(onnx.ModelProto(ir_version=8).SerializeToString())


def test_onnx_checker_decides_on_form():
    """A graph that the checker refuses says so without the checker's text, kept for the log."""
    broken = model_bytes([helper.make_node("Relu", ["nowhere"], ["y"])], [X], [Y])
    with pytest.raises(ModelError, match=r"onnx.checker finds it malformed") as caught:
        verify(broken)
    assert "nowhere" in caught.value.detail
    assert "nowhere" not in str(caught.value)


def _in_attribute(tensor):
    return model_bytes([helper.make_node("Constant", [], ["y"], value=tensor)], [X], [Y])


def _in_subgraph(tensor):
    node = helper.make_node("Identity", ["inner"], ["out"])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    branch = helper.make_graph([node], "b", [], [out], [tensor])
    branch.initializer[0].name = "inner"
    condition = model_files.constant("c", np.array(True))
    choose = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    return model_bytes([choose], [X], [Y], [condition])


def _in_function(tensor):
    constant = helper.make_node("Constant", [], ["out"], value=tensor)
    function = helper.make_function(
        "local", "F", ["in"], ["out"], [constant], [helper.make_opsetid("", 17)]
    )
    call = helper.make_node("F", ["x"], ["y"], domain="local")
    imports = [helper.make_opsetid("local", 1)]
    return model_bytes([call], [X], [Y], functions=[function], imports=imports)


def _in_sparse(tensor):
    sparse = onnx.SparseTensorProto(values=tensor, dims=[4])
    data = onnx.ModelProto.FromString(model_bytes([RELU], [X], [Y]))
    data.graph.sparse_initializer.append(sparse)
    return data.SerializeToString()


def _in_sparse_attribute(tensor):
    node = helper.make_node("Constant", [], ["y"])
    sparse = onnx.SparseTensorProto(values=tensor, dims=[4])
    attribute = onnx.AttributeProto(name="sparse_value", sparse_tensor=sparse)
    attribute.type = onnx.AttributeProto.SPARSE_TENSOR
    node.attribute.append(attribute)
    return model_bytes([node], [X], [Y])


def _in_training(tensor):
    data = onnx.ModelProto.FromString(model_bytes([RELU], [X], [Y]))
    data.training_info.add().algorithm.initializer.append(tensor)
    return data.SerializeToString()


@pytest.mark.parametrize(
    "place",
    [_in_attribute, _in_subgraph, _in_function, _in_sparse, _in_sparse_attribute, _in_training],
)
@pytest.mark.parametrize("location", ["/etc/passwd", "../../secret", "weights.bin"])
def test_external_data_is_refused_everywhere(place, location):
    """No tensor may live in another file, wherever in the model it stands."""
    assert "lives in another file" in refusal(place(model_files.external_tensor(location)))


def test_external_data_of_an_initializer():
    """The plain case: a weight that would be read from the disk."""
    assert '"secret" lives in another file' in refusal(model_files.external_data())


def test_external_entries_alone_are_refused():
    """Entries count even where the location says that the data is inside."""
    tensor = model_files.external_tensor()
    tensor.data_location = TensorProto.DEFAULT
    assert "lives in another file" in refusal(_in_attribute(tensor))


@pytest.mark.parametrize("domain", ["com.example", "ai.onnx.contrib", "org.pytorch.aten"])
def test_unknown_domains(domain):
    """Operators of other domains would need code that is not in the graph."""
    assert f'of the domain "{domain}"' in refusal(model_files.custom_operator(domain))


@pytest.mark.parametrize("operator", ["EPContext", "PythonOp"])
def test_operators_that_reach_outside(operator):
    """Some operators of a known domain name files or Python code."""
    node = helper.make_node(operator, ["x"], ["y"], domain="com.microsoft")
    data = model_bytes([node], [X], [Y], imports=[helper.make_opsetid("com.microsoft", 1)])
    assert "reaches outside the graph" in refusal(data)


def test_own_functions_pass():
    """A model may bring functions of any domain, as long as they consist of known operators."""
    body = [helper.make_node("Relu", ["in"], ["out"])]
    function = helper.make_function(
        "local", "F", ["in"], ["out"], body, [helper.make_opsetid("", 17)]
    )
    call = helper.make_node("F", ["x"], ["y"], domain="local")
    imports = [helper.make_opsetid("local", 1)]
    verify(model_bytes([call], [X], [Y], functions=[function], imports=imports))


def _chain(length, calls_each):
    """Functions of which each calls the next one several times."""
    functions = []
    for index in range(length):
        names = ["in", *(f"t{step}" for step in range(calls_each - 1)), "out"]
        operator = ("Relu", "") if index == length - 1 else (f"F{index + 1}", "local")
        body = [
            helper.make_node(operator[0], [names[step]], [names[step + 1]], domain=operator[1])
            for step in range(calls_each)
        ]
        imports = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
        functions.append(helper.make_function("local", f"F{index}", ["in"], ["out"], body, imports))
    call = helper.make_node("F0", ["x"], ["y"], domain="local")
    imports = [helper.make_opsetid("local", 1)]
    return model_bytes([call], [X], [Y], functions=functions, imports=imports)


def test_functions_count_expanded():
    """Functions that double at each level are small as a file and endless once expanded."""
    assert "more than 1000 nodes" in refusal(_chain(40, 2))
    verify(_chain(40, 1))


def test_recursive_functions():
    """A function that reaches itself, even over another one, is refused."""
    model = onnx.ModelProto.FromString(_chain(3, 1))
    model.functions[2].node[0].op_type = "F0"
    model.functions[2].node[0].domain = "local"
    assert "calls itself" in refusal(model.SerializeToString())


def test_bounds_on_nodes_and_depth():
    """Both the number of nodes and the nesting are bounded."""
    assert "more than 1 nodes" in refusal(model_files.affine(), nodes_max=1)
    graph = inner = helper.make_graph([RELU], "inner", [], [Y])
    for _ in range(DEPTH_MAX + 1):
        node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=graph)
        graph = helper.make_graph([node], "outer", [], [Y])
    data = onnx.ModelProto.FromString(model_bytes([RELU], [X], [Y]))
    data.graph.CopyFrom(graph)
    assert "nested" in refusal(data.SerializeToString(), nodes_max=10**9)
