"""Decides from the bytes of a graph whether it is safe and well formed, before it gets to run."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import onnx
import onnx.checker

from stubtail.models.errors import ModelError

DOMAINS: Final = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
# Operators of com.microsoft that name other files or run code which is not in the graph.
REFUSED_OPERATORS: Final = frozenset({"EPContext", "PythonOp", "PythonOpGrad", "ATen"})
DEPTH_MAX: Final = 16  # of graphs within graphs; exported models have 1 or 2
INITIALIZER_BYTES_MAX: Final = 512 * 1024 * 1024  # what a graph of that size can hold
# Bits of an element; what is not here (complex numbers, doubles, 64-bit integers) has 64 or more.
_BITS: Final[dict[int, int]] = {
    onnx.TensorProto.FLOAT: 32,
    onnx.TensorProto.INT32: 32,
    onnx.TensorProto.UINT32: 32,
    onnx.TensorProto.FLOAT16: 16,
    onnx.TensorProto.BFLOAT16: 16,
    onnx.TensorProto.INT16: 16,
    onnx.TensorProto.UINT16: 16,
    onnx.TensorProto.INT8: 8,
    onnx.TensorProto.UINT8: 8,
    onnx.TensorProto.BOOL: 8,
    onnx.TensorProto.STRING: 8,
    onnx.TensorProto.INT4: 4,
    onnx.TensorProto.UINT4: 4,
    onnx.TensorProto.FLOAT4E2M1: 4,
}
_BITS_OTHERWISE: Final = 64

_Key = tuple[str, str]  # domain and name of an operator or a function


@dataclass(frozen=True, slots=True)
class GraphFacts:
    """What is known of a graph that passed: the opset of the default domain (0: not used)."""

    opset: int


def verify_graph(
    data: bytes,
    *,
    where: str,
    nodes_max: int,
    initializer_bytes_max: int = INITIALIZER_BYTES_MAX,
) -> GraphFacts:
    """Checks a serialised graph.

    It may hold no tensor that lives in another file, only operators of known domains or of its own
    functions, no functions that call themselves, and it must pass onnx.checker.

    Args:
        data: the bytes that will be given to onnxruntime.
        where: names the file in messages.
        nodes_max: the largest number of nodes, counted with every function call expanded.
        initializer_bytes_max: the most that its constants may take, by their declared shapes.

    Raises:
        ModelError: it is not a graph or it is not safe.
    """
    if not data:
        raise ModelError(where, "the file is empty", "copy it again")
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # protobuf's DecodeError has no stable home across runtimes
        problem = "it is no ONNX model, or it was cut short"
        raise ModelError(where, problem, "copy or export it again", detail=str(error)) from error
    if not model.HasField("graph") or not model.graph.output:
        raise ModelError(where, "it holds no graph with outputs", "copy or export it again")
    _Scan(where, nodes_max, initializer_bytes_max).model(model)
    try:
        onnx.checker.check_model(data)
    except Exception as error:  # ValidationError, and ValueError on some malformed tensors
        problem = "onnx.checker finds it malformed"
        mend = "export it again with a current exporter; the log has the details"
        raise ModelError(where, problem, mend, detail=str(error)) from error
    opsets = [entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}]
    return GraphFacts(opset=max(opsets, default=0))


class _Scan:
    """One walk over all nodes and tensors of a model."""

    def __init__(self, where: str, nodes_max: int, initializer_bytes_max: int) -> None:
        self._where = where
        self._nodes_max = nodes_max
        self._nodes_seen = 0
        self._bits_max = initializer_bytes_max * 8
        self._bits_seen = 0
        self._functions: frozenset[_Key] = frozenset()

    def model(self, model: onnx.ModelProto) -> None:
        self._functions = frozenset((item.domain, item.name) for item in model.functions)
        called: Counter[_Key] = Counter()
        self._graph(model.graph, 0, called)
        for training in model.training_info:
            self._graph(training.initialization, 0, called)
            self._graph(training.algorithm, 0, called)
        bodies: dict[_Key, Counter[_Key]] = {}
        nodes: Counter[_Key] = Counter()
        for item in model.functions:
            key = (item.domain, item.name)
            seen = self._nodes_seen
            self._count(1)
            body = bodies.setdefault(key, Counter())
            self._nodes(item.node, 0, body)
            self._attributes(item.attribute_proto, 0, body)
            nodes[key] += self._nodes_seen - seen
        sizes = self._expanded_sizes(bodies, nodes)
        # onnxruntime expands functions: a few that call each other twice make millions of nodes.
        self._count(sum(count * sizes[key] for key, count in called.items()))

    def _count(self, nodes: int) -> None:
        self._nodes_seen += nodes
        if self._nodes_seen > self._nodes_max:
            problem = f"it has more than {self._nodes_max} nodes"
            raise ModelError(
                self._where, problem, "serve a smaller graph, or raise supply.nodes_max"
            )

    def _graph(self, graph: onnx.GraphProto, depth: int, called: Counter[_Key]) -> None:
        if depth > DEPTH_MAX:
            problem = f"its graphs are nested more than {DEPTH_MAX} deep"
            raise ModelError(self._where, problem, "export it with fewer nested conditions")
        self._tensors(graph.initializer)
        for sparse in graph.sparse_initializer:
            self._tensors((sparse.values, sparse.indices))
        self._nodes(graph.node, depth, called)

    def _nodes(self, nodes: Iterable[onnx.NodeProto], depth: int, called: Counter[_Key]) -> None:
        """Walks nodes and counts in `called` how often they call each function of the model."""
        for node in nodes:
            self._count(1)
            key = (node.domain, node.op_type)
            if key in self._functions:
                called[key] += 1
            elif node.domain not in DOMAINS:
                problem = f'it uses the operator "{node.op_type}" of the domain "{node.domain}"'
                mend = f"only operators of {', '.join(sorted(DOMAINS - {''}))} are served"
                raise ModelError(self._where, problem, mend)
            elif node.op_type in REFUSED_OPERATORS:
                problem = f'it uses the operator "{node.op_type}", which reaches outside the graph'
                raise ModelError(self._where, problem, "export it without that operator")
            self._attributes(node.attribute, depth, called)

    def _attributes(
        self, attributes: Iterable[onnx.AttributeProto], depth: int, called: Counter[_Key]
    ) -> None:
        for attribute in attributes:
            if attribute.HasField("t"):
                self._tensors((attribute.t,))
            self._tensors(attribute.tensors)
            for sparse in _sparse_tensors(attribute):
                self._tensors((sparse.values, sparse.indices))
            if attribute.HasField("g"):
                self._graph(attribute.g, depth + 1, called)
            for graph in attribute.graphs:
                self._graph(graph, depth + 1, called)

    def _tensors(self, tensors: Iterable[onnx.TensorProto]) -> None:
        for tensor in tensors:
            if tensor.data_location != onnx.TensorProto.DEFAULT or tensor.external_data:
                problem = f'its tensor "{tensor.name}" lives in another file'
                mend = "export it as one file (save_as_external_data=False)"
                raise ModelError(self._where, problem, mend)
            # By the declared shape: a few bytes can claim a tensor that fills the memory.
            elements = math.prod(max(0, size) for size in tensor.dims)
            self._bits_seen += elements * _BITS.get(tensor.data_type, _BITS_OTHERWISE)
            if self._bits_seen > self._bits_max:
                problem = f"its constants take more than {self._bits_max // 8} bytes"
                mend = "serve a smaller graph, or raise supply.initializer_bytes_max"
                raise ModelError(self._where, problem, mend)

    def _expanded_sizes(
        self, bodies: Mapping[_Key, Counter[_Key]], nodes: Mapping[_Key, int]
    ) -> dict[_Key, int]:
        """Nodes of each function with its calls expanded; a stack of our own, as chains are deep.

        Raises:
            ModelError: a function reaches itself.
        """
        sizes: dict[_Key, int] = {}
        for start in bodies:
            path: set[_Key] = set()
            stack: list[tuple[_Key, bool]] = [(start, True)]
            while stack:
                key, entering = stack.pop()
                if not entering:
                    path.remove(key)
                    calls = bodies[key].items()
                    inner = sum(count * sizes[called] for called, count in calls)
                    # Cut at the bound: doubling a hundred thousand times would fill the memory.
                    sizes[key] = min(nodes[key] + inner, self._nodes_max + 1)
                elif key in path:
                    problem = f'its function "{key[1]}" calls itself'
                    raise ModelError(self._where, problem, "export it without recursive functions")
                elif key not in sizes:
                    path.add(key)
                    stack.append((key, False))
                    stack.extend((called, True) for called in bodies[key])
        return sizes


def _sparse_tensors(attribute: onnx.AttributeProto) -> Iterator[onnx.SparseTensorProto]:
    if attribute.HasField("sparse_tensor"):
        yield attribute.sparse_tensor
    yield from attribute.sparse_tensors
