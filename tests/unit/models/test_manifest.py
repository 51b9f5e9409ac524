"""The manifest: everything valid is read, everything wrong is named, all at once."""

import json

import pytest

from stubtail.models.manifest import Manifest, ManifestError, is_name, is_version
from tests import model_files

SOURCE = "churn/1/model.json"


def document(**changes):
    """A valid manifest with some fields replaced."""
    return model_files.manifest(b"graph", **changes)


def problems_of(value, source=SOURCE):
    """The problems of a manifest that is refused."""
    text = value if isinstance(value, str) else json.dumps(value)
    with pytest.raises(ManifestError) as caught:
        Manifest.parse(text, source)
    assert str(caught.value).startswith(f"{source}: ")
    return caught.value.problems


def feature(**changes):
    """A number with some fields replaced."""
    return {"name": "f", "type": "number", "missing": "refuse"} | changes


def category(**changes):
    """A category with some fields replaced."""
    base = {"name": "c", "type": "category", "categories": ["a", "b"], "missing": "refuse"}
    return base | changes


def test_reads_every_field():
    """A complete manifest arrives field by field, and whole in `document`."""
    given = document(metrics={"auc": 0.9})
    manifest = Manifest.parse(json.dumps(given), SOURCE)
    assert (manifest.name, manifest.version, manifest.kind) == ("churn", "1", "scoring")
    assert manifest.graph.file == "model.onnx"
    assert manifest.graph.bytes == len(b"graph")
    assert [item.name for item in manifest.features] == ["f0", "f1", "contract"]
    number, _, contract = manifest.features
    assert (number.type, number.minimum, number.maximum) == ("number", -1.0, 1.0)
    assert (number.missing, number.default, number.categories) == ("refuse", None, ())
    assert contract.categories == ("monthly", "yearly")
    assert (contract.missing, contract.default, contract.unknown) == (
        "default",
        "monthly",
        "refuse",
    )
    assert manifest.output is not None
    assert manifest.output.classes == ("stay", "leave")
    assert manifest.output.threshold == 0.5
    assert manifest.document == given


def test_optional_parts_may_be_absent():
    """Features, output, description and the free parts may be left out."""
    given = document()
    for key in ("features", "output", "description"):
        del given[key]
    manifest = Manifest.parse(json.dumps(given), SOURCE)
    assert manifest.features == ()
    assert manifest.output is None
    assert manifest.description == ""


def test_all_problems_are_reported_at_once():
    """One reading names every mistake with its path, so that one mending is enough."""
    given = document(name="-x", version="01", kind="guess", colour="red")
    given["graph"] |= {"sha256": "AB", "file": "../model.onnx", "bytes": 0, "opset": True}
    given["features"][0] |= {"minimum": 2}
    given["features"][1] |= {"name": "f0", "missing": "ignore"}
    given["features"][2] |= {"default": "daily"}
    given["output"] |= {"threshold": 1.5}
    paths = [problem.split(": ")[0] for problem in problems_of(given)]
    assert sorted(paths) == sorted(
        [
            "colour",
            "name",
            "version",
            "kind",
            "graph.sha256",
            "graph.file",
            "graph.bytes",
            "graph.opset",
            "features[0].minimum",
            "features[1].name",
            "features[1].missing",
            "features[2].default",
            "output.threshold",
        ]
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not valid JSON"),
        ("[1, 2]", "expected an object"),
        ('"text"', "expected an object"),
        ('{"name": "a", "name": "b"}', 'the key "name" is given twice'),
        ('{"threshold": NaN}', "NaN is no JSON number"),
        ('{"threshold": -Infinity}', "-Infinity is no JSON number"),
        ("[" * 100_000, "nested too deeply"),
        ('{"name": "\\ud800"}', "surrogates not allowed"),
        ('{"format": ' + "1" * 5000 + "}", "not valid JSON"),
    ],
)
def test_text_that_is_no_manifest(text, told):
    """Whatever the text is, the outcome is a ManifestError that says what is wrong."""
    assert told in "; ".join(problems_of(text))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": 2}, "format: expected 1"),
        ({"format": True}, "format: expected 1"),
        ({"name": "a" * 129}, "name: expected letters"),
        ({"name": "ü"}, "name: expected letters"),
        ({"name": "churn\n"}, "name: expected letters"),
        ({"version": 1}, "version: expected a whole number"),
        ({"version": "0"}, "version: expected a whole number"),
        ({"version": "1" * 19}, "version: expected a whole number"),
        ({"description": 1}, "description: expected a sentence"),
        ({"graph": None}, "graph: expected an object"),
        ({"graph": {}}, "graph.sha256: missing"),
        ({"features": {}}, "features: expected a list"),
        ({"features": [1]}, "features[0]: expected an object"),
        ({"output": []}, "output: expected an object"),
        ({"metrics": []}, "metrics: expected an object"),
        ({"features": [feature(type="date")]}, 'features[0].type: expected "number"'),
        ({"features": [feature(name="")]}, "features[0].name: expected"),
        ({"features": [feature(categories=["a"])]}, "features[0].categories: unknown field"),
        ({"features": [feature(unknown="refuse")]}, "features[0].unknown: unknown field"),
        ({"features": [feature(missing="default")]}, "features[0].default: missing"),
        ({"features": [feature(missing="default", default="x")]}, "features[0].default: expected"),
        ({"features": [feature(default=1)]}, "features[0].default: it is never used"),
        ({"features": [feature(minimum=1e39)]}, "features[0].minimum: expected a finite"),
        ({"features": [feature(minimum=True)]}, "features[0].minimum: expected a finite"),
        ({"features": [category(missing="allow")]}, "features[0].missing: expected"),
        ({"features": [category(categories=[])]}, "features[0].categories: expected a list"),
        ({"features": [category(categories=["a", "a"])]}, 'categories[1]: "a" is given twice'),
        ({"features": [category(categories=["a", ""])]}, "categories[1]: expected a string"),
        ({"features": [category(categories=["a", 1])]}, "categories[1]: expected a string"),
        ({"features": [category(unknown="default")]}, "features[0].default: missing"),
        ({"features": [category(minimum=0)]}, "features[0].minimum: unknown field"),
        ({"output": {"score": ""}}, "output.score: expected"),
        ({"output": {"score": "s", "threshold": 0.5}}, "output.threshold: it needs two classes"),
        ({"output": {"score": "s", "classes": ["a", "a"]}}, "output.classes[1]"),
    ],
)
def test_each_rule(changes, told):
    """Every rule of the format refuses what breaks it and names the field."""
    assert told in "; ".join(problems_of(document(**changes)))


def test_a_default_for_unknown_is_enough_use():
    """A default that only unknown strings fall back to is a used default."""
    given = document(features=[category(unknown="default", default="b")])
    assert Manifest.parse(json.dumps(given), SOURCE).features[0].default == "b"


def test_long_lists_of_problems_are_cut():
    """A wrong file of many features does not fill the log."""
    given = document(features=[feature(name="same", colour=1) for _ in range(500)])
    with pytest.raises(ManifestError) as caught:
        Manifest.parse(json.dumps(given), SOURCE)
    assert len(caught.value.problems) == 999
    assert "and 949 more" in str(caught.value)
    assert len(str(caught.value)) < 10_000


def test_names_and_versions():
    """Names and versions of folders follow the same rules as those in manifests."""
    assert is_name("churn-2.v_1")
    assert not any(map(is_name, ("", ".hidden", "a/b", "a b", "a@1", "a" * 129)))
    assert is_version("10")
    assert not any(map(is_version, ("", "0", "01", "1.0", "-1", "v1", "\u0662")))
