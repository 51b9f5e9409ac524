"""The trees of three libraries are read without changing one answer, also at the edges."""

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost

from training import graph, libraries, native_trees, trees
from training.export import open_session
from training.features import Part
from training.libraries import Grown, Library

# Float32 sums of XGBoost; the others add in double precision, as the plain form does.
CLOSE = {"lightgbm": 1e-12, "xgboost": 3e-6, "catboost": 1e-12}


@pytest.fixture(scope="module")
def part() -> Part:
    """1,000 rows: a real number, one with holes, a code, a tiny number; outcomes of all four."""
    random = np.random.default_rng(3)
    table = random.normal(0, 1, (1000, 4))
    table[:, 1] = np.where(random.random(1000) < 0.1, np.nan, table[:, 1] * 1e4 + 0.1)
    table[:, 2] = random.integers(0, 4, 1000)
    table[:, 3] *= 1e-30
    rows = table.astype(np.float32)
    known = np.where(np.isnan(rows[:, 1]), -1, rows[:, 1] / 1e4)
    noise = np.random.default_rng(4).normal(0, 1, len(rows))
    sums = rows[:, 0] + known + (rows[:, 2] == 2) + rows[:, 3] * 1e30 + noise
    return Part(rows, (sums > 0).astype(np.int8))


@pytest.fixture(scope="module", params=libraries.ALL, ids=lambda library: library.name)
def library(request):
    """Each of the three."""
    return request.param


@pytest.fixture(scope="module")
def grown(library: Library, part) -> Grown:
    """40 trees of 8 leaves."""
    return library.grow(part, library.parameters(8, 0.3, 1), 40)


def splits(ensemble: trees.Ensemble) -> list[trees.Split]:
    """All questions of all trees."""
    waiting = list(ensemble.trees)
    for node in waiting:
        if isinstance(node, trees.Split):
            waiting += [node.above, node.below]
    return [node for node in waiting if isinstance(node, trees.Split)]


def edges(ensemble: trees.Ensemble, count: int) -> np.ndarray:
    """Rows made of nothing but thresholds, the floats next to them, NaN and the extremes."""
    random = np.random.default_rng(5)
    columns = [[np.float32(x) for x in (np.nan, 0.0, -0.0, 3e38, -3e38)] for _ in range(4)]
    for split in splits(ensemble):
        near = np.float32(split.threshold)
        columns[split.feature] += [
            near,
            np.nextafter(near, np.float32(-np.inf)),
            np.nextafter(near, np.float32(np.inf)),
        ]
    return np.column_stack([random.choice(column, count) for column in columns])


def test_plain_trees_answer_as_the_library_at_every_threshold(library, grown):
    """No float32 goes down another branch than in the library itself."""
    rows = edges(grown.ensemble, 5000)

    difference = np.abs(grown.ensemble.scores(rows) - grown.log_odds(rows)).max()

    assert difference <= CLOSE[library.name]
    assert len(splits(grown.ensemble)) > 100


def test_the_graph_answers_as_the_plain_trees_do(grown):
    """ONNX Runtime adds the same leaves: equal to the bit, once the leaves are exact."""
    exact = trees.exact(grown.ensemble)
    rows = edges(exact, 3000)
    node = graph.tree_node([exact], graph.INPUT, "sum", name="trees")
    data = graph.model([node], 4, {"sum": 1}, name="m", notes="", metadata={})

    (found,) = open_session(data).run(None, {graph.INPUT: rows})

    np.testing.assert_array_equal(found[:, 0].astype(np.float64), exact.scores(rows))


def test_growing_twice_gives_the_same_trees(library, grown, part):
    """One thread and a seed: training again gives the same bytes."""
    again = library.grow(part, library.parameters(8, 0.3, 1), 40)

    assert again.ensemble == grown.ensemble


def test_the_first_trees_are_the_model_with_fewer(library, grown, part):
    """Cross-validation judges every number of trees on one model."""
    short = library.grow(part, library.parameters(8, 0.3, 1), 10)
    start = trees.Ensemble(grown.ensemble.trees[:10], grown.ensemble.base)

    np.testing.assert_allclose(
        start.scores(part.rows), short.ensemble.scores(part.rows), atol=1e-12
    )


def test_missing_counts_as_smaller_than_any_number(grown, part):
    """NaN takes the branch of the smallest value."""
    missing, least = part.rows[:50].copy(), part.rows[:50].copy()
    missing[:, 1], least[:, 1] = np.nan, -3e38

    np.testing.assert_array_equal(grown.ensemble.scores(missing), grown.ensemble.scores(least))


def test_catboost_paths_that_no_row_takes_are_left_out(part):
    """A symmetric tree asks everybody everything; what is known already need not be asked."""
    leaves = [2**3] * 40

    library = libraries.CATBOOST
    grown = library.grow(part, library.parameters(8, 0.3, 1), 40)
    kept = [len(list(trees.leaves(tree))) for tree in grown.ensemble.trees]

    assert sum(kept) < sum(leaves)
    assert max(kept) <= 8


def test_a_tree_without_a_split_is_a_constant(library):
    """Where nothing can be learned, everybody gets the share of positives; CatBoost refuses."""
    if library is libraries.CATBOOST:
        pytest.skip("it wants a feature that is not the same for all")
    part = Part(np.zeros((100, 2), np.float32), np.array([0, 0, 0, 1] * 25, np.int8))

    grown = library.grow(part, library.parameters(4, 0.3, 1), 5)

    np.testing.assert_allclose(grown.ensemble.scores(part.rows), np.log(1 / 3), atol=1e-6)


def test_lightgbm_splits_that_the_plain_form_has_not_are_refused(part):
    """Its own rule for NaN is an error and not a wrong graph."""
    data = lightgbm.Dataset(part.rows.astype(np.float64), part.labels)
    booster = lightgbm.train({"objective": "binary", "verbosity": -1}, data, 20)

    with pytest.raises(ValueError, match="missing_first"):
        native_trees.of_lightgbm(booster)


def test_xgboost_of_numbers_has_its_own_base(part):
    """A regression starts from a number, not from log-odds."""
    rows = trees.missing_first(part.rows)
    data = xgboost.DMatrix(rows, part.rows[:, 0] * 3 + 7)
    booster = xgboost.train({"objective": "reg:squarederror", "max_depth": 3}, data, 15)

    plain = native_trees.of_xgboost(booster).scores(part.rows)

    np.testing.assert_allclose(plain, booster.predict(data), rtol=1e-5)


def test_catboost_sets_of_categories_are_refused(part):
    """They have no place in the graph."""
    codes = part.rows[:, 2].astype(int).astype(str)[:, None]
    model = catboost.CatBoost(
        {
            "iterations": 5,
            "logging_level": "Silent",
            "allow_writing_files": False,
            "loss_function": "Logloss",
            "one_hot_max_size": 10,
        }
    )
    model.fit(catboost.Pool(codes, part.labels, cat_features=[0]))

    with pytest.raises(ValueError, match="no place"):
        native_trees.of_catboost(model)
