"""An export is proved before it is published: by parity, and by the manifest reader."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, helper

from stubtail.models.manifest import Manifest, ManifestError
from tests.model_files import model_bytes, value
from training.export import ParityError, Trained, as_text, export, power_of_ten_above


@pytest.fixture
def trained():
    """A model whose graph is the sigmoid of its only feature."""
    graph = model_bytes(
        [helper.make_node("Sigmoid", ["features"], ["score"])],
        [value("features", TensorProto.FLOAT, ["rows", 1])],
        [value("score", TensorProto.FLOAT, ["rows", 1])],
    )
    rows = np.linspace(-4, 4, 50, dtype=np.float32)[:, None]
    return Trained(
        name="tiny",
        description="A tiny model.",
        graph=graph,
        holdout=rows,
        expected={"score": 1 / (1 + np.exp(-rows[:, 0].astype(np.float64)))},
        reference="the formula",
        document={
            "features": [{"name": "x", "type": "number", "description": "", "missing": "refuse"}],
            "output": {
                "score": "score",
                "meaning": "probability",
                "classes": ["no", "yes"],
                "threshold": 0.5,
            },
        },
    )


def test_graph_and_record_are_published_together(trained, tmp_path):
    """model.json names the graph beside it by hash and size, and the server's reader accepts it."""
    exported = export(trained, "3", tmp_path)

    folder = tmp_path / "tiny" / "3"
    graph = (folder / "model.onnx").read_bytes()
    manifest = Manifest.parse((folder / "model.json").read_text(), "model.json")
    assert (manifest.name, manifest.version, manifest.kind) == ("tiny", "3", "scoring")
    assert manifest.graph.sha256 == hashlib.sha256(graph).hexdigest()
    assert (manifest.graph.bytes, manifest.graph.opset) == (len(graph), 17)
    assert (exported.folder, exported.nodes) == (folder, 1)
    assert exported.parity <= 1e-6
    assert exported.one_row_us > 0


@pytest.mark.parametrize("wrong", [2e-6, np.nan])
def test_one_wrong_row_publishes_nothing(trained, tmp_path, wrong):
    """A difference above the tolerance, or no number at all, on a single held-out row."""
    expected = trained.expected["score"].copy()
    expected[17] += wrong

    with pytest.raises(ParityError, match="nothing was published"):
        export(replace(trained, expected={"score": expected}), "1", tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_an_output_that_nobody_proved_publishes_nothing(trained, tmp_path):
    """Every output of the graph is compared, and every comparison has its output."""
    other = {**trained.expected, "spread": trained.expected["score"]}

    with pytest.raises(ParityError, match=r"returns \['score'\], expected was"):
        export(replace(trained, expected=other), "1", tmp_path)


def test_a_record_that_the_server_would_refuse_publishes_nothing(trained, tmp_path):
    """The reader of the server has the last word."""
    output = {**trained.document["output"], "threshold": 7}

    with pytest.raises(ManifestError, match=r"output\.threshold"):
        export(replace(trained, document={**trained.document, "output": output}), "1", tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_the_record_ends_with_a_line_break_and_has_no_time(trained, tmp_path):
    """Two exports give the same bytes."""
    texts = []
    for name in ("a", "b"):
        exported = export(trained, "1", tmp_path / name)
        texts.append((exported.folder / "model.json").read_text())

    assert texts[0] == texts[1]
    assert texts[0].endswith("}\n")
    assert json.loads(texts[0])["parity"]["difference_below"] <= 1e-6


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, 0.0), (7.7e-8, 1e-7), (1e-7, 1e-7), (1.1e-7, 1e-6)]
)
def test_power_of_ten_above(value, expected):
    """The least power of ten that is not below the value."""
    assert power_of_ten_above(value) == expected


def test_the_record_is_json_that_people_can_read():
    """A list of numbers is one line, a list of objects one line each; nothing is lost."""
    document = {"a": {"b": [1, 2.5, None]}, "c": [{"d": "é"}, {}], "e": [[1], [2]], "f": []}

    text = as_text(document)

    assert json.loads(text) == document
    assert '    "b": [1, 2.5, null]\n' in text
    assert '      "d": "é"\n' in text


def test_the_record_holds_no_nan():
    """It is no JSON, and other readers would fail."""
    with pytest.raises(ValueError, match="JSON"):
        as_text({"a": [float("nan")]})
