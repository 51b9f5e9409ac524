"""Pins how streams of points are judged: at once, by key, within bounds, and resumed exactly."""

import numpy as np
import pytest

from stubtail.anomaly.findings import Kind
from stubtail.anomaly.watch_keys import WatchedKeys
from stubtail.anomaly.watch_state import WatchRules
from tests.unit.anomaly.noises import NOISES

RATE = 0.001


def watched(
    rate: float = RATE,
    *,
    season: int = 1,
    warm_up: int = 32,
    keys_max: int = 10_000,
    idle_s: float = 1e9,
) -> WatchedKeys:
    """No key yet."""
    return WatchedKeys(WatchRules.of(rate, season, warm_up), keys_max, idle_s)


def names(count: int) -> list[str]:
    """Keys."""
    return [f"k{at}" for at in range(count)]


@pytest.mark.parametrize("rate", [0.01, 0.001])
def test_false_alarms_come_at_most_at_about_the_rate(rate: float) -> None:
    """100 keys of each kind of noise, 600 points each."""
    rng = np.random.default_rng(3)
    keys = names(100)
    shares = {}
    for name, make in NOISES.items():
        points = np.stack([make(rng, 600) for _ in keys], axis=1)
        stream = watched(rate, season=48 if name == "season" else 1)
        alarms = sum(
            int(np.count_nonzero(stream.add(keys, row, float(at)).kind))
            for at, row in enumerate(points)
        )
        shares[name] = alarms / points.size
    assert rate / 10 < np.mean(list(shares.values())) < 2 * rate, shares
    assert max(shares.values()) < 4 * rate, shares


@pytest.mark.parametrize("size", [12.0, -12.0])
def test_a_gross_anomaly_is_told_with_its_own_point(size: float) -> None:
    """Not one point later, for many keys at once and for one alone."""
    rng = np.random.default_rng(1)
    keys = names(100)
    many, one = watched(), watched()
    for at in range(200):
        many.add(keys, rng.normal(size=100), float(at))
        one.add(["x"], rng.normal(size=1), float(at))
    expected = Kind.SPIKE if size > 0 else Kind.DIP
    assert (many.add(keys, np.full(100, size), 200.0).kind == expected).all()
    assert one.add(["x"], np.array([size]), 200.0).kind.tolist() == [expected]


def test_a_shift_of_the_level_is_told_once_and_then_usual() -> None:
    """The first points are spikes, the fifth is a shift, and from then on nothing is unusual."""
    rng = np.random.default_rng(2)
    stream = watched()
    values = rng.normal(size=260)
    values[200:] += 30
    kinds = stream.add(["x"], values, 0.0).kind
    assert kinds[200:205].tolist() == [Kind.SPIKE] * 4 + [Kind.LEVEL_SHIFT]
    assert np.count_nonzero(kinds[205:]) <= 1


def test_flat_lines_and_changes_of_the_spread_are_told() -> None:
    """A sensor that hangs, and one that begins to jitter."""
    rng = np.random.default_rng(3)
    hangs = rng.normal(size=240)
    hangs[200:] = hangs[199]
    assert Kind.FLAT_LINE in watched().add(["x"], hangs, 0.0).kind[200:210]
    jitters = rng.normal(size=300)
    jitters[200:] *= 8
    assert Kind.VARIANCE in watched().add(["x"], jitters, 0.0).kind[200:230]


def test_a_season_makes_its_peak_usual_and_its_absence_unusual() -> None:
    """Learned in two rounds; noon's value at midnight is a point."""
    rng = np.random.default_rng(4)
    season = 24
    values = 20 * np.sin(2 * np.pi * np.arange(24 * 30) / season) + rng.normal(size=24 * 30)
    values[24 * 20 + 6] *= -1
    found = watched(season=season).add(["x"], values, 0.0)
    assert found.kind[24 * 20 + 6] == Kind.POINT
    assert np.count_nonzero(found.kind) <= 4
    assert np.isnan(found.expected[:48]).all()
    assert abs(found.expected[24 * 19 + 6] - 20) < 3


