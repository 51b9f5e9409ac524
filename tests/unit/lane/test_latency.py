"""Pins what the latency model predicts and how fast it learns."""

import random

import pytest

from stubtail.lane.latency import LatencyModel


def test_it_starts_with_the_warm_up() -> None:
    """Before any run, the line of the warm-up is the prediction."""
    model = LatencyModel(1e-3, 1e-5)
    assert model.predict_s(1) == pytest.approx(1.01e-3)
    assert model.predict_s(100) == pytest.approx(2e-3)
    assert model.rows_within(2.005e-3) == 100
    assert model.rows_within(0.5e-3) <= 0


@pytest.mark.parametrize(
    ("factor", "tolerance"), [(0.1, 0.2), (0.5, 0.2), (1.0, 0.2), (2.0, 0.2), (10.0, 1.0)]
)
def test_it_learns_the_truth_within_200_runs(factor: float, tolerance: float) -> None:
    """From batches of different sizes, whatever the warm-up said; a trace of that stays."""
    rng = random.Random(1)
    fixed_s, per_row_s = 50e-6, 3e-6
    model = LatencyModel(fixed_s * factor, per_row_s * factor)
    for _ in range(200):
        rows = rng.choice([1, 2, 8, 32, 128])
        model.observe(rows, (fixed_s + per_row_s * rows) * rng.uniform(0.9, 1.1))
    for rows in (1, 32, 128):
        truth_s = fixed_s + per_row_s * rows
        assert model.predict_s(rows) == pytest.approx(truth_s, rel=tolerance)


@pytest.mark.parametrize("rows", [1, 64])
def test_it_stays_sane_when_all_batches_have_one_size(rows: int) -> None:
    """One point draws no line: the prior keeps both parts positive, the point is met."""
    model = LatencyModel(50e-6, 3e-6)
    for _ in range(500):
        model.observe(rows, 100e-6)
    assert model.fixed_s > 0
    assert model.per_row_s > 0
    assert model.predict_s(rows) == pytest.approx(100e-6, rel=0.05)
    assert model.predict_s(1) <= model.predict_s(100)


def test_a_pause_of_the_machine_is_not_believed() -> None:
    """A run of a second among runs of 100 us hardly moves the prediction."""
    model = LatencyModel(100e-6, 1e-6)
    for _ in range(100):
        model.observe(1, 100e-6)
    model.observe(1, 1.0)
    assert model.predict_s(1) < 200e-6


def test_it_forgets() -> None:
    """A model that became slower is predicted slower after about 100 runs."""
    model = LatencyModel(100e-6, 1e-6)
    for run_s in (100e-6, 1e-3):
        for _ in range(200):
            model.observe(4, run_s)
        assert model.predict_s(4) == pytest.approx(run_s, rel=0.1)


@pytest.mark.parametrize("seed", range(50))
def test_neither_part_is_ever_negative(seed: int) -> None:
    """Whatever the noise: a negative part would predict that more work takes less time."""
    rng = random.Random(seed)
    model = LatencyModel(rng.choice([0.0, 1e-6, 1e-2]), rng.choice([0.0, 1e-9, 1e-3]))
    for _ in range(300):
        model.observe(rng.randrange(1, 5000), rng.choice([0.0, 1e-7, 1e-4, 0.1, 10.0]))
        assert model.fixed_s > 0.0
        assert model.per_row_s > 0.0
        assert model.predict_s(4096) < 100.0
