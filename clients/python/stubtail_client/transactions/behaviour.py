"""Rhythm, trend, season and start of a customer's purchases: features of four groups."""

from typing import Final

import numpy as np

from stubtail_client.transactions.history import History, Numbers
from stubtail_client.transactions.rfm import gap_facts

_WEEKDAYS: Final = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
_TREND_WINDOWS: Final = (30, 90, 180)
_COUNT_HALF_LIVES: Final = (14, 30, 90, 180)
_SPEND_HALF_LIVES: Final = (30, 90, 180)
_SHORT_GAPS: Final = (7, 14, 30, 60)
_EARLY_WINDOWS: Final = (7, 14, 30, 60, 90)
_YEAR: Final = 365


def rhythm(h: History) -> dict[str, Numbers]:
    """The days between purchases; NaN for customers with one purchase."""
    mean, median, spread = gap_facts(h)
    gaps, pairs = h.gaps(), h.n - 1
    longest = h.most(np.nan_to_num(gaps))
    last = h.last(gaps, 2)
    return {
        "gap_mean": mean,
        "gap_median": median,
        "gap_std": spread,
        "gap_cv": spread / mean,
        "gap_shortest": h.least(np.nan_to_num(gaps, nan=np.inf)),
        "gap_longest": np.where(pairs > 0, longest, np.nan),
        "gap_last": last,
        "gap_previous": h.last(gaps, 3),
        "gap_last_to_mean": last / mean,
        "gap_log_mean": h.total(np.nan_to_num(np.log(gaps))) / pairs,
        "burstiness": (spread - mean) / (spread + mean),  # -1 a clock, 0 chance, 1 bursts
        "days_until_due": mean - h.recency,
        **{
            f"gaps_share_{days}d": h.total((gaps <= days).astype(np.float64)) / pairs
            for days in _SHORT_GAPS
        },
    }


def trend(h: History) -> dict[str, Numbers]:
    """Whether purchases become more or fewer, larger or smaller."""
    late = (h.ago <= (h.tenure / 2)[h.owner]).astype(np.float64)
    latest = (h.order >= (h.counts - 3)[h.owner]).astype(np.float64)
    mean = h.spend / h.n
    return {
        **{
            f"purchases_trend_{days}d": 2 * h.within(days) - h.within(2 * days)
            for days in _TREND_WINDOWS
        },
        **{
            f"spend_trend_{days}d": 2 * h.within(days, h.value) - h.within(2 * days, h.value)
            for days in _TREND_WINDOWS
        },
        "late_purchases_share": h.total(late) / h.n,
        "late_spend_share": h.total(late * h.value) / h.spend,
        "value_slope": h.slope(h.value, least=3),
        "items_slope": h.slope(h.items, least=3),
        "gap_slope": h.slope(h.gaps(), least=3),
        "value_last_to_mean": h.last(h.value) / mean,
        "value_last_three_to_mean": h.total(latest * h.value) / h.total(latest) / mean,
        **{f"purchases_decayed_{d}d": h.total(np.exp2(-h.ago / d)) for d in _COUNT_HALF_LIVES},
        **{
            f"spend_decayed_{d}d": h.total(np.exp2(-h.ago / d) * h.value) for d in _SPEND_HALF_LIVES
        },
        "purchases_centre": h.total(h.ago) / h.n / h.tenure,
        "spend_centre": h.total(h.ago * h.value) / h.spend / h.tenure,
    }


def season(h: History) -> dict[str, Numbers]:
    """On which days of the week and parts of the year, and what happened a year ago."""
    days = h.date.astype("datetime64[D]").astype(np.int64)
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
    month = h.date.astype("datetime64[M]").astype(np.int64) % 12  # January is 0
    day_of_month = (h.date - h.date.astype("datetime64[M]")).astype(np.int64) + 1
    shares = np.stack([h.total((weekday == day).astype(np.float64)) / h.n for day in range(7)])
    logs = np.log(np.where(shares > 0, shares, 1.0))

    def year_ago(length: int, x: Numbers | None = None) -> Numbers:
        return h.within(_YEAR, x) - h.within(_YEAR - length, x)

    return {
        **{f"share_{name}": shares[day] for day, name in enumerate(_WEEKDAYS)},
        "share_weekend": shares[5] + shares[6],
        "weekday_entropy": -(shares * logs).sum(axis=0),
        **{
            f"share_quarter_{quarter + 1}": h.total((month // 3 == quarter).astype(np.float64))
            / h.n
            for quarter in range(4)
        },
        "share_holidays": h.total((month >= 10).astype(np.float64)) / h.n,
        "share_month_start": h.total((day_of_month <= 10).astype(np.float64)) / h.n,
        "last_weekday": h.last(weekday.astype(np.float64)),
        "year_ago_purchases_30d": year_ago(30),
        "year_ago_purchases_90d": year_ago(90),
        "year_ago_spend_90d": year_ago(90, h.value),
    }


def cohort(h: History) -> dict[str, Numbers]:
    """How and when the customer began: compares those of one age or one start."""
    since = h.tenure[h.owner] - h.ago
    first_date = h.date[h.starts].astype("datetime64[D]")
    in_year = (first_date - first_date.astype("datetime64[Y]")).astype(np.float64) + 1
    in_month = (first_date - first_date.astype("datetime64[M]")).astype(np.float64) + 1
    return {
        "first_value": h.first(h.value),
        "first_items": h.first(h.items),
        "first_unit_price": h.first(h.value) / h.first(h.items),
        "first_weekday": ((first_date.astype(np.int64) + 3) % 7).astype(np.float64),
        "first_day_of_year": in_year,
        "first_day_of_month": in_month,
        **{
            f"repeats_first_{days}d": h.total((since <= days).astype(np.float64)) - 1
            for days in _EARLY_WINDOWS
        },
        "spend_first_30d": h.total((since <= 30) * h.value),
        "spend_first_90d": h.total((since <= 90) * h.value),
        "days_to_second": h.tenure - h.first(h.ago, 2),
        "days_second_to_third": h.first(h.ago, 2) - h.first(h.ago, 3),
        "second_value": h.first(h.value, 2),
        "second_to_first_value": h.first(h.value, 2) / h.first(h.value),
    }
