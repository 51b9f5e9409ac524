"""How recently, how often and for how much a customer bought: features of three groups."""

from typing import Final

import numpy as np

from stubtail_client.transactions.history import History, Numbers

_COUNT_WINDOWS: Final = (7, 14, 30, 60, 90, 180, 270, 365)
_SPANS: Final = ((31, 60), (61, 90), (91, 180), (181, 365))
_SPEND_WINDOWS: Final = (30, 60, 90, 180, 365)


def deviation(n: Numbers, total: Numbers, squares: Numbers) -> Numbers:
    """The standard deviation of a sample from its size and sums; NaN below two values."""
    spread = np.sqrt(np.maximum(squares - total * total / n, 0.0) / (n - 1))
    return np.where(n >= 2, spread, np.nan)


def gap_facts(h: History) -> tuple[Numbers, Numbers, Numbers]:
    """Mean, median and standard deviation of the days between purchases, [customers] each."""
    gaps = h.gaps()
    known = np.nan_to_num(gaps)
    total, n = h.total(known), h.n - 1
    return total / n, h.median(gaps), deviation(n, total, h.total(known**2))


def recency(h: History) -> dict[str, Numbers]:
    """How long ago, in days and against the customer's own habit."""
    mean, median, spread = gap_facts(h)
    largest = h.value >= h.most(h.value)[h.owner]
    active = h.tenure - h.recency
    return {
        "recency_days": h.recency,
        "tenure_days": h.tenure,
        "recency_share": h.recency / h.tenure,
        "active_days": active,
        # the chance of so long a silence from somebody who still buys at random [Schmittlein 1987]
        "active_probability": (active / h.tenure) ** h.n,
        "days_since_previous": h.last(h.ago, 2),
        "days_since_third_last": h.last(h.ago, 3),
        "days_since_largest": h.least(np.where(largest, h.ago, np.inf)),
        "recency_to_mean_gap": h.recency / mean,
        "recency_to_median_gap": h.recency / median,
        "recency_to_longest_gap": h.recency / h.most(np.nan_to_num(h.gaps())),
        "recency_deviation": (h.recency - mean) / spread,
    }


def frequency(h: History) -> dict[str, Numbers]:
    """How many purchases, in all and in windows counted back from the date."""
    blocks = active_blocks(h, 30)
    return {
        "purchases": h.n,
        "is_single": (h.n == 1).astype(np.float64),
        **{f"purchases_last_{days}d": h.within(days) for days in _COUNT_WINDOWS},
        **{f"purchases_{near}_{far}d": h.within(far) - h.within(near - 1) for near, far in _SPANS},
        "purchases_per_30d": h.n / h.tenure * 30,
        "purchases_share_last_90d": h.within(90) / h.n,
        "active_months": blocks,
        "active_weeks": active_blocks(h, 7),
        "active_months_share": blocks / np.ceil(h.tenure / 30),
        "purchases_per_active_month": h.n / blocks,
    }


def active_blocks(h: History, days: int) -> Numbers:
    """In how many blocks of so many days, counted back from the date, the customer bought."""
    block = np.ceil(h.ago / days)
    fresh = (h.order == 0) | (np.append(0.0, block[:-1]) != block)
    return h.total(fresh.astype(np.float64))


def value(h: History) -> dict[str, Numbers]:
    """How much money and how many items, in all, a purchase and an item."""
    mean, items, price = h.spend / h.n, h.total(h.items), h.value / h.items
    spread = deviation(h.n, h.spend, h.total(h.value**2))
    return {
        "spend_total": h.spend,
        "value_mean": mean,
        "value_median": h.median(h.value),
        "value_std": spread,
        "value_cv": spread / mean,
        "value_min": h.least(h.value),
        "value_max": h.most(h.value),
        "value_last": h.last(h.value),
        "value_previous": h.last(h.value, 2),
        "value_largest_share": h.most(h.value) / h.spend,
        "value_last_share": h.last(h.value) / h.spend,
        **{f"spend_last_{days}d": h.within(days, h.value) for days in _SPEND_WINDOWS},
        "spend_per_30d": h.spend / h.tenure * 30,
        "spend_per_active_month": h.spend / active_blocks(h, 30),
        "items_total": items,
        "items_mean": items / h.n,
        "items_max": h.most(h.items),
        "items_last": h.last(h.items),
        "items_last_90d": h.within(90, h.items),
        "items_last_365d": h.within(365, h.items),
        "unit_price_mean": h.spend / items,
        "unit_price_last": h.last(price),
        "unit_price_min": h.least(price),
        "unit_price_max": h.most(price),
    }
