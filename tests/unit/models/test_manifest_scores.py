"""The manifest's outputs, levels, intervals and explanations: read when right, told when wrong."""

import json
import math

import numpy as np
import pytest

from stubtail.models.manifest import Manifest, ManifestError
from tests import score_models

SOURCE = "risk/1/model.json"
LEVELS, OUTCOME, SPREAD = score_models.LEVELS, score_models.OUTCOME, score_models.SPREAD
NUMBER = {"name": "f", "type": "number"}


def parse(**changes):
    """The manifest of `risk` with changes."""
    return Manifest.parse(json.dumps(score_models.manifest(b"graph", "risk", **changes)), SOURCE)


def problems(**changes):
    """What is wrong with it then."""
    with pytest.raises(ManifestError) as caught:
        parse(**changes)
    return "; ".join(caught.value.problems)


def output(**changes):
    """The object `output` with changes."""
    return {"output": {"score": "score", **changes}}


def explanation(**changes):
    """The object `explanation` with changes."""
    return {"explanation": {"background": score_models.background(), **changes}}


def test_the_main_score_may_have_levels_and_an_interval():
    """Without `outputs`, `output` says it all, and is the one output that there is."""
    manifest = parse()
    (main,) = manifest.outputs
    assert main.name == "score"
    assert main.levels is not None
    assert main.levels.names == ("low", "medium", "high")
    assert main.levels.thresholds == (0.3, 0.6)
    assert main.interval is not None
    assert main.interval.coverages == (0.5, 0.9)
    assert (main.interval.below, main.interval.above) == ((0.2, 0.5), (0.3, 0.7))
    assert (main.interval.minimum, main.interval.maximum) == (0.0, 1.0)
    assert main.interval.graph_outputs == ()
    assert main.interval.calibration_rows == 100


def test_several_outputs_are_kept_in_their_order():
    """Each with its unit; an interval names the other outputs that it needs."""
    days = {"name": "days", "unit": "days", "interval": SPREAD}
    manifest = parse(outputs=[days, {"name": "score"}], **output())
    assert [one.name for one in manifest.outputs] == ["days", "score"]
    assert manifest.outputs[0].unit == "days"
    assert manifest.outputs[0].interval is not None
    assert manifest.outputs[0].interval.graph_outputs == ("spread",)


def test_the_main_score_is_there_even_if_outputs_leave_it_out():
    """It comes first then."""
    manifest = parse(outputs=[{"name": "days"}], **output(unit="probability"))
    assert [one.name for one in manifest.outputs] == ["score", "days"]
    assert manifest.outputs[0].unit == "probability"


def test_the_background_may_have_missing_values():
    """Null, where the feature may be missing; without groups every feature is one of its own."""
    rows = [[float(row), None] for row in range(8)]
    features = [NUMBER, {"name": "g", "type": "number", "missing": "allow"}]
    manifest = parse(features=features, explanation={"background": rows})
    assert manifest.explanation is not None
    assert manifest.explanation.background.dtype == np.float32
    assert math.isnan(manifest.explanation.background[3, 1])
    assert manifest.explanation.background[3, 0] == 3.0
    assert manifest.explanation.groups == (("f", (0,)), ("g", (1,)))
    assert manifest.explanation.link == "identity"


def test_groups_take_features_together():
    """In the order of their first features; features in no group stand for themselves."""
    groups = {"person": ["age", "note"]}
    manifest = parse(**explanation(groups=groups, link="logit", evaluations=400))
    assert manifest.explanation is not None
    assert manifest.explanation.groups == (("amount", (0,)), ("person", (1, 2)), ("plan", (3,)))
    assert (manifest.explanation.link, manifest.explanation.evaluations) == ("logit", 400)


def test_rules_for_numbers_outside_their_range():
    """The default is to let them stand."""
    amount, age, note, _ = parse().features
    assert (amount.outside, age.outside, note.outside) == ("clip", "refuse", "allow")


