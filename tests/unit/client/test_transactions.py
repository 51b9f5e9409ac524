"""Features of purchase histories say what happened before a date, and nothing of later days."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stubtail_client.transactions import transaction_features

AS_OF = "2026-06-01"
BOUGHT = [  # customer, date, value, items
    ("ann", "2026-01-02", 10.0, 1),
    ("bob", "2026-03-03", 30.0, 3),
    ("ann", "2026-02-01", 20.0, 2),
    ("ann", "2026-05-22", 30.0, 2),
    ("ann", "2026-05-22", 15.0, 1),  # the same day: one purchase of 45 dollars and 3 items
]


def features(bought, as_of=AS_OF):
    """The features of purchases given as rows, each customer as a dict by name."""
    who, when, paid, items = zip(*bought, strict=True)
    found = transaction_features(who, when, paid, items, as_of)
    return {
        str(customer): dict(zip(found.names, row.tolist(), strict=True))
        for customer, row in zip(found.customers, found.rows, strict=True)
    }


def test_what_they_say():
    """Counted by hand, one of each group and the awkward ones."""
    ann, bob = features(BOUGHT).values()

    assert (ann["recency_days"], ann["tenure_days"], ann["active_days"]) == (10, 150, 140)
    assert ann["active_probability"] == pytest.approx((140 / 150) ** 3)
    assert (ann["purchases"], ann["purchases_last_30d"], ann["purchases_91_180d"]) == (3, 1, 2)
    assert (ann["active_months"], ann["active_weeks"]) == (3, 3)
    assert (ann["spend_total"], ann["value_last"], ann["value_median"]) == (75, 45, 20)
    assert ann["value_std"] == pytest.approx(np.std([10, 20, 45], ddof=1))
    assert (ann["items_total"], ann["unit_price_last"]) == (6, 15)
    assert (ann["gap_mean"], ann["gap_last"], ann["gap_previous"]) == (70, 110, 30)
    assert ann["days_until_due"] == 60
    assert ann["gaps_share_30d"] == 0.5
    assert ann["value_slope"] == pytest.approx(17.5)
    assert ann["purchases_trend_90d"] == -1
    assert ann["purchases_decayed_14d"] == pytest.approx(
        sum(0.5 ** (d / 14) for d in (10, 120, 150))
    )
    assert (ann["share_friday"], ann["last_weekday"]) == (pytest.approx(2 / 3), 4)
    assert (ann["share_quarter_1"], ann["share_quarter_2"]) == pytest.approx((2 / 3, 1 / 3))
    assert (ann["first_value"], ann["days_to_second"], ann["repeats_first_30d"]) == (10, 30, 1)
    assert (ann["first_day_of_year"], ann["first_weekday"]) == (2, 4)

    assert (bob["purchases"], bob["is_single"], bob["recency_share"]) == (1, 1, 1)
    assert np.isnan([bob[name] for name in ("gap_mean", "value_std", "second_value")]).all()


def test_at_least_100_in_seven_groups_that_share_none():
    """Every feature is in one group, in the order of the groups."""
    who, when, paid, items = zip(*BOUGHT, strict=True)
    found = transaction_features(who, when, paid, items, AS_OF)

    assert len(found.names) >= 100
    assert len(set(found.names)) == len(found.names) == found.rows.shape[1]
    assert sum(found.groups.values(), ()) == found.names
    assert list(found.groups) == [
        "recency",
        "frequency",
        "value",
        "rhythm",
        "trend",
        "season",
        "cohort",
    ]


def test_nothing_leaks_from_the_date_on():
    """Purchases on the date and later change nothing; who bought nothing before is left out."""
    later = [("ann", "2026-06-01", 99.0, 9), ("eve", "2026-07-01", 1.0, 1)]

    np.testing.assert_equal(features([*BOUGHT, *later]), features(BOUGHT))


histories = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(1, 500).map(lambda ago: str(np.datetime64(AS_OF) - ago)),
        st.integers(0, 10_000).map(lambda cents: cents / 100),
        st.integers(1, 9),
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=60)
@given(histories, st.randoms())
def test_alone_as_among_others_in_any_order(bought, random):
    """A customer's features come from this customer's purchases, whatever the order."""
    together = features(bought)
    shuffled = random.sample(bought, len(bought))
    for customer, expected in together.items():
        alone = features([row for row in shuffled if row[0] == customer])[customer]
        assert alone == pytest.approx(expected, rel=1e-5, abs=1e-5, nan_ok=True)


@settings(deadline=None, max_examples=60)
@given(histories)
def test_they_agree_with_plain_loops(bought):
    """Counts, sums, gaps and medians, worked out one customer at a time."""
    for customer, found in features(bought).items():
        days: dict[int, float] = {}
        for who, date, value, _ in bought:
            if who == customer:
                ago = int((np.datetime64(AS_OF) - np.datetime64(date)).astype(int))
                days[ago] = days.get(ago, 0.0) + value
        ages = sorted(days, reverse=True)
        gaps = -np.diff(ages)

        assert found["purchases"] == len(ages)
        assert found["purchases_last_90d"] == sum(ago <= 90 for ago in ages)
        assert found["spend_last_180d"] == pytest.approx(
            sum(value for ago, value in days.items() if ago <= 180), abs=1e-3
        )
        assert found["value_median"] == pytest.approx(np.median(list(days.values())), abs=1e-3)
        assert found["year_ago_purchases_90d"] == sum(275 < ago <= 365 for ago in ages)
        if len(gaps):
            assert found["gap_median"] == np.median(gaps)
            assert (found["gap_shortest"], found["gap_longest"]) == (gaps.min(), gaps.max())
            assert found["gap_previous"] == pytest.approx(
                gaps[-2] if len(gaps) > 1 else np.nan, nan_ok=True
            )
        if len(gaps) > 1:
            slope = np.polyfit(np.arange(len(gaps)), gaps, 1)[0]
            if len(gaps) > 2:
                assert found["gap_slope"] == pytest.approx(slope, rel=1e-4, abs=1e-4)
            assert found["gap_std"] == pytest.approx(gaps.std(ddof=1), rel=1e-4, abs=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": -1.0}, "values must be numbers from 0"),
        ({"value": np.nan}, "values must be numbers from 0"),
        ({"items": 0}, "quantities must be numbers above 0"),
        ({"date": "NaT"}, "every purchase needs a date"),
        ({"date": "2026-06-01"}, "there is no purchase before 2026-06-01"),
    ],
)
def test_what_makes_no_sense_is_refused(change, message):
    """With a message that says what to change."""
    row = {"customer": "ann", "date": "2026-01-01", "value": 1.0, "items": 1, **change}

    with pytest.raises(ValueError, match=message):
        features([tuple(row.values())])


def test_columns_of_different_length_are_refused():
    """Rather than broadcast."""
    with pytest.raises(ValueError, match="four columns of one length"):
        transaction_features(["ann"], ["2026-01-01"], [1.0, 2.0], [1], AS_OF)


def test_they_need_numpy_alone():
    """A caller has the client, not what training needs."""
    code = "import sys, stubtail_client.transactions.rfm; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert not {"pandas", "scipy", "sklearn", "lightgbm", "training"} & set(done.stdout.split())
