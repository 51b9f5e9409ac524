"""Pins how the command line shows reasons, intervals and levels."""

import json

import pytest

from stubtail.v1 import models_pb2
from stubtail_client import replies
from stubtail_client.cli import tables
from tests.unit.client.detailed import response


def test_explain_prints_bars(run, fake):
    """The largest first, signed, with the values of the row, and what they add up to."""
    fake.raw_score = response(1).SerializeToString()
    words = ("--row", '{"tenure": 3}', "--coverage", "0.9", "--top", 2)
    done = run("explain", "churn", *words)
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        "risk 3: 0, stay, high, -0.1 to 0.1 with 90 % coverage",
        "  age: clipped",
        "",
        "what moved the log-odds of the score from -1.500, its mean:",
        "",
        "debt        +0.500  ████████████████████████",
        "age         -0.250  ████████████",
        "1 other     +0.125",
        "together    -1.125",
    ]
    asked = fake.requests[-1]
    assert (asked.model, asked.coverage, asked.explain.top) == ("churn@1", 0.9, 2)


def test_explain_as_json(run, fake):
    """One object."""
    fake.raw_score = response(1).SerializeToString()
    done = run("explain", "churn", "--row", '{"tenure": 3}', "--json", "--top", "2")
    found = json.loads(done.out)
    assert found["reasons"] == {"debt": 0.5, "age": -0.25}
    assert (found["level"], found["rest"], found["base_value"]) == ("high", 0.125, -1.5)
    assert found["warnings"] == ["age: clipped"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("{", "--row is a JSON object of features"),
        ("[]", "--row is a JSON object of features"),
        ("{}", "--row is a JSON object of features"),
        ('{"tenure": [1]}', "tenure is a number, a string or null"),
        ('{"tenur": 1}', "'tenur' is no feature of churn; did you mean 'tenure'?"),
    ],
)
def test_rows_that_cannot_be_explained(run, row, told):
    """Exit code 2, and what to write instead."""
    done = run("explain", "churn", "--row", row)
    assert done.code == 2
    assert told in done.err


def test_score_shows_bounds_and_levels_when_asked(run, fake, customers, tmp_path):
    """As columns behind the label, in every form."""
    fake.raw_score = response(3).SerializeToString()
    done = run("score", "churn", "--input", customers, "--coverage", "0.9", "--levels")
    header, first, *_ = done.out.splitlines()
    assert header.split()[-4:] == ["label", "lower", "upper", "level"]
    assert first.split()[-4:] == ["stay", "-0.1", "0.1", "high"]
    assert fake.requests[-1].coverage == 0.9
    output = tmp_path / "scored.csv"
    run("score", "churn", "--input", customers, "--output", output, "--levels")
    names = output.read_text().splitlines()[0].split(",")
    assert names[-8:] == [
        *("label", "lower", "upper", "level"),
        *("days", "days_lower", "days_upper", "days_level"),
    ]
    done = run("score", "churn", "--input", customers, "--json", "--levels")
    assert json.loads(done.out.splitlines()[0])["level"] == "high"


@pytest.mark.parametrize("coverage", ["1", "0", "x"])
def test_coverage_on_the_command_line(run, customers, coverage):
    """Between 0 and 1."""
    with pytest.raises(SystemExit):
        run("score", "churn", "--input", customers, "--coverage", coverage)


def test_the_page_of_a_model_tells_its_grid_and_levels():
    """What to ask for, in the words of the call."""
    message = models_pb2.GetModelResponse(
        summary=models_pb2.ModelSummary(name="risk", version="1"),
        scored_outputs=[
            models_pb2.ScoredOutput(
                name="score",
                unit="probability",
                levels=["low", "high"],
                level_thresholds=[0.3],
                coverages=[0.8, 0.9],
            ),
            models_pb2.ScoredOutput(name="bare"),
        ],
        explained_by=["age", "plan"],
    )
    model = replies.decode_model(message.SerializeToString())
    page = tables.model_page(model)
    told = "score: in probability, low/high from 0.3, intervals for coverage 0.8, 0.9"
    assert told in page
    assert "reasons: by 2 features or groups of features" in page
    assert not any(line.startswith("bare") for line in page)
