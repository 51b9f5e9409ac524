"""Pins the bundles of detectors: one node for a forest, parity, calibrated p-values, reasons."""

import json
from pathlib import Path

import numpy as np
import pytest

from stubtail.models.manifest import Manifest, ManifestError
from training.anomaly import bundle_of_rows, made_unusual
from training.anomaly_bundle import Bundle
from training.anomaly_graph import bundle_graph, forest_graph, nodes_of
from training.anomaly_members import Nearest, Softened, Tails
from training.anomaly_steps import Curves, surprise_curves
from training.export import check_parity, export, open_session

WIDTH = 5


def rows(count: int, seed: int) -> np.ndarray:
    """Rows whose columns go together; one is skewed and one is mostly zero."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(count, 1))
    made = common + 0.3 * rng.normal(size=(count, WIDTH))
    made[:, 3] = np.exp(made[:, 3])
    made[:, 4] = np.where(rng.random(count) < 0.7, 0.0, rng.integers(1, 9, count))
    return made.astype(np.float32)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """Fitted to such rows."""
    return Bundle.fit(rows(1200, 1), rows(600, 2), seed=3)


def test_a_forest_is_one_node_with_the_scores_of_its_library(bundle: Bundle) -> None:
    """skl2onnx makes hundreds of nodes of it."""
    content = forest_graph(bundle)
    assert nodes_of(content).count("TreeEnsembleRegressor") == 1
    assert len(nodes_of(content)) == 3
    fresh = rows(500, 4)
    difference = check_parity(
        open_session(content), fresh, {"score": bundle.forest.scores(fresh)}, 1e-5
    )
    assert difference <= 1e-5


def test_the_graph_computes_what_the_detectors_do(bundle: Bundle) -> None:
    """Every output, also for rows far outside of all that was seen."""
    content = bundle_graph(bundle, name="x", notes="x", metadata={})
    assert nodes_of(content).count("TreeEnsembleRegressor") == 5  # forest, tails, three curves
    session = open_session(content)
    fresh = np.concatenate((rows(300, 5), 5 * rows(50, 6), rows(50, 7) - 3)).astype(np.float32)
    check_parity(session, fresh, bundle.outputs(fresh), 1e-3)
    # Rows do not change each other's answers.
    names = [one.name for one in session.get_outputs()]
    together = session.run(names, {"features": fresh[:8]})
    for at in range(8):
        alone = session.run(names, {"features": fresh[at : at + 1]})
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_allclose(one[at], other[0], rtol=1e-4, atol=1e-5)


def test_a_column_that_is_one_value_in_all_usual_rows_is_computed_alike() -> None:
    """Its distance from what is expected is nothing but rounding, which must not be a step."""
    made = rows(1500, 1)
    made[:, 4] = np.where(np.abs(made[:, 0]) > 2.5, 7.1, 0.3)
    odd = Bundle.fit(made[:1000], made[1000:], seed=1)
    session = open_session(bundle_graph(odd, name="x", notes="x", metadata={}))
    check_parity(session, made[:200], odd.outputs(made[:200]), 1e-3)


def test_a_reference_is_not_its_own_neighbour() -> None:
    """Rows that distances are taken to are ranked as rows that they are not taken to."""
    soft = np.random.default_rng(0).normal(size=(800, 3))
    nearest, own = Nearest.fit(soft, np.arange(400), seed=1)
    assert len(nearest.references) == 400
    np.testing.assert_array_equal(own[400:], -1)
    scores = nearest.scores(soft, own)
    assert np.median(scores[:400]) == pytest.approx(np.median(scores[400:]), rel=0.15)
    assert np.median(nearest.scores(soft)[:400]) < 0.9 * np.median(scores[:400])


def test_anomalies_among_the_rows_do_not_hide_themselves() -> None:
    """A twentieth of the rows in a heap of their own: they are neither references nor usual."""
    usual, heap = rows(950, 1), rows(50, 2) * np.float32(0.05) + np.float32(6)
    found = Bundle.fit(np.concatenate((usual, heap)), rows(400, 3), seed=1)
    fresh = rows(50, 4) * np.float32(0.05) + np.float32(6)
    assert (found.outputs(fresh)["p_value"] < 0.05).all()


def test_softened_values_keep_their_order_and_bound_what_is_far() -> None:
    """A hundred thousand widths are twelve."""
    scale = Softened.fit(rows(1000, 1))
    far = np.array([[1e5] * WIDTH, [1.0] * WIDTH, [-1e5] * WIDTH], np.float32)
    soft = scale(far)
    assert (np.diff(soft, axis=0) < 0).all()
    assert (np.abs(soft) < 15).all()


@pytest.mark.parametrize("chance", [0.2, 0.1, 0.05])
def test_p_values_are_calibrated(bundle: Bundle, chance: float) -> None:
    """Of rows that nothing has seen, the share with such a p-value is that p-value."""
    found = bundle.outputs(rows(4000, 8))["p_value"].ravel()
    assert np.mean(found <= chance) == pytest.approx(chance, abs=0.4 * chance)


def test_what_does_not_go_together_is_found_and_named(bundle: Bundle) -> None:
    """A value that is usual by itself, in the wrong company."""
    odd = np.zeros((1, WIDTH), np.float32)
    odd[0, :4] = [1.5, 1.5, -1.5, np.exp(1.5)]
    found = bundle.outputs(odd)
    usual = bundle.outputs(np.array([[1.5, 1.5, 1.5, np.exp(1.5), 0]], np.float32))
    assert found["p_value"][0, 0] < usual["p_value"][0, 0]
    assert found["contribution"][0].argmax() == 2
    assert not found["lower"][0, 2] <= odd[0, 2] <= found["upper"][0, 2]
    assert found["lower"][0, 2] < 1.5 < found["upper"][0, 2]


def test_expected_ranges_hold_98_of_100_usual_values(bundle: Bundle) -> None:
    """For each feature, of rows that nothing has seen."""
    fresh = rows(3000, 9)
    found = bundle.outputs(fresh)
    inside = (found["lower"] <= fresh) & (fresh <= found["upper"])
    assert (np.abs(inside.mean(axis=0) - 0.98) < 0.015).all(), inside.mean(axis=0)


def test_tails_are_shares_of_rows() -> None:
    """-ln of the share at or below, and at or above."""
    values = np.arange(100, dtype=np.float32)[:, None]
    tails = Tails.fit(values)
    left, right = tails.both(np.array([[0.0], [50.0], [99.0], [1e9], [-1e9]], np.float32))
    assert left[0, 0] > 4
    assert left[1, 0] == pytest.approx(np.log(2), abs=0.1)
    assert right[2, 0] > 3.5
    assert right[3, 0] > 4.5
    assert left[4, 0] > 4.5


def test_curves_rise_through_their_knots() -> None:
    """Steps where knots are equal, a straight line beyond the last."""
    curves = Curves.through(np.array([[0.0, 1.0, 1.0, 3.0]]), np.array([[0.0, 1.0, 2.0, 4.0]]))
    found = curves(np.array([[-1.0], [0.5], [1.1], [2.0], [5.0]])).ravel()
    np.testing.assert_allclose(found, [0, 0.5, 2.1, 3, 6], atol=1e-3)
    column = np.random.default_rng(0).normal(size=(1000, 1))
    ranks = surprise_curves(column, 32)
    some = np.quantile(column, [0.5, 0.9, 0.99])[:, None]
    np.testing.assert_allclose(np.exp(-ranks(some)).ravel(), [0.5, 0.1, 0.01], rtol=0.1)


def test_a_published_bundle_is_one_that_the_server_takes(tmp_path: Path) -> None:
    """Its manifest says where p-values and reasons are; without them it is refused."""
    trained = bundle_of_rows("things", rows(300, 1), rows(100, 2), rows(100, 3), seed=1)
    exported = export(trained, "1", tmp_path)
    text = (exported.folder / "model.json").read_text(encoding="utf-8")
    manifest = Manifest.parse(text, "model.json")
    assert manifest.kind == "anomaly"
    assert manifest.anomaly is not None
    assert manifest.anomaly.severities == (0.01, 0.001, 0.0001)
    document = json.loads(text)
    document["anomaly"]["severities"] = [0.1, 0.2, 0.3]
    del document["anomaly"]["lower"]
    with pytest.raises(ManifestError) as caught:
        Manifest.parse(json.dumps(document), "model.json")
    assert len(caught.value.problems) == 2


def test_made_anomalies_are_a_tenth_and_keep_to_the_columns() -> None:
    """Each value that is put in stands in that column of another row."""
    usual = rows(200, 1)
    changed, made = made_unusual(usual, 2)
    assert made.sum() == 20
    np.testing.assert_array_equal(changed[~made], usual[~made])
    for column in range(WIDTH):
        assert set(changed[:, column]) <= set(usual[:, column])
