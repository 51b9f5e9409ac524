"""The features of purchase histories in words, for model.json: one description by name."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from training.features import Number

_ABOUT: Final = {
    "recency_days": "days since the last purchase",
    "tenure_days": "days since the first purchase",
    "recency_share": "days since the last purchase over days since the first",
    "active_days": "days from the first purchase to the last",
    "active_probability": "(active days / tenure) ^ purchases: near 0 after an unusual silence",
    "days_since_previous": "days since the purchase before the last",
    "days_since_third_last": "days since the third purchase from the end",
    "days_since_largest": "days since the purchase of most value, the latest of equals",
    "recency_to_mean_gap": "days since the last purchase over the mean gap",
    "recency_to_median_gap": "days since the last purchase over the median gap",
    "recency_to_longest_gap": "days since the last purchase over the longest gap",
    "recency_deviation": "days since the last purchase less the mean gap, in standard deviations",
    "purchases": "days with a purchase",
    "is_single": "1 if there is one purchase, 0 if more",
    "purchases_per_30d": "purchases for 30 days of tenure",
    "purchases_share_last_90d": "share of all purchases that the last 90 days hold",
    "active_months": "blocks of 30 days, counted back, with a purchase",
    "active_weeks": "blocks of 7 days, counted back, with a purchase",
    "active_months_share": "share of the blocks of 30 days since the start that have a purchase",
    "purchases_per_active_month": "purchases for each block of 30 days that has one",
    "spend_total": "dollars spent in all",
    "value_mean": "mean dollars a purchase",
    "value_median": "median dollars a purchase",
    "value_std": "standard deviation of dollars a purchase",
    "value_cv": "standard deviation over mean of dollars a purchase",
    "value_min": "dollars of the smallest purchase",
    "value_max": "dollars of the largest purchase",
    "value_last": "dollars of the last purchase",
    "value_previous": "dollars of the purchase before the last",
    "value_largest_share": "share of the largest purchase in all that was spent",
    "value_last_share": "share of the last purchase in all that was spent",
    "spend_per_30d": "dollars for 30 days of tenure",
    "spend_per_active_month": "dollars for each block of 30 days that has a purchase",
    "items_total": "items bought in all",
    "items_mean": "mean items a purchase",
    "items_max": "most items of a purchase",
    "items_last": "items of the last purchase",
    "unit_price_mean": "dollars an item, over all purchases",
    "unit_price_last": "dollars an item of the last purchase",
    "unit_price_min": "lowest dollars an item of a purchase",
    "unit_price_max": "highest dollars an item of a purchase",
    "gap_mean": "mean days between purchases",
    "gap_median": "median days between purchases",
    "gap_std": "standard deviation of days between purchases",
    "gap_cv": "standard deviation over mean of days between purchases",
    "gap_shortest": "shortest days between purchases",
    "gap_longest": "longest days between purchases",
    "gap_last": "days between the last two purchases",
    "gap_previous": "days between the two purchases before the last",
    "gap_last_to_mean": "days between the last two purchases over the mean",
    "gap_log_mean": "mean of the natural log of days between purchases",
    "burstiness": "(std - mean) / (std + mean) of gaps: -1 a clock, 0 chance, 1 bursts",
    "days_until_due": "mean gap less days since the last purchase; below 0 is overdue",
    "late_purchases_share": "share of purchases in the second half of the tenure",
    "late_spend_share": "share of dollars in the second half of the tenure",
    "value_slope": "change of dollars from a purchase to the next, least squares",
    "items_slope": "change of items from a purchase to the next, least squares",
    "gap_slope": "change of days from a gap to the next, least squares",
    "value_last_to_mean": "dollars of the last purchase over the mean",
    "value_last_three_to_mean": "mean dollars of the last three purchases over the mean",
    "purchases_centre": "mean days since a purchase over the tenure: 1 all at the start",
    "spend_centre": "the same, weighted with dollars",
    "share_weekend": "share of purchases on Saturday or Sunday",
    "weekday_entropy": "how evenly purchases lie over the week, nats",
    "share_holidays": "share of purchases in November or December",
    "share_month_start": "share of purchases on the first ten days of a month",
    "last_weekday": "day of the week of the last purchase, Monday is 0",
    "first_value": "dollars of the first purchase",
    "first_items": "items of the first purchase",
    "first_unit_price": "dollars an item of the first purchase",
    "first_weekday": "day of the week of the first purchase, Monday is 0",
    "first_day_of_year": "day of the year of the first purchase, from 1",
    "first_day_of_month": "day of the month of the first purchase, from 1",
    "days_to_second": "days from the first purchase to the second",
    "days_second_to_third": "days from the second purchase to the third",
    "second_value": "dollars of the second purchase",
    "second_to_first_value": "dollars of the second purchase over those of the first",
}
_FAMILIES: Final = (
    (r"(purchases|items)_last_(\d+)d", "{0} in the last {1} days"),
    (r"spend_last_(\d+)d", "dollars spent in the last {0} days"),
    (r"purchases_(\d+)_(\d+)d", "purchases from {0} to {1} days ago"),
    (r"gaps_share_(\d+)d", "share of gaps of at most {0} days"),
    (r"(purchases|spend)_trend_(\d+)d", "{0} of the last {1} days less those of as many before"),
    (r"(purchases|spend)_decayed_(\d+)d", "{0}, each halved for every {1} days that passed"),
    (r"share_quarter_(\d)", "share of purchases in quarter {0} of a year"),
    (r"share_(\w+day)", "share of purchases on a {0}"),
    (r"year_ago_(purchases|spend)_(\d+)d", "{0} in the {1} days that began a year ago"),
    (r"repeats_first_(\d+)d", "purchases after the first within {0} days of it"),
    (r"spend_first_(\d+)d", "dollars spent within {0} days of the first purchase"),
)


def explained(groups: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The groups of an explanation: season and cohort are one, as each group doubles the work.

    With six, an explained call evaluates 64 sets of groups, and stays within 5 ms.
    """
    apart = {name: tuple(members) for name, members in groups.items()}
    late = (*apart.pop("season"), *apart.pop("cohort"))
    return {**apart, "season_and_cohort": late}


def columns(names: Sequence[str], needed: Sequence[str]) -> tuple[Number, ...]:
    """The features of these names; most may be missing, as a single purchase has no rhythm.

    Args:
        names: in the order of the graph's input.
        needed: those that the graph computes with. A tree has a branch for what is missing,
            arithmetic makes NaN of it, so that a row without them is refused.

    Raises:
        KeyError: a name has no description.
    """
    return tuple(
        Number(
            name=name,
            description=about(name),
            missing="refuse" if name in needed else "allow",
        )
        for name in names
    )


def about(name: str) -> str:
    """What a feature says, in words and with its unit.

    Raises:
        KeyError: it has no description.
    """
    if name in _ABOUT:
        return _ABOUT[name]
    for pattern, text in _FAMILIES:
        if found := re.fullmatch(pattern, name):
            return text.format(*found.groups())
    raise KeyError(name)
