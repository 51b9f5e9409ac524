"""The warm-up: what it sees of a graph, and the line it draws through measured runs."""

import numpy as np
import pytest

from stubtail.models.errors import ModelError, RunFailed
from stubtail.models.features import Feature
from stubtail.models.manifest import Manifest
from stubtail.models.signature import Signature, TensorSpec
from stubtail.models.synthetic import SyntheticRows
from stubtail.models.warmup import ROWS, fit_run_time, warm_up

FP32 = np.dtype(np.float32)


def signature(inputs=((-1, 2),), outputs=((-1, 2),), dtype=FP32):
    """A signature by its shapes."""
    return Signature(
        tuple(TensorSpec(f"x{index}", dtype, "FP32", shape) for index, shape in enumerate(inputs)),
        tuple(TensorSpec(f"y{index}", FP32, "FP32", shape) for index, shape in enumerate(outputs)),
        batchable=True,
    )


class Clock:
    """Seconds that only a run moves on."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        """The time."""
        return self.now


def warm(run, given, manifest=None, budget_s=10.0, clock=None):
    """A warm-up on a clock that stands still unless the run moves it."""
    clock = clock or Clock()
    return warm_up(run, given, manifest, where="m", budget_s=budget_s, clock=clock)


def double(feeds):
    """A graph that doubles."""
    return [array * 2 for array in feeds.values()]


def feature(**changes):
    """A feature with some fields replaced."""
    base = {
        "name": "f",
        "type": "number",
        "description": "",
        "categories": (),
        "missing": "refuse",
        "unknown": "refuse",
        "default": None,
        "minimum": None,
        "maximum": None,
    }
    return Feature(**(base | changes))


def manifest(*features):
    """A manifest of these features."""
    return Manifest("m", "1", "scoring", "", None, features, None, {})  # type: ignore[arg-type]


def test_fit_finds_an_exact_line():
    """Points of a line give the line."""
    fixed, per_row = fit_run_time([(rows, 1e-5 + rows * 2e-6) for rows in ROWS])
    assert fixed == pytest.approx(1e-5)
    assert per_row == pytest.approx(2e-6)


@pytest.mark.parametrize(
    "points",
    [
        [(1, 5e-6), (8, 4e-6), (64, 3e-6)],
        [(1, 1e-6), (8, 9e-6), (64, 9e-5)],
        [(1, 0.0), (8, 0.0)],
        [(1, 1e-3)],
    ],
)
def test_fit_is_never_negative(points):
    """Noise must not lead to a run that takes less than no time."""
    fixed, per_row = fit_run_time(points)
    assert fixed >= 0
    assert per_row >= 0
    assert fixed + per_row > 0


def test_fit_counts_errors_in_proportion():
    """Tree models get cheaper by the row: the line stays near the single row as well."""
    points = [(1, 8e-6), (8, 35e-6), (64, 220e-6)]
    fixed, per_row = fit_run_time(points)
    for rows, seconds in points:
        assert fixed + rows * per_row == pytest.approx(seconds, rel=0.35)


def test_times_each_number_of_rows():
    """One run is timed by the clock that is given; the first of each size does not count."""
    clock = Clock()
    seen = []

    def run(feeds):
        rows = len(feeds["x0"])
        clock.now += 1.0 if rows not in seen else 0.001 + rows * 0.0001
        seen.append(rows)
        return double(feeds)

    result = warm(run, signature(), clock=clock, budget_s=100)
    assert result.run_fixed_s == pytest.approx(0.001)
    assert result.run_per_row_s == pytest.approx(0.0001)
    assert result.signature.batchable
    assert result.notes == ()


def test_budget_ends_the_timing():
    """A slow graph is not run for minutes: larger sizes are left out once time is up."""
    clock = Clock()
    sizes = []

    def run(feeds):
        clock.now += 2.0
        sizes.append(len(feeds["x0"]))
        return double(feeds)

    result = warm(run, signature(), clock=clock, budget_s=1.0)
    assert 64 not in sizes
    assert len(sizes) <= 6
    assert result.run_fixed_s == pytest.approx(2.0)


def test_rows_are_fresh():
    """No two timed runs see the same rows: repeated rows make tree models look too fast."""
    seen = []

    def run(feeds):
        seen.append(feeds["x0"].tobytes())
        return double(feeds)

    warm(run, signature())
    whole = [data for data in seen if len(data) == 8 * 64]
    assert len(whole) == len(set(whole)) >= 3


def test_rows_that_mix_are_not_batched():
    """A graph in which rows change each other's answers must never see two calls at once."""
    result = warm(lambda feeds: [feeds["x0"] - feeds["x0"].mean(axis=0)], signature())
    assert not result.signature.batchable
    assert "changes the answers" in result.notes[0]


