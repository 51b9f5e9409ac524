"""The graph of trees: two nodes, free rows, the same bits in every batch, its origin inside."""

import numpy as np
import onnx
import onnxruntime
import pytest

from tests.unit.training.test_trees import random_tree
from training import graph, trees
from training.export import open_session


def made(seed: int = 0) -> trees.Ensemble:
    """30 trees of 8 leaves over four columns."""
    random = np.random.default_rng(seed)
    return trees.exact(trees.Ensemble(tuple(random_tree(random, 3) for _ in range(30)), -1.5))


def classifier() -> bytes:
    """A yes/no model with some metadata."""
    metadata = {"b": "2", "a": "1"}
    return graph.classifier(made(), 4, name="m", notes="A note.", metadata=metadata)


def log_odds(threads: int) -> onnxruntime.InferenceSession:
    """The trees alone, on that many threads."""
    node = graph.tree_node([made()], graph.INPUT, "sum", name="trees")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    data = graph.model([node], 4, {"sum": 1}, name="m", notes="", metadata={})
    return onnxruntime.InferenceSession(data, options)


def rows(count: int) -> np.ndarray:
    """Rows of four columns with some holes."""
    random = np.random.default_rng(9)
    table = random.normal(0, 1, (count, 4)).astype(np.float32)
    table[random.random((count, 4)) < 0.05] = np.nan
    return table


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("size", [1, 7, 200])
def test_a_row_scores_the_same_bits_in_every_batch(size, threads):
    """Neither the size of the batch nor the number of threads shows in a score."""
    table = rows(200)
    (whole,) = log_odds(1).run(None, {graph.INPUT: table})
    session = log_odds(threads)

    parts = [
        session.run(None, {graph.INPUT: table[start : start + size]})[0]
        for start in range(0, 200, size)[:30]
    ]

    found = np.concatenate(parts)
    np.testing.assert_array_equal(found, whole[: len(found)])


def test_graph_is_two_nodes_with_free_rows():
    """One float32 input, one float32 output, any number of rows, also none."""
    data = classifier()
    session = open_session(data)

    nodes = onnx.load_from_string(data).graph.node
    assert [node.op_type for node in nodes] == ["TreeEnsembleRegressor", "Sigmoid"]
    assert [(i.name, i.type, i.shape) for i in session.get_inputs()] == [
        ("features", "tensor(float)", ["rows", 4])
    ]
    assert [(o.name, o.type, o.shape) for o in session.get_outputs()] == [
        ("score", "tensor(float)", ["rows", 1])
    ]
    assert session.run(None, {"features": np.empty((0, 4), np.float32)})[0].shape == (0, 1)


def test_graph_says_where_it_comes_from():
    """Producer, note and metadata are set, the same each time."""
    model = onnx.load_from_string(classifier())

    assert (model.producer_name, model.doc_string) == ("stubtail.training", "A note.")
    assert [(p.key, p.value) for p in model.metadata_props] == [("a", "1"), ("b", "2")]
    assert classifier() == classifier()


def test_one_node_can_hold_several_targets():
    """Each column of the result is the sum of its own trees."""
    targets = [made(1), trees.Ensemble((), 3.0), made(2)]
    node = graph.tree_node(targets, graph.INPUT, "sums", name="trees")
    data = graph.model([node], 4, {"sums": 3}, name="m", notes="", metadata={})
    table = rows(50)

    (found,) = open_session(data).run(None, {graph.INPUT: table})

    expected = np.column_stack([target.scores(table) for target in targets])
    np.testing.assert_array_equal(found.astype(np.float64), expected)