@pytest.mark.parametrize("season", [1, 12])
def test_it_does_not_matter_how_points_are_cut_into_messages(season: int) -> None:
    """All keys together, key by key, and in parts: the same bits."""
    rng = np.random.default_rng(5)
    keys = names(40)
    points = rng.standard_t(3, size=(150, 40))
    points[rng.random(points.shape) < 0.02] = np.nan
    points[80:100, 3] = 5.0
    points[90:, 7] += 40
    points[100:, 9] *= 10
    options = {"rate": 0.01, "season": season, "warm_up": 20}
    together = watched(**options)  # type: ignore[arg-type]  # as watched takes them
    columns = [together.add(keys, row, 0.0) for row in points]
    one_by_one = watched(**options)  # type: ignore[arg-type]  # as above
    alone = [one_by_one.add([key], points[:, at].copy(), 0.0) for at, key in enumerate(keys)]
    mixed = watched(**options)  # type: ignore[arg-type]  # as above
    flat = mixed.add(keys * len(points), points.ravel(), 0.0)
    for field in ("kind", "expected", "lower", "upper", "deviation"):
        left = np.stack([getattr(one, field) for one in columns])
        right = np.stack([getattr(one, field) for one in alone], axis=1)
        np.testing.assert_array_equal(left, right)
        np.testing.assert_array_equal(left.ravel(), getattr(flat, field))


def test_an_exported_state_goes_on_as_if_nothing_had_happened() -> None:
    """The same verdicts, to the last bit."""
    rng = np.random.default_rng(6)
    keys = names(30)
    stay = watched(season=8)
    for at in range(60):
        stay.add(keys, rng.normal(size=30), float(at))
    moved = watched(season=8)
    exported, numbers = stay.slots.export(0, 1000)
    moved.slots.restore(exported, np.array(numbers).reshape(30, -1), 0.0)
    for at in range(60):
        row = rng.normal(size=30) + (20 if at == 30 else 0)
        left, right = stay.add(keys, row, 60.0 + at), moved.add(keys, row, float(at))
        for one, other in zip(left, right, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("number", [np.nan, np.inf, -1.0, 1e200])
def test_a_forged_state_is_refused_by_its_key(number: float) -> None:
    """Nothing of it is taken that no export could have."""
    stream = watched()
    stream.add(["good", "bad"], np.ones(2), 0.0)
    keys, numbers = stream.slots.export(0, 10)
    rows = np.array(numbers).reshape(2, -1)
    rows[1, 4] = number
    with pytest.raises(ValueError, match="bad"):
        watched().slots.restore(keys, rows, 0.0)


def test_keys_are_bounded_and_the_longest_unseen_goes() -> None:
    """Also within one message with more keys than there is room for."""
    stream = watched(keys_max=3)
    stream.add(["a", "b", "c"], np.ones(3), 0.0)
    stream.add(["a"], np.ones(1), 1.0)
    stream.add(["d"], np.ones(1), 2.0)
    assert stream.slots.take_forgotten() == ["b"]
    stream.add(names(50), np.ones(50), 3.0)
    assert len(stream.slots) == 3
    assert len(stream.slots.take_forgotten()) == 50
    assert len(stream.slots.state) == 3


def test_idle_keys_are_forgotten() -> None:
    """And begin anew when they come back."""
    stream = watched(idle_s=10.0)
    stream.add(["old", "new"], np.ones(2), 0.0)
    stream.add(["new"], np.ones(1), 8.0)
    stream.add(["new"], np.ones(1), 12.0)
    assert stream.slots.take_forgotten() == ["old"]
    assert len(stream.slots) == 1


def test_ten_thousand_keys_fit() -> None:
    """Their state is a few hundred bytes each."""
    stream = watched()
    keys = names(10_000)
    for at in range(3):
        stream.add(keys, np.full(10_000, float(at)), float(at))
    assert len(stream.slots) == 10_000
    assert stream.slots.state.nbytes <= 200 * 10_000


def test_nan_counts_as_seen_and_changes_nothing() -> None:
    """The season moves on, the level stays."""
    stream = watched()
    stream.add(["x"], np.random.default_rng(0).normal(size=50), 0.0)
    before = stream.slots.export(0, 1)[1]
    found = stream.add(["x"], np.array([np.nan]), 1.0)
    after = stream.slots.export(0, 1)[1]
    assert found.kind.tolist() == [0]
    assert np.isnan(found.expected).all()
    assert after[1:] == before[1:]
    assert after[0] == before[0] + 1


@pytest.mark.parametrize("value", [0.0, 1e150, -1e150, 5e-324])
def test_extreme_values_leave_a_finite_state(value: float) -> None:
    """Nothing that is accepted poisons a key."""
    stream = watched()
    values = np.random.default_rng(0).normal(size=100)
    values[50] = value
    with np.errstate(all="ignore"):
        stream.add(["x"], values, 0.0)
    assert np.isfinite(stream.slots.export(0, 1)[1]).all()
