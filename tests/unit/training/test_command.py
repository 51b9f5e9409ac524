"""The command tells what it can do, and a mistake gets an answer that helps."""

import csv

import pytest

from training import __main__ as command
from training import churn, conversion
from training.features import Category


def test_help_teaches(capsys):
    """--help shows what happens and commands to copy."""
    with pytest.raises(SystemExit) as stopped:
        command.main(["--help"])

    shown = capsys.readouterr().out
    assert stopped.value.code == 0
    assert "python -m training churn --out /tmp/models" in shown
    assert "what happens" in shown


@pytest.mark.parametrize("name", command.COMMANDS)
def test_the_other_commands_teach_too(capsys, name):
    """Each has a --help of its own, and the main one names it."""
    with pytest.raises(SystemExit) as stopped:
        command.main([name, "--help"])

    assert stopped.value.code == 0
    assert f"python -m training {name}" in capsys.readouterr().out
    assert f"python -m training {name}" in command.EPILOG


def test_list_names_every_system(capsys):
    """--list prints a line for each and trains nothing."""
    assert command.main(["--list"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(command.SYSTEMS)


@pytest.mark.parametrize("name", command.SYSTEMS)
def test_every_system_is_a_module_that_trains(name):
    """The names of the command are the names of the modules."""
    system = command._system(name)

    assert system.STEPS > 0
    assert callable(system.train)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chrun"], "no system 'chrun'; there is churn"),
        (["--model-version", "0"], "'0' is no version"),
        (["--model-version", "v2"], "'v2' is no version"),
    ],
)
def test_wrong_usage_says_what_is_right(capsys, arguments, message):
    """Status 2 and one line that names the mistake."""
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)

    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_a_failed_training_is_one_line_and_status_1(capsys, monkeypatch, tmp_path):
    """No traceback for what can go wrong by itself."""

    def fail(_step):
        raise OSError(28, "No space left on device", "exported_models")

    monkeypatch.setattr(churn, "train", fail)

    assert command.main(["churn", "--out", str(tmp_path)]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("training churn failed:")
    assert "No space left" in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize("first", ["churn", "report"])
def test_missing_packages_are_named(capsys, monkeypatch, first):
    """Without the extra, the command says how to get it."""
    monkeypatch.setattr(command, "_installed", lambda module: module != "lightgbm")

    assert command.main([first]) == 1
    assert "training needs lightgbm: pip install '.[training]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "features"),
    [("churn", churn.TASK.features), ("conversion", conversion.TASK.features)],
)
def test_the_example_rows_fit_the_features(name, features):
    """training/examples/ has the right columns, categories and ranges."""
    path = command.REPOSITORY / "training" / "examples" / f"{name}.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert len(rows) == 20
    assert list(rows[0]) == [feature.name for feature in features]
    for feature in features:
        values = [row[feature.name] for row in rows]
        if isinstance(feature, Category):
            assert set(values) <= set(feature.categories)
        else:
            least = 0 if feature.minimum is None else feature.minimum
            assert all(float(value) >= least for value in values if value)
            assert feature.missing == "allow" or all(values)
            if feature.maximum is not None:
                assert all(float(value) <= feature.maximum for value in values if value)
