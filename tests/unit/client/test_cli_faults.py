"""Pins what the command line says when something is wrong, and its exit codes."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stubtail.errors import CallError, Code
from stubtail_client.cli.csv_rows import CsvRows, InputError
from stubtail_client.cli.run import main
from stubtail_client.models import Feature, Model, ModelSummary
from tests.unit.client import fake_server
from tests.unit.client.fake_server import refuse


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["is empty", "first line"]),
        ("tenure,contract\n", ["has no rows"]),
        ("Tenure,contract\n3,x\n", ["- tenure (the file has 'Tenure')"]),
        ("contract\nx\n", ["lacks columns", "- tenure"]),
        ("x,y\n1,2\n", ["no column of", "tenure, contract, charges"]),
        ("tenure;contract\n3;x\n", ["--delimiter ';'"]),
        ("tenure\tcontract\n3\tx\n", ["--delimiter tab"]),
        ("tenure,tenure,contract\n1,2,x\n", ["two columns named 'tenure'"]),
        ("tenure,contract\n1,x\nabc,y\n", ["line 3, column tenure: 'abc' is not a number"]),
        ("tenure,contract\n1,x,2\n", ["line 2: 3 cells", "2 columns"]),
        ('tenure,contract\n1,"x\n', ["is not CSV"]),
    ],
)
def test_wrong_file_says_what_to_mend(run, tmp_path, fake, text, words):
    """A file that does not fit is refused before the server sees it, with the place."""
    path = tmp_path / "wrong.csv"
    path.write_text(text)

    done = run("score", "churn", "--input", path)

    assert done.code == 2
    assert done.err.count("error: ") == 1
    for word in words:
        assert word in done.err
    assert fake.requests == []


def test_file_that_is_no_text(run, tmp_path):
    """Bytes that are not UTF-8 are named as such."""
    path = tmp_path / "image.csv"
    path.write_bytes(b"tenure,contract\n\xff\xfe\x00,x\n")

    done = run("score", "churn", "--input", path)

    assert done.code == 2
    assert "is not UTF-8 text" in done.err


def test_missing_file_names_a_similar_one(run, customers, tmp_path):
    """A mistyped file name is answered with the one that is there."""
    done = run("score", "churn", "--input", tmp_path / "custmers.csv")
    unreadable = run("score", "churn", "--input", tmp_path)

    assert done.code == 2
    assert f"there is {customers}" in done.err
    assert unreadable.code == 2
    assert "cannot be read" in unreadable.err


def test_output_never_overwrites_the_input(run, customers):
    """Writing the output over the input would lose both."""
    before = customers.read_text()

    done = run("score", "churn", "--input", customers, "--output", customers)

    assert done.code == 2
    assert customers.read_text() == before


def test_output_that_cannot_be_written(run, customers, tmp_path):
    """An output path that does not exist is refused with its name."""
    done = run("score", "churn", "--input", customers, "--output", tmp_path / "no" / "x.csv")

    assert done.code == 2
    assert "cannot be written" in done.err


def test_violations_are_a_list(run, customers, fake):
    """Each field violation is a line, with the rows that it is about."""
    fake.faults.extend([None, refuse(_two_violations())])

    done = run("score", "churn", "--input", customers)

    assert done.code == 1
    assert "  - tenure: below 0\n  - contract: unknown category\n" in done.err
    assert "in rows 1 to 3" in done.err
    assert "model churn" in done.err


def test_failure_in_the_middle_says_what_is_done(run, tmp_path, fake):
    """After a failed chunk, the rows before it are written, and the message says so."""
    path = tmp_path / "big.csv"
    path.write_text("tenure,contract\n" + "20,One year\n" * 1500)
    output = tmp_path / "scored.csv"
    fake.faults.extend([None, None, refuse(fake_server.NEVER_AGAIN)])

    done = run("score", "churn", "--input", path, "--output", output)

    assert done.code == 1
    assert "rows 1 to 1,000 are scored and written" in done.err
    assert len(output.read_text().splitlines()) == 1001


def test_overload_says_when_to_come_back(run, fake):
    """The server's pushback reaches the person."""
    fake.faults.extend([refuse(fake_server.QUEUE_FULL)] * 3)

    done = run("models")

    assert done.code == 1
    assert "QUEUE_FULL" in done.err
    assert "try again in 0.02 s" in done.err


def test_unknown_model_points_to_the_list(run, customers):
    """A mistyped model is answered with the command that lists the models."""
    done = run("score", "chrun", "--input", customers)

    assert done.code == 1
    assert "python -m stubtail_client models" in done.err


def test_unreachable_server_names_the_mend(run):
    """Where nobody listens, the message says how to start a server."""
    done = run("health", server="127.0.0.1:1")

    assert done.code == 3
    assert "make serve" in done.err
    assert "--server" in done.err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["score", "churn"],
        ["score", "churn", "--input", "x", "--limit", "0"],
        ["score", "churn", "--input", "x", "--delimiter", "ab"],
        ["score", "churn", "--input", "x", "--priority", "urgent"],
        ["health", "--timeout", "0"],
        ["health", "--timeout", "soon"],
    ],
)
def test_misuse_exits_with_2(words, capsys):
    """A wrong command line is told on stderr, with the usage."""
    with pytest.raises(SystemExit) as caught:
        main(words)

    assert caught.value.code == 2
    assert "usage: python -m stubtail_client" in capsys.readouterr().err


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=20))
def test_any_csv_text_is_read_or_refused(cells):
    """Whatever csv can write is read back row by row, or refused with a message."""
    text = io.StringIO()
    csv.writer(text).writerows([["name", "text"], *cells])
    feature = Feature("text", "category", (), False, None, None, "")
    summary = ModelSummary("any", "1", "READY", "", True, "scoring", "")
    model = Model(summary, (), (), (feature,), (), 0, "", "", 0, 0)

    try:
        rows = CsvRows(io.StringIO(text.getvalue(), newline=""), "it", ",", model)
        read = [row for chunk in rows.chunks(None) for row in chunk.cells]
    except InputError:
        return

    assert read == cells


def _two_violations() -> CallError:
    from google.rpc import error_details_pb2

    violations = [
        error_details_pb2.BadRequest.FieldViolation(field=field, description=description)
        for field, description in (("tenure", "below 0"), ("contract", "unknown category"))
    ]
    return CallError(
        Code.INVALID_ARGUMENT,
        "INVALID_FIELD",
        "two fields are wrong",
        details=[error_details_pb2.BadRequest(field_violations=violations)],
    )
