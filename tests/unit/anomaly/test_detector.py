"""Pins what is found in series, what is left alone, and that the false-alarm rate is one."""

import numpy as np
import pytest

from stubtail.anomaly.detector import INSIDE, WANDERING, detect
from stubtail.anomaly.findings import Kind, Severity, severity
from stubtail.anomaly.recurring import on_schedule
from stubtail.anomaly.seasons import find_season, moving_median
from stubtail.anomaly.tails import both_tails, chances
from tests.unit.anomaly.noises import NOISES

RATE = 0.001
REPEATS = 25
POINTS = 1000


def kinds(values: np.ndarray, **options: object) -> list[tuple[Kind, int]]:
    """What is found, by its start."""
    found = detect(np.asarray(values, float), rate=RATE, **options).findings  # type: ignore[arg-type]  # as detect takes them
    return [(one.kind, one.start) for one in found]


def flagged(values: np.ndarray, rate: float) -> int:
    """How many points are flagged, all kinds together."""
    judged = detect(values, rate=rate)
    return sum(one.end - one.start for one in judged.findings)


@pytest.mark.parametrize("rate", [0.01, 0.001])
def test_false_alarms_come_at_the_rate_that_was_asked_for(rate: float) -> None:
    """Over eight kinds of noise the share of flagged points is the rate, within a factor of two.

    And for each of them it is at most four times the rate: the tails of a thousand points are
    known no better than that.
    """
    rng = np.random.default_rng(7)
    shares = {
        name: sum(flagged(make(rng, POINTS), rate) for _ in range(REPEATS)) / REPEATS / POINTS
        for name, make in NOISES.items()
    }
    assert rate / 2.5 < np.mean(list(shares.values())) < 2 * rate, shares
    assert max(shares.values()) < 4 * rate, shares


def test_rates_below_one_in_the_sample_are_kept_too() -> None:
    """What a thousand points cannot tell is taken for heavy, not for what their middle looks like.

    With a tail that just goes on, five times as many points were flagged.
    """
    rng = np.random.default_rng(7)
    rate = 1e-4
    found = sum(
        flagged(make(rng, POINTS), rate) for make in NOISES.values() for _ in range(REPEATS)
    )
    assert 0 < found < 2 * rate * POINTS * REPEATS * len(NOISES)


def test_a_higher_rate_flags_more() -> None:
    """The rate orders what is flagged."""
    values = np.random.default_rng(2).standard_t(4, size=3000)
    counts = [flagged(values, rate) for rate in (1e-4, 1e-3, 1e-2, 1e-1)]
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]


@pytest.mark.parametrize("seed", range(5))
def test_each_kind_is_found_where_it_is(seed: int) -> None:
    """A spike, a dip, a shift, a change of the spread and a flat line in noise."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=POINTS)
    spike, dip, shift, varied, flat = (noise.copy() for _ in range(5))
    spike[500] += 15
    dip[500] -= 15
    shift[600:] += 10
    varied[500:] *= 8
    flat[400:440] = flat[400]
    assert (Kind.SPIKE, 500) in kinds(spike)
    assert (Kind.DIP, 500) in kinds(dip)
    assert (Kind.LEVEL_SHIFT, 600) in kinds(shift)
    (start,) = [start for kind, start in kinds(varied) if kind == Kind.VARIANCE]
    assert 470 <= start <= 530
    assert (Kind.FLAT_LINE, 400) in kinds(flat)


def test_a_value_that_is_usual_at_another_time_is_a_point() -> None:
    """Noon's value at midnight: nothing but the season tells that it is wrong."""
    rng = np.random.default_rng(3)
    values = 10 * np.sin(2 * np.pi * np.arange(960) / 48) + 0.5 * rng.normal(size=960)
    values[492] = -values[492]  # the top of a wave
    judged = detect(values, rate=RATE)
    assert judged.expectation.season == 48
    assert [(one.kind, one.start) for one in judged.findings if one.start == 492] == [
        (Kind.POINT, 492)
    ]


