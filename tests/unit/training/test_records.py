"""Reading what model.json says of a published model."""

import json

import pytest

from training import records

METRICS = {"rows": 10, "model": {"auc": 0.8, "brier": 0.1}, "baselines": {"none": {"auc": 0.5}}}


def write(folder, name, version, metrics):
    """A version with nothing but what tables read."""
    path = folder / name / version
    path.mkdir(parents=True)
    document = {"name": name, "graph": {"bytes": 5}, "metrics": metrics}
    (path / "model.json").write_text(json.dumps(document))


def test_the_highest_version_of_every_model_is_read(tmp_path):
    """By number and not by letter; folders without a record are passed over."""
    write(tmp_path, "b", "2", METRICS)
    write(tmp_path, "b", "10", METRICS)
    write(tmp_path, "a", "1", METRICS)
    (tmp_path / "plain" / "1").mkdir(parents=True)

    found = records.shipped(tmp_path)

    assert [(record.name, record.folder.name) for record in found] == [("a", "1"), ("b", "10")]


def test_one_output_is_one_block(tmp_path):
    """The metrics themselves; without a headline, the first two measures."""
    write(tmp_path, "a", "1", METRICS)

    (block,) = records.shipped(tmp_path)[0].blocks()

    assert (block.output, block.rows, block.headline) == ("", 10, ("auc", "brier"))
    assert block.baselines == {"none": {"auc": 0.5}}


def test_every_output_is_a_block(tmp_path):
    """Rows stand above the outputs or in them."""
    outputs = {"x": {"model": {"mae": 1.0}, "headline": ["mae"]}, "y": METRICS}
    write(tmp_path, "a", "1", {"rows": 7, "outputs": outputs})

    blocks = list(records.shipped(tmp_path)[0].blocks())

    assert [(block.output, block.rows) for block in blocks] == [("x", 7), ("y", 10)]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.12345, "0.1235"), (99.5, "99.50"), (1234.56, "1,235"), (None, "—")],
)
def test_numbers_are_shown_shortly(value, shown):
    """Four decimals for shares, two for days, none for thousands of dollars."""
    assert records.number(value) == shown


def test_unknown_measures_are_shown_by_their_name():
    """A table never hides a measure."""
    assert records.title("auc") == "AUC"
    assert records.title("new_measure") == "new measure"
