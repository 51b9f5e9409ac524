"""Pins the command line: what it prints, what it sends, and its exit codes."""

import csv
import json
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stubtail_client.cli import tables
from stubtail_client.cli.run import main


def test_score_prints_an_aligned_table(run, customers):
    """Row number, input columns, score, bar and label, each column in line."""
    done = run("score", "churn", "--input", customers)

    assert done.code == 0
    assert done.out.splitlines() == [
        "row  customer  tenure  contract        charges  score              label",
        "  1  A-1           75  Two year           70.5  0.750  ███████▌··  leave",
        "  2  B-2           25  Month-to-month           0.250  ██▌·······  stay",
        "  3  C-3           50  One year             NA  0.500  █████·····  leave",
    ]
    assert "not sent: customer (no features of churn)" in done.err
    assert re.search(r"3 rows scored by churn 1 in .* s: leave 2 \(66\.7 %\), stay 1", done.err)


def test_cells_have_the_types_of_the_features(run, customers, fake):
    """The model's features say what is a number; empty cells are missing; the version is fixed."""
    run("score", "churn", "--input", customers, "--priority", "low", "--limit", 2)

    request = fake.requests[-1]
    sent = {column.name: column for column in request.named.columns}
    assert request.model == "churn@1"
    assert request.priority == 4
    assert list(sent["tenure"].numbers) == [75, 25]
    assert list(sent["contract"].strings) == ["Two year", "Month-to-month"]
    assert sent["charges"].numbers[1] != sent["charges"].numbers[1]
    assert "customer" not in sent


def test_output_is_the_input_with_answers(run, customers, tmp_path):
    """--output writes all columns of the input, and score and label behind them."""
    output = tmp_path / "scored.csv"

    done = run("score", "churn", "--input", customers, "--output", output)

    assert done.code == 0
    assert done.out == ""
    rows = list(csv.DictReader(output.read_text().splitlines()))
    assert rows[0] == {
        "customer": "A-1",
        "tenure": "75",
        "contract": "Two year",
        "charges": "70.5",
        "score": "0.75",
        "label": "leave",
    }
    assert len(rows) == 3


def test_json_lines(run, customers):
    """--json prints one object a row, with the shortest form of each float32."""
    done = run("score", "churn", "--input", customers, "--json", "--limit", 1)
    many = run("score", "shapes", "--input", customers, "--json", "--limit", 1)

    assert json.loads(done.out) == {"row": 1, "score": 0.75, "label": "leave"}
    assert json.loads(many.out)["probabilities"] == {"round": 0.25, "square": 0.5, "flat": 0.25}


def test_model_of_many_classes_in_csv(run, customers):
    """Probabilities become one column for each class; `-` writes to stdout."""
    done = run("score", "shapes", "--input", customers, "--output", "-")

    assert done.out.splitlines()[0].endswith(
        "label,probability_round,probability_square,probability_flat"
    )


def test_model_without_manifest_takes_all_columns(run, tmp_path, fake):
    """Without features the file's columns are sent as one dense block, and there is no bar."""
    path = tmp_path / "numbers.csv"
    path.write_text("a,b,c\n75,1,2\n25,3,\n")

    done = run("score", "bare", "--input", path)

    assert list(fake.requests[-1].dense.values)[:5] == [75, 1, 2, 25, 3]
    assert done.out.splitlines()[1].split() == ["1", "75", "1", "2", "0.75"]


def test_table_shows_the_columns_that_differ_most(run, tmp_path):
    """Of many columns the four with most different values are shown, in the file's order."""
    path = tmp_path / "wide.csv"
    path.write_text("flag,tenure,id,contract,x,y\n1,1,a,One year,5,1\n1,2,b,One year,6,2\n")
    long = tmp_path / "long.csv"
    long.write_text(f"tenure,contract\n1,{'x' * 500}\n")

    done = run("score", "churn", "--input", path)
    cut = run("score", "churn", "--input", long)

    assert done.out.split()[:6] == ["row", "tenure", "id", "x", "y", "score"]
    assert max(map(len, cut.out.splitlines())) < 100


def test_chosen_columns(run, customers):
    """--columns says which columns of the file the table shows."""
    done = run("score", "churn", "--input", customers, "--columns", "charges,customer")
    wrong = run("score", "churn", "--input", customers, "--columns", "x")

    assert done.out.split()[:3] == ["row", "charges", "customer"]
    assert (wrong.code, wrong.out) == (2, "")
    assert "no column 'x'" in wrong.err


def test_big_file_goes_in_chunks(run, tmp_path, fake):
    """A file of any size is read and sent a thousand rows at a time."""
    path = tmp_path / "big.csv"
    path.write_text("tenure,contract\n" + "20,One year\n" * 2500)

    done = run("score", "churn", "--input", path)

    sizes = [len(request.named.columns[0].numbers) for request in fake.requests]
    assert sizes == [1000, 1000, 500]
    lines = done.out.splitlines()
    assert len({len(line.rstrip()) for line in lines[1:]}) == 1
    assert lines[-1].split()[0] == "2500"


def test_health_has_exit_codes(run):
    """0 where it serves, 1 where it does not."""
    assert run("health").out == "SERVING\n"
    assert run("health").code == 0
    assert (run("health", "off").out, run("health", "off").code) == ("NOT_SERVING\n", 1)
    assert run("health", "nothing").code == 1


def test_models_and_model(run):
    """Both describe in tables, or as JSON."""
    models = run("models")
    page = run("model", "churn")
    bare = run("model", "bare")

    assert "export it again" in models.out
    assert [json.loads(line)["version"] for line in run("models", "--json").out.splitlines()] == [
        "1",
        "2",
        "1",
    ]
    assert "Month-to-month | One year | Two year" in page.out
    assert "0 to 72" in page.out
    assert "[any, 3]" in bare.out
    assert json.loads(run("model", "churn", "--json").out)["manifest"] == {"format": 1}


@pytest.mark.parametrize("words", [["--help"], ["score", "--help"]])
def test_help_teaches_by_examples(words, capsys):
    """Help has examples that can be pasted, and the exit codes."""
    with pytest.raises(SystemExit) as caught:
        main(words)

    out = capsys.readouterr().out
    assert caught.value.code == 0
    assert "python -m stubtail_client score churn --input customers.csv" in out
    assert "exit codes:" in out


def test_stdin_and_a_closed_pipe(fake, tmp_path):
    """`-` reads stdin, with a byte order mark or without; `| head` is no failure."""
    rows = "\ufefftenure,contract\n" + "20,One year\n" * 5000
    command = [sys.executable, "-m", "stubtail_client", "score", "churn"]
    command += ["--server", fake.address, "--input", "-"]

    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(rows.encode())
        process.stdin.close()
        first = process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()

    assert first.split() == [b"row", b"tenure", b"contract", b"score", b"label"]
    assert b"Traceback" not in errors
    assert process.returncode == 0


def test_terminal_without_blocks_gets_ascii(fake, customers):
    """Where the bar cannot be drawn, it is made of #."""
    command = [sys.executable, "-m", "stubtail_client", "score", "churn"]
    command += ["--server", fake.address, "--input", str(customers)]

    done = subprocess.run(
        command, capture_output=True, check=True, env={"PYTHONIOENCODING": "ascii"}
    )

    assert b"########.." in done.stdout


@given(st.floats(), st.booleans())
def test_bar_is_always_ten_wide(share, unicode):
    """Any number makes a bar of ten characters."""
    assert len(tables.bar(share, unicode=unicode)) == 10