@pytest.mark.parametrize("key", ["profiles", "drivers", "report"])
def test_free_parts_are_handed_on(key):
    """They may hold anything, as long as they are objects."""
    assert parse(**{key: {"a": 1}}).document[key] == {"a": 1}
    assert f"{key}: expected an object" in problems(**{key: []})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (output(levels=[]), "output.levels: expected an object"),
        (output(levels={"names": ["a"], "thresholds": []}), "output.levels.names: expected a list"),
        (output(levels={"names": ["a", "a"], "thresholds": [1]}), 'names[1]: "a" is given twice'),
        (
            output(levels={"names": ["a", "b", "c"], "thresholds": [1]}),
            "output.levels.thresholds: expected one less than names (2), got 1",
        ),
        (
            output(levels={"names": ["a", "b", "c"], "thresholds": [2, 2]}),
            "output.levels.thresholds: they must ascend",
        ),
        (
            output(levels={"names": ["a", "b"], "thresholds": ["x"]}),
            "output.levels.thresholds[0]: expected a finite number",
        ),
        (output(levels={"names": ["a", "b"]}), "output.levels.thresholds: missing"),
        (output(levels={**LEVELS, "colour": 1}), "output.levels.colour: unknown field"),
        (output(interval=1), "output.interval: expected an object"),
        (output(interval={**OUTCOME, "method": "magic"}), "output.interval.method: expected"),
        (output(interval={**OUTCOME, "coverages": []}), "output.interval.coverages: expected"),
        (output(interval={**OUTCOME, "coverages": [0.9, 0.5]}), "interval.coverages: expected"),
        (output(interval={**OUTCOME, "coverages": [0.5, 1.0]}), "interval.coverages: expected"),
        (output(interval={**OUTCOME, "below": [0.1]}), "interval.below: expected 2 numbers"),
        (output(interval={**OUTCOME, "above": [0.2, 0.1]}), "interval.above: more coverage"),
        (
            output(interval={**OUTCOME, "above": [0.2, None]}),
            "interval.above[1]: expected a finite",
        ),
        (output(interval={**OUTCOME, "minimum": 2}), "interval.minimum: 2 is above maximum"),
        (output(interval={**OUTCOME, "scale": 1}), "interval.scale: expected the name"),
        (
            output(interval={**OUTCOME, "calibration_rows": 0}),
            "calibration_rows: expected how many",
        ),
        (output(unit=1), "output.unit: expected a word"),
        ({"outputs": [], **output()}, "outputs: expected a list of 1 to 64"),
        ({"outputs": {}, **output()}, "outputs: expected a list of 1 to 64"),
        ({"outputs": [1], **output()}, "outputs[0]: expected an object"),
        ({"outputs": [{}], **output()}, "outputs[0].name: missing"),
        ({"outputs": [{"name": "a"}, {"name": "a"}], **output()}, 'outputs[1].name: "a" is given'),
        ({"outputs": [{"name": "a", "x": 1}], **output()}, "outputs[0].x: unknown field"),
        ({"outputs": [{"name": "a"}], "output": None}, 'outputs: "output" must say which'),
        ({"outputs": [{"name": "a"}]}, 'output: with "outputs", levels and interval belong there'),
        ({"explanation": []}, "explanation: expected an object"),
        ({"explanation": {}}, "explanation.background: missing"),
        (explanation(background=[[1, 20, 1, 0]] * 7), "background: expected a list of 8 to 256"),
        (explanation(background=[[1, 20, 1]] * 8), "background[0]: expected 4 finite numbers"),
        (explanation(background=[[1, 20, 1, "a"]] * 8), "background[0]: expected 4 finite numbers"),
        (explanation(background=[[1, 20, 1, 1e39]] * 8), "background[0]: expected 4 finite"),
        (explanation(background=[[1, 20, 1, 3]] * 8), 'column "plan" must have codes from 0 to 2'),
        (explanation(background=[[1, 20, 1, 0.5]] * 8), 'column "plan" must have codes'),
        (explanation(background=[[1, 20, None, 0]] * 8), 'column "note" has missing values'),
        (explanation(rows=3), "explanation.rows: there are 16 background rows"),
        (explanation(evaluations=100), "explanation.evaluations: expected a whole number"),
        (explanation(evaluations=1e3), "explanation.evaluations: expected a whole number"),
        (explanation(link="probit"), "explanation.link: expected"),
        (explanation(groups=[]), "explanation.groups: expected an object"),
        (explanation(groups={"g": []}), "explanation.groups.g: expected a list of features"),
        (explanation(groups={"g": ["x"]}), 'groups.g: "x" is not one of the features'),
        (
            explanation(groups={"g": ["age"], "h": ["age"]}),
            'groups.h: "age" is already in "g"',
        ),
        (explanation(groups={"plan": ["age"]}), "groups.plan: it has the name of a feature"),
        ({"output": None}, 'explanation: it needs "output" and "features"'),
        ({"features": [{**NUMBER, "outside": "warn"}]}, "features[0].outside: expected"),
        ({"features": [{**NUMBER, "outside": "clip"}]}, 'features[0].outside: "minimum" or'),
    ],
)
def test_each_rule(changes, told):
    """Every rule refuses what breaks it and names the field."""
    assert told in problems(**changes)


def test_all_problems_are_told_at_once():
    """From features to explanations, with the path of each."""
    told = problems(
        features=[{**NUMBER, "outside": "clip"}],
        outputs=[{"name": "", "levels": {}}],
        explanation={"background": [], "link": 1},
        output={"score": "score", "interval": {}},
    )
    for path in (
        "features[0].outside",
        "outputs[0].name",
        "outputs[0].levels.names",
        "output.interval.method",
        "output.interval.below",
        "explanation.background",
        "explanation.link",
    ):
        assert path in told