def test_rounding_is_no_mixing():
    """The last bits of a sum may depend on the batch."""
    result = warm(lambda feeds: [feeds["x0"] * (1 + 1e-6 * len(feeds["x0"]))], signature())
    assert result.signature.batchable


def test_not_a_number_equals_itself():
    """A graph that answers NaN does so alone and in a batch."""
    result = warm(lambda feeds: [np.full_like(feeds["x0"], np.nan)], signature())
    assert result.signature.batchable


def test_outputs_that_do_not_follow_the_rows():
    """A graph that returns one answer for all rows cannot be shared, whatever it declares."""
    result = warm(lambda feeds: [feeds["x0"][:1]], signature())
    assert not result.signature.batchable
    assert "do not follow" in result.notes[0]


def test_wrongly_declared_first_dimension_is_corrected():
    """LightGBM's exporter declares labels as [1]: what is seen counts."""
    result = warm(double, signature(outputs=((1, 2),)))
    assert result.signature.outputs[0].shape == (-1, 2)
    assert result.signature.batchable


def test_undeclared_rank_is_corrected():
    """An output without a declared shape gets the rank that was seen."""
    result = warm(double, signature(outputs=((),)))
    assert result.signature.outputs[0].shape == (-1, -1)


def test_fixed_rows_are_run_as_they_are():
    """A graph for exactly four rows is timed with four, and never batched."""
    seen = set()

    def run(feeds):
        seen.add(feeds["x0"].shape)
        return double(feeds)

    result = warm(run, signature(inputs=((4, 2),), outputs=((4, 2),)))
    assert seen == {(4, 2)}
    assert not result.signature.batchable
    assert result.signature.outputs[0].shape == (4, 2)
    assert result.notes == ()


def test_graphs_that_refuse_guessed_values():
    """Without a manifest values are guesses: plain ones are tried, then it is served unmeasured."""

    def only_zeros(feeds):
        if feeds["x0"].any():
            raise RunFailed("m@1", "index out of range")
        return double(feeds)

    assert warm(only_zeros, signature(dtype=np.dtype(np.int64))).signature.batchable

    def never(_):
        raise RunFailed("m@1", "no such row")

    result = warm(never, signature())
    assert not result.signature.batchable
    assert result.run_fixed_s > 0
    assert "no such row" in result.notes[0]


def test_graphs_that_refuse_several_rows():
    """A graph that only runs single rows is served, one row a call."""

    def single(feeds):
        if len(feeds["x0"]) > 1:
            raise RunFailed("m@1", "one row only")
        return double(feeds)

    result = warm(single, signature())
    assert not result.signature.batchable
    assert "one row only" in result.notes[0]


def test_graphs_that_refuse_what_their_manifest_allows():
    """With a manifest the values are valid, so a failure is the model's."""

    def never(_):
        raise RunFailed("m@1", "secret text")

    with pytest.raises(ModelError, match="rows that the manifest allows") as caught:
        warm(never, signature(inputs=((-1, 1),)), manifest(feature()))
    assert caught.value.detail == "secret text"
    assert "secret text" not in str(caught.value)


def test_rows_follow_the_manifest():
    """Numbers stay in their range, categories are codes."""
    rows = SyntheticRows(
        signature(inputs=((-1, 4),)),
        manifest(
            feature(minimum=5.0, maximum=6.0),
            feature(minimum=5.0),
            feature(maximum=-5.0),
            feature(type="category", categories=("a", "b", "c")),
        ),
    )(1000)["x0"]
    assert rows.dtype == np.float32
    assert rows[:, 0].min() >= 5.0
    assert rows[:, 0].max() <= 6.0
    assert rows[:, 1].min() >= 5.0
    assert rows[:, 2].max() <= -5.0
    assert set(rows[:, 3]) == {0.0, 1.0, 2.0}


@pytest.mark.parametrize("name", ["float16", "float64", "int8", "uint64", "bool", "object"])
@pytest.mark.parametrize("plain", [False, True])
def test_rows_have_the_declared_type(name, plain):
    """Every type has synthetic values; strings are `str`, as onnxruntime needs."""
    make = SyntheticRows(signature(dtype=np.dtype(name)), None, plain=plain)
    array = make(3)["x0"]
    assert array.dtype == np.dtype(name)
    assert array.shape == (3, 2)
    if name == "object":
        assert all(type(text) is str for text in array.flat)


def test_huge_inputs_are_not_multiplied():
    """Where one row is large already, 64 of them are not made."""
    sizes = []

    def run(feeds):
        sizes.append(len(feeds["x0"]))
        return double(feeds)

    warm(run, signature(inputs=((-1, 200_000),), outputs=((-1, 200_000),)))
    assert max(sizes) == 8
