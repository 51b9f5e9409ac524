"""Clusters that are there are found; the shipped segments are firm, readable and add up."""

import csv
import json

import numpy as np
import pytest

from training import clustering
from training.__main__ import REPOSITORY
from training.export import open_session
from training.segments import COLUMNS

FOLDER = REPOSITORY / "exported_models" / "segments" / "1"
DOCUMENT = json.loads((FOLDER / "model.json").read_text())
NAMES = [profile["name"] for profile in DOCUMENT["profiles"]["segments"]]


@pytest.fixture(scope="module")
def blobs():
    """Four clouds of 150 rows in two features, and which cloud each row is of."""
    random = np.random.default_rng(4)
    centres = np.array([[1.0, 1.0], [1.0, 4.0], [4.0, 1.0], [4.0, 4.0]])
    cloud = np.repeat(np.arange(4), 150)
    logs = centres[cloud] + random.normal(0, 0.2, (600, 2))
    return np.expm1(np.maximum(logs, 0)).astype(np.float32), cloud


def test_clouds_are_found(blobs):
    """Their number by silhouette and stability, their members, and an order by value."""
    rows, cloud = blobs
    chosen = clustering.choose(rows, seed=1)
    value = np.array([30.0, 10.0, 40.0, 20.0])[cloud]
    clusters = clustering.ordered(chosen.clusters, value, rows)

    assert len(clusters.centres) == 4
    nearest = clusters.nearest(rows)
    assert (np.array([2, 0, 3, 1])[cloud] == nearest).all()


def test_membership_is_as_sharp_as_the_votes(blobs):
    """Clouds far apart leave no doubt; a row half way between two is shared by them."""
    rows, _ = blobs
    clusters = clustering.choose(rows, seed=1).clusters
    votes = clustering.votes(clusters, rows, rows, seed=1)
    clusters = clustering.sharpened(clusters, rows, votes)
    belongs = clusters.membership(rows)

    np.testing.assert_allclose(votes.sum(axis=1), 1)
    np.testing.assert_allclose(belongs.sum(axis=1), 1)
    assert belongs.max(axis=1).min() > 0.99


def test_a_row_half_way_between_two_centres_is_shared():
    """By these two alike; the third, far off, has less."""
    centres = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 3.0]])
    clusters = clustering.Clusters(np.ones(2), np.ones(2), centres, sharpness=1.0)
    half_way = np.expm1(np.ones((1, 2))).astype(np.float32)

    first, second, third = clusters.membership(half_way)[0]

    assert first == pytest.approx(second, rel=1e-5)
    assert third < 0.01 < first


def test_the_shipped_segments_can_be_read():
    """Each has a name of its own, a sentence, and together they are everybody."""
    profiles = DOCUMENT["profiles"]["segments"]

    assert len(set(NAMES)) == len(NAMES) >= 3
    assert all("of customers" in profile["text"] for profile in profiles)
    assert sum(one["share_of_customers"] for one in profiles) == pytest.approx(1, abs=1e-3)
    assert sum(one["share_of_spend"] for one in profiles) == pytest.approx(1, abs=1e-3)
    levels = DOCUMENT["outputs"][0]["levels"]
    assert levels["names"] == NAMES
    assert levels["thresholds"] == [at + 0.5 for at in range(len(NAMES) - 1)]


def test_the_number_was_chosen_by_the_rule():
    """Stable, and within a hundredth of the best silhouette; no finer one is both."""
    tried = DOCUMENT["training"]["candidates"]
    stable = [one for one in tried if one["stability"] >= clustering.STABLE]
    least = max(one["silhouette"] for one in stable) - clustering.CLOSE

    assert len(NAMES) == max(one["clusters"] for one in stable if one["silhouette"] >= least)


def test_segments_say_more_than_quantiles():
    """Held-out customers lie clearer apart, and their future spend differs more."""
    found = DOCUMENT["metrics"]

    for rival in found["baselines"].values():
        assert found["model"]["silhouette"] > rival["silhouette"]
        assert found["model"]["future_spend_explained"] > rival["future_spend_explained"]


def test_the_shipped_graph_adds_up():
    """On the example rows: shares sum to 1, the segment is the nearest, its share the strength."""
    with (REPOSITORY / "training" / "examples" / "segments.csv").open(newline="") as file:
        rows = [[float(row[name]) for name in COLUMNS] for row in csv.DictReader(file)]
    session = open_session((FOLDER / "model.onnx").read_bytes())
    names = [output.name for output in session.get_outputs()]
    found = session.run(names, {"features": np.array(rows, np.float32)})
    outputs = {name: values.ravel() for name, values in zip(names, found, strict=True)}
    shares = np.stack([outputs[f"membership_{name}"] for name in NAMES])
    distances = np.stack([outputs[f"distance_{name}"] for name in NAMES])

    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-6)
    assert (outputs["segment"] == distances.argmin(axis=0)).all()
    assert (outputs["strength"] == shares.max(axis=0)).all()
    assert len(set(outputs["segment"])) >= 3
