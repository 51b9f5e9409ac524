"""Workload files: what they mean, and everything that is wrong with one, at once."""

from pathlib import Path

import numpy as np
import pytest

from stubtail_bench.arrangement import Arrangement
from stubtail_bench.connections import Slow
from stubtail_bench.errors import WorkloadError
from stubtail_bench.traces import TraceMissingError
from stubtail_bench.workload import CallSpec, load_workload, parse_workload

EXAMPLES = Path(__file__).parents[3] / "benchmarks" / "workloads"


def problems(text: str, tmp_path: Path) -> list[str]:
    """What is wrong with a file."""
    path = tmp_path / "load.toml"
    path.write_text(text)
    with pytest.raises(WorkloadError) as caught:
        load_workload(path)
    return caught.value.problems


def test_the_smallest_workload():
    """One kind of call; all else has a default."""
    workload = parse_workload({"calls": [{"model": "churn"}]}, "w", Path())
    assert workload.calls == [CallSpec(model="churn")]
    assert workload.calls[0].title == "churn, infer, 1 row"
    assert workload.arrivals.shape == "poisson"
    assert workload.slow == Slow(0, 1_000.0)


def test_inputs_can_be_named_where_a_server_does_not_tell_them(tmp_path: Path):
    """A list of strings, and nothing else."""
    values = {"calls": [{"model": "m", "inputs": ["x:FP32:-1,30"]}]}
    assert parse_workload(values, "w", Path()).calls[0].inputs == ("x:FP32:-1,30",)
    (told,) = problems('[[calls]]\nmodel = "m"\ninputs = "x:FP32:-1,30"\n', tmp_path)
    assert "inputs: must be a list of strings" in told


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path):
    """With the path of each key."""
    found = problems(
        """
        seconds = 0
        connections = "many"
        colour = "red"
        [arrivals]
        shape = "square"
        rate = -5
        [slow_readers]
        connections = 9
        [[calls]]
        model = 7
        rows = [5, 2]
        priority = "urgent"
        [[calls]]
        cancel = 1.5
        rows_file = "nowhere.csv"
        """,
        tmp_path,
    )
    text = "\n".join(found)
    for key in (
        "seconds: must be more than 0",
        "connections: must be a whole number",
        "colour: is not known here",
        "arrivals.shape: must be one of poisson, constant, step, ramp, replay",
        "arrivals.rate: must be",
        "slow_readers.connections: must be 0 to 8, got 9",
        "calls[0].model: must be a string",
        "calls[0].rows: must be a whole number, or [lowest, highest]",
        "calls[0].priority: must be one of",
        "calls[1].model: is missing",
        "calls[1].cancel: must be at least 0 and at most 1",
        "calls[1].rows_file: there is no file 'nowhere.csv'",
    ):
        assert key in text
    assert len(found) == 12


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "calls: is missing: at least one [[calls]] is needed"),
        ("calls = 3", "calls: must be a list of tables"),
        ("[[calls", "it is no TOML"),
        ('[arrivals]\nshape = "step"\n[[calls]]\nmodel = "m"', "arrivals.steps: is missing"),
        ('[arrivals]\nshape = "replay"\n[[calls]]\nmodel = "m"', "arrivals.trace: is missing"),
        ('[arrivals]\nsteps = [[1]]\n[[calls]]\nmodel = "m"', "arrivals.steps: must be a list"),
        ('[[calls]]\nmodel = "m"\n[[calls]]\nmodel = "m"', "two have the name 'm, infer, 1 row'"),
        (
            '[arrivals]\nsteps = [[inf, 1]]\n[[calls]]\nmodel = "m"',
            "arrivals.steps: must be a list",
        ),
        ('[arrivals]\nsteps = [[true, 1]]\n[[calls]]\nmodel = "m"', "steps: must be a list"),
        ('[[calls]]\nmodel = "m"\nvalue_range = [5, 1]', "calls[0].value_range: must be [lowest"),
        ('[[calls]]\nmodel = "m"\nvalue_range = [nan, 1]', "calls[0].value_range: must be [lowest"),
        ('[[calls]]\nmodel = "m"\nvalue_range = [0, 1e300]', "of -1e+09 to 1e+09, got"),
        ('seconds = true\n[[calls]]\nmodel = "m"', "seconds: must be a number, got True"),
    ],
)
def test_a_wrong_file_says_what_to_mend(text: str, told: str, tmp_path: Path):
    """One mistake each."""
    (found,) = [one for one in problems(text, tmp_path) if told in one]
    assert found


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_examples_can_be_run(path: Path):
    """Each is read, and its schedule can be drawn where its trace is here."""
    workload = load_workload(path)
    rng = np.random.default_rng(1)
    traces = path.parents[3] / "shared" / "data" / "traces"
    try:
        due_s = workload.arrivals.schedule(workload.seconds, workload.warm_up_s, rng, traces)
    except TraceMissingError as error:
        pytest.skip(str(error))
    assert len(due_s) > 100
    assert (np.diff(due_s) >= 0).all()
    assert 0 <= due_s[0] <= due_s[-1] <= workload.warm_up_s + workload.seconds


def test_a_warm_up_comes_before_the_shape(tmp_path: Path):
    """At the shape's first rate, and the shape is moved behind it."""
    steps = Arrangement("step", steps=[(100, 2), (1_000, 1)], even=True)
    due_s = steps.schedule(3, 4, np.random.default_rng(1), tmp_path)
    assert [((due_s >= a) & (due_s < b)).sum() for a, b in ((0, 4), (4, 6), (6, 7))] == [
        400,
        200,
        1000,
    ]


def test_steps_become_shorter_with_the_load():
    """Six seconds of steps within three."""
    assert Arrangement("step", steps=[(10, 2), (20, 4)]).lasting(3).steps == ((10, 1), (20, 2))


def test_a_trace_lies_beside_its_workload(tmp_path: Path):
    """As a file of rows does; known names and files of the current folder stay what they are."""
    (tmp_path / "mine.txt").write_text("5")
    (tmp_path / "nasa").write_text("5")
    for name, found in (("mine.txt", str(tmp_path / "mine.txt")), ("nasa", "nasa"), ("b", "b")):
        arrivals = {"shape": "replay", "trace": name}
        values = {"arrivals": arrivals, "calls": [{"model": "m"}]}
        assert parse_workload(values, "w", tmp_path).arrivals.trace == found
