"""The graph of boosted trees computes what LightGBM computes, to the bit, also at the edges."""

import lightgbm
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from training import trees
from training.calibration import Platt
from training.export import open_session

PLATT = Platt(1.25, -0.5)


def train(rows, labels, **parameters):
    """A small booster on the columns given."""
    settings = {"objective": "binary", "num_leaves": 8, "num_threads": 1, "verbosity": -1}
    data = lightgbm.Dataset(trees.missing_first(rows), labels)
    return lightgbm.train({**settings, "use_missing": False, **parameters}, data, 40)


def log_odds_of(graph, rows, threads=1):
    """What the trees of the graph say, before the sigmoid, [rows]."""
    model = onnx.load_from_string(graph)
    model.graph.output.append(
        helper.make_tensor_value_info(trees.LOG_ODDS, TensorProto.FLOAT, None)
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run([trees.LOG_ODDS], {trees.INPUT: rows})[0][:, 0]


def to_onnx(booster, base):
    """The graph with some metadata."""
    return trees.to_onnx(booster, base, name="m", notes="A note.", metadata={"b": "2", "a": "1"})


@pytest.fixture(scope="module")
def rows():
    """1,000 rows of four columns: a real number, one with holes, a code, a tiny number."""
    random = np.random.default_rng(3)
    table = random.normal(0, 1, (1000, 4))
    table[:, 1] = np.where(random.random(1000) < 0.1, np.nan, table[:, 1] * 1e4 + 0.1)
    table[:, 2] = random.integers(0, 4, 1000)
    table[:, 3] *= 1e-30
    return table.astype(np.float32)


@pytest.fixture(scope="module")
def labels(rows):
    """Outcomes that depend on all columns."""
    known = np.where(np.isnan(rows[:, 1]), -1, rows[:, 1] / 1e4)
    noise = np.random.default_rng(4).normal(0, 1, len(rows))
    return (rows[:, 0] + known + (rows[:, 2] == 2) + rows[:, 3] * 1e30 + noise > 0).astype(np.int8)


@pytest.fixture(scope="module")
def folded(rows, labels):
    """A booster with the calibration in its leaves, its base value, and its graph."""
    booster = train(rows, labels)
    base = trees.fold(booster, PLATT)
    return booster, base, to_onnx(booster, base)


def edges(booster, count):
    """Rows made of nothing but thresholds, the floats next to them, NaN and the extremes."""
    random = np.random.default_rng(5)
    columns = [[np.float32(x) for x in (np.nan, 0.0, -0.0, 3e38, -3e38)] for _ in range(4)]
    waiting = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    for node in waiting:
        if "threshold" in node:
            near = np.float32(node["threshold"])
            columns[node["split_feature"]] += [
                near,
                np.nextafter(near, np.float32(-np.inf)),
                np.nextafter(near, np.float32(np.inf)),
            ]
            waiting += [node["left_child"], node["right_child"]]
    return np.column_stack([random.choice(column, count) for column in columns])


def test_graph_and_booster_agree_exactly_at_every_threshold(folded):
    """No float32 goes down another branch than in LightGBM, and the sums are equal, not close."""
    booster, base, graph = folded
    rows = edges(booster, 5000)

    expected = booster.predict(trees.missing_first(rows), raw_score=True) + base

    np.testing.assert_array_equal(log_odds_of(graph, rows).astype(np.float64), expected)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("size", [1, 7, 200])
def test_a_row_scores_the_same_bits_in_every_batch(folded, rows, size, threads):
    """Neither the size of the batch nor the number of threads shows in a score."""
    _, _, graph = folded
    rows = rows[:200]
    whole = log_odds_of(graph, rows)

    parts = [
        log_odds_of(graph, rows[start : start + size], threads)
        for start in range(0, 200, size)[:30]
    ]

    found = np.concatenate(parts)
    np.testing.assert_array_equal(found, whole[: found.size])


def test_folding_is_the_calibration(rows, labels):
    """Slope and intercept move into leaves and base; the rounding of the leaves does not show."""
    booster = train(rows, labels)
    calibrated = (
        PLATT.slope * booster.predict(trees.missing_first(rows), raw_score=True) + PLATT.intercept
    )

    base = trees.fold(booster, PLATT)

    after = booster.predict(trees.missing_first(rows), raw_score=True) + base
    np.testing.assert_allclose(after, calibrated, rtol=0, atol=1e-5)
    assert np.abs(after - calibrated).max() > 0


def test_missing_counts_as_smaller_than_any_number(folded, rows):
    """NaN takes the branch of the smallest value."""
    _, _, graph = folded
    missing, least = rows[:50].copy(), rows[:50].copy()
    missing[:, 1], least[:, 1] = np.nan, -3e38

    np.testing.assert_array_equal(log_odds_of(graph, missing), log_odds_of(graph, least))


def test_graph_is_two_nodes_with_free_rows(folded):
    """One float32 input, one float32 output, any number of rows, also none."""
    _, _, graph = folded
    model = onnx.load_from_string(graph)
    session = open_session(graph)

    assert [node.op_type for node in model.graph.node] == ["TreeEnsembleRegressor", "Sigmoid"]
    assert [(i.name, i.type, i.shape) for i in session.get_inputs()] == [
        ("features", "tensor(float)", ["rows", 4])
    ]
    assert [(o.name, o.type, o.shape) for o in session.get_outputs()] == [
        ("score", "tensor(float)", ["rows", 1])
    ]
    assert session.run(None, {"features": np.empty((0, 4), np.float32)})[0].shape == (0, 1)


def test_graph_says_where_it_comes_from(folded):
    """Producer, note and metadata are set, the same each time."""
    booster, base, graph = folded
    model = onnx.load_from_string(graph)

    assert (model.producer_name, model.doc_string) == ("stubtail.training", "A note.")
    assert [(p.key, p.value) for p in model.metadata_props] == [("a", "1"), ("b", "2")]
    assert to_onnx(booster, base) == graph


def test_a_tree_without_a_split_is_a_constant():
    """Where nothing can be learned, the graph gives everybody the same probability."""
    rows = np.zeros((100, 2), np.float32)
    booster = train(rows, np.array([0, 1] * 50))
    base = trees.fold(booster, Platt(1.0, 0.25))

    found = log_odds_of(to_onnx(booster, base), rows[:3])

    np.testing.assert_allclose(found, 0.25)


def test_splits_that_the_graph_cannot_express_are_refused(rows, labels):
    """LightGBM's own rule for NaN, or a set of categories, is an error and not a wrong graph."""
    data = lightgbm.Dataset(rows.astype(np.float64), labels)
    booster = lightgbm.train({"objective": "binary", "verbosity": -1}, data, 20)

    with pytest.raises(ValueError, match="missing_first"):
        to_onnx(booster, 0.0)