def test_what_a_series_has_at_other_times_takes_a_tenth_of_the_chance() -> None:
    """A spike may be as likely as the rate; a point within the usual range may not."""
    rate, wanted = 0.03, {Kind.POINT, Kind.SPIKE, Kind.DIP}
    values = NOISES["season"](np.random.default_rng(1), 3000)
    judged = detect(values, rate=rate, kinds=wanted)
    assert judged.expectation.memory > WANDERING
    told = np.zeros(len(values), bool)
    for one in judged.findings:
        told[one.start : one.end] = True
        assert one.p_value <= (INSIDE * rate if one.kind is Kind.POINT else rate)
    outside = {one.kind for one in judged.findings if one.p_value > INSIDE * rate}
    assert outside
    assert outside <= {Kind.SPIKE, Kind.DIP}
    left = (judged.p_values <= rate) & ~told
    assert left.any()
    assert (np.abs(values[left]) < np.quantile(np.abs(values), 0.98)).all()


def test_a_series_that_wanders_has_no_usual_range() -> None:
    """Each of its points is told at the whole rate."""
    rate, wanted = 0.03, {Kind.POINT, Kind.SPIKE, Kind.DIP}
    judged = detect(NOISES["random walk"](np.random.default_rng(1), 2000), rate=rate, kinds=wanted)
    assert judged.expectation.memory <= WANDERING
    assert any(one.kind is Kind.POINT and one.p_value > INSIDE * rate for one in judged.findings)


def test_a_shift_does_not_hide_a_spike() -> None:
    """Points after a shift are not learned from as if they were unusual."""
    values = np.random.default_rng(0).normal(size=POINTS)
    values[500] += 12
    values[700:] += 8
    found = kinds(values)
    assert {start for _, start in found} == {500, 700}, found


def test_the_end_of_a_shift_is_no_news() -> None:
    """Unless what it ends has lasted longer than what was before, and so has become usual."""
    values = np.random.default_rng(0).normal(size=POINTS)
    values[600:660] += 10
    assert kinds(values, kinds={Kind.LEVEL_SHIFT}) == [(Kind.LEVEL_SHIFT, 600)]
    values = np.random.default_rng(0).normal(size=POINTS)
    values[200:700] += 10
    assert kinds(values, kinds={Kind.LEVEL_SHIFT}) == [
        (Kind.LEVEL_SHIFT, 200),
        (Kind.LEVEL_SHIFT, 700),
    ]


