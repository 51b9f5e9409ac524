"""Whether outputs, intervals and explanations of a manifest fit the graph is checked at load."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from stubtail.models.session import ModelError, load_model
from tests import model_files, score_models
from tests.model_files import constant, model_bytes, value, write_model


def load(tmp_path, content, document):
    """The version, loaded."""
    return load_model(write_model(tmp_path / "m" / "1", content, document), "m", "1")


def refusal(tmp_path, content, document):
    """Why it is not."""
    with pytest.raises(ModelError) as caught:
        load(tmp_path, content, document)
    return str(caught.value)


def test_a_right_model_is_loaded_with_the_scores_of_its_background(tmp_path):
    """They are what contributions start from, and the same as the graph gives later."""
    content = score_models.graph()
    loaded = load(tmp_path, content, score_models.manifest(content, "m"))
    assert loaded.background_scores is not None
    expected = 1 / (1 + np.exp(-score_models.logits(np.array(score_models.background()))))
    np.testing.assert_allclose(loaded.background_scores, expected, rtol=1e-5)
    days = load(tmp_path / "days", content, score_models.days_manifest(content))
    assert days.background_scores is None


def test_every_output_that_is_named_must_exist(tmp_path):
    """Those of `outputs`, and those that intervals need; all at once."""
    content = score_models.graph()
    document = score_models.days_manifest(content)
    document["outputs"] += [
        {"name": "months"},
        {"name": "spread", "interval": {**score_models.SPREAD, "scale": "width"}},
    ]
    told = refusal(tmp_path, content, document)
    assert 'it has no output "months"' in told
    assert 'it has no output "width"' in told


@pytest.mark.parametrize("name", ["wide", "whole"])
def test_an_output_has_one_float_for_each_row(tmp_path, name):
    """A matrix or integers cannot be returned as a column."""
    content = model_bytes(
        [
            helper.make_node("ReduceSum", ["x", "axes"], ["score"], keepdims=1),
            helper.make_node("Identity", ["x"], ["wide"]),
            helper.make_node("Cast", ["score"], ["whole"], to=TensorProto.INT64),
        ],
        [value("x", TensorProto.FLOAT, ["N", 4])],
        [
            value("score", TensorProto.FLOAT, ["N", 1]),
            value("wide", TensorProto.FLOAT, ["N", 4]),
            value("whole", TensorProto.INT64, ["N", 1]),
        ],
        [constant("axes", np.array([1], np.int64))],
    )
    document = score_models.manifest(
        content, "m", output={"score": "score"}, outputs=[{"name": name}], explanation=None
    )
    assert f'its output "{name}" is no score' in refusal(tmp_path, content, document)


def test_an_explained_score_is_one_number(tmp_path):
    """The probabilities of many classes have no single number to share out."""
    content = model_files.classifier(features=4, classes=3)
    document = score_models.manifest(
        content, "m", output={"score": "probabilities", "classes": ["a", "b", "c"]}
    )
    assert 'its output "probabilities" is no score' in refusal(tmp_path, content, document)
    load(tmp_path / "plain", content, _without(document))


def test_a_background_that_the_graph_does_not_take(tmp_path):
    """Said when the version is loaded, not when somebody asks for reasons."""
    content = score_models.fragile()
    amount = {"name": "amount", "type": "number", "minimum": 0, "maximum": 1}
    document = score_models.manifest(
        content,
        "m",
        features=[amount, *score_models.features()[1:]],
        explanation={"background": [[5.0, 20.0, 0.0, 0.0]] * 8},
    )
    assert "the graph fails on the background rows" in refusal(tmp_path, content, document)


def _without(document):
    return {key: content for key, content in document.items() if key != "explanation"}