def test_a_series_that_shifts_again_and_again_has_no_shift() -> None:
    """Ten times up, each time further, in a thousand points; twice is told."""
    rng = np.random.default_rng(1)
    often = rng.normal(size=POINTS) + 30.0 * (np.arange(POINTS) // 90)
    assert kinds(often, kinds={Kind.LEVEL_SHIFT}) == []
    twice = rng.normal(size=POINTS) + 30.0 * (np.arange(POINTS) // 400)
    assert [start for _, start in kinds(twice, kinds={Kind.LEVEL_SHIFT})] == [400, 800]


def test_two_flat_lines_are_told_and_quiet_nights_are_not() -> None:
    """A sensor that hangs twice, at other values; one that has nothing to tell at night."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=POINTS)
    values[300:340], values[700:735] = values[300], values[700]
    assert [start for _, start in kinds(values, kinds={Kind.FLAT_LINE})] == [300, 700]
    values[300:340] = values[700:735] = 0.0
    assert kinds(values, kinds={Kind.FLAT_LINE}) == []


def test_what_comes_every_night_is_no_anomaly() -> None:
    """A job that starts a few minutes earlier or later; one at noon is told."""
    rng = np.random.default_rng(5)
    values = rng.normal(1, 0.05, size=4032)
    for night in range(14):
        values[night * 288 + 100 + rng.integers(-4, 5)] += 5
    assert kinds(values, season=1, kinds={Kind.SPIKE}) == []
    values[2000] += 5
    assert kinds(values, season=1, kinds={Kind.SPIKE}) == [(Kind.SPIKE, 2000)]


@pytest.mark.parametrize(
    "values",
    [
        np.full(100, 5.0),
        np.zeros(8),
        np.arange(1000.0),
        np.tile([1.0, 2.0], 50),
        np.random.default_rng(1).normal(size=8),
        np.concatenate((np.full(20, np.nan), np.ones(20))),
        np.arange(8.0) * 1e149,
        np.full(10, 5e-324),
    ],
    ids=["constant", "zeros", "line", "two values", "eight", "half missing", "huge", "tiny"],
)
def test_nothing_is_found_where_nothing_is(values: np.ndarray) -> None:
    """Series without an anomaly that are easily taken for one; nothing raises."""
    assert kinds(values) == []


def test_one_other_value_in_a_constant_series_is_found() -> None:
    """Whatever the size of the constant."""
    for scale in (1e-9, 1.0, 1e12):
        values = np.full(100, 5.0) * scale
        values[50] = 6.0 * scale
        assert [start for _, start in kinds(values)] == [50]


def test_missing_points_are_never_found() -> None:
    """And what is around them is judged."""
    values = np.random.default_rng(4).normal(size=500)
    values[100:140] = np.nan
    values[300] = 20
    judged = detect(values, rate=RATE)
    assert (judged.p_values[100:140] == 1).all()
    assert [(one.kind, one.start) for one in judged.findings] == [(Kind.SPIKE, 300)]


def test_the_band_is_where_flagging_begins() -> None:
    """Points outside the band are those with a p-value at most the rate of points."""
    values = np.random.default_rng(8).standard_t(3, size=2000)
    judged = detect(values, rate=0.01, kinds={Kind.SPIKE, Kind.DIP, Kind.POINT})
    outside = (values < judged.lower) | (values > judged.upper)
    np.testing.assert_array_equal(outside, judged.p_values <= 0.01)
    assert outside.any()


def test_only_the_wanted_kinds_are_found_and_share_the_rate() -> None:
    """Who looks for one kind gets the whole rate for it."""
    values = np.random.default_rng(0).normal(size=POINTS)
    values[500] += 15
    values[700:] += 10
    found = detect(values, rate=RATE, kinds={Kind.LEVEL_SHIFT}).findings
    assert [one.kind for one in found] == [Kind.LEVEL_SHIFT]


@pytest.mark.parametrize("length", [12, 24, 96])
def test_seasons_are_found(length: int) -> None:
    """By their shape, whatever it is; noise has none."""
    rng = np.random.default_rng(length)
    shape = rng.normal(size=length) * 3
    values = np.tile(shape, 960 // length) + rng.normal(size=960 // length * length)
    assert find_season(values) == length
    assert find_season(rng.normal(size=960)) == 1
    assert find_season(np.cumsum(rng.normal(size=960))) == 1


def test_medians_in_blocks_are_those_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However wide the windows are, few of them are copied at a time."""
    values = np.random.default_rng(3).normal(size=200)
    whole = moving_median(values, 7)
    monkeypatch.setattr("stubtail.anomaly.seasons.WINDOW_NUMBERS_MAX", 50)
    np.testing.assert_array_equal(moving_median(values, 7), whole)
    np.testing.assert_array_equal(
        whole, [np.median(values[at : at + 7]) for at in range(len(values) - 6)]
    )


def test_a_bound_has_the_chance_that_it_was_asked_for() -> None:
    """Within the sample and far beyond it, whatever the shape of its tail."""
    rng = np.random.default_rng(4)
    for sample in (rng.normal(size=500), rng.standard_t(3, size=500), rng.random(500)):
        above, _ = both_tails(sample, 1e-9, 0.6)
        asked = np.array([0.05, 0.01, 0.002, 1e-4, 1e-6])
        bounds = np.array([above.bound(chance) for chance in asked])
        assert (np.diff(bounds) > 0).all()
        np.testing.assert_allclose(above.chance(bounds), asked, rtol=1e-6)


def test_tails_tell_chances_beyond_what_was_seen() -> None:
    """The p-value of 5 deviations among a thousand normal values is small and not nothing."""
    sample = np.random.default_rng(6).normal(size=1000)
    above, below = both_tails(sample, 1e-9, 0.6)
    p_values = chances(np.array([0.0, 2.0, 5.0, -5.0, 50.0]), above, below)
    assert p_values[0] == 1.0
    assert 0.01 < p_values[1] < 0.2
    assert (p_values[2:4] < 2e-3).all()
    assert p_values[4] < p_values[2]
    assert 2.8 < above.bound(0.001) < 4.5  # 3.09, and rather a little more


def test_schedules_need_five_events() -> None:
    """Four are chance; of five, one out of place is told."""
    assert on_schedule([0, 100, 200, 300]) == [False] * 4
    assert on_schedule([0, 101, 199, 300, 402]) == [True] * 5
    assert on_schedule([0, 100, 200, 250, 300, 400, 500]) == [True] * 3 + [False] + [True] * 3


def test_severities_go_by_p_values() -> None:
    """One step for each power of ten."""
    steps = [(0.5, Severity.LOW), (0.01, Severity.MEDIUM), (1e-3, Severity.HIGH)]
    for p_value, expected in [*steps, (1e-4, Severity.CRITICAL)]:
        assert severity(p_value) == expected
