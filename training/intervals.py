"""Conformal prediction: intervals that hold the truth as often as they say, and the proof of it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.floating[Any]]
Outcomes = npt.NDArray[np.integer[Any]]
Names = Mapping[str, Values]

COVERAGES: Final = (0.5, 0.8, 0.9, 0.95)
# Of a yes/no outcome: with less, many an interval would hold neither of the two.
OUTCOME_COVERAGES: Final = (0.8, 0.9, 0.95)
COVERAGE_TOLERANCE: Final = 0.02  # how far held-out coverage of a shipped model may be from nominal
DIGITS: Final = 6  # significant, rounded outwards: the same on every processor, never narrower


def split(
    scores: Values,
    truth: Values,
    *,
    meaning: str,
    minimum: float | None = None,
    maximum: float | None = None,
    coverages: Sequence[float] = COVERAGES,
) -> dict[str, Any]:
    """Split conformal prediction: the score, less and plus a constant for each coverage.

    Each side takes half of the misses (as Romano et al. 2019, theorem 2), so that skewed errors
    give skewed intervals. Sources: Vovk, Gammerman, Shafer, Algorithmic Learning in a Random
    World, 2005; Lei, G'Sell, Rinaldo, Tibshirani, Wasserman, JASA 113, 2018. With out-of-fold
    scores this is cross-conformal prediction (Vovk, Ann. Math. Artif. Intell. 74, 2015).

    Args:
        scores: predictions of rows that their model had not seen, [rows]; neither training rows of
            that model nor the rows that coverage is measured on.
        truth: what happened, in the unit of the scores, [rows].
        meaning: one sentence for people, with the unit.
        minimum: below it the truth cannot be; bounds are clipped to it. None: nothing is clipped.
        maximum: likewise, above.
        coverages: ascending, between 0 and 1.

    Returns:
        The `interval` object of model.json.

    Raises:
        ValueError: too few rows for the largest coverage, or a value is no number.
    """
    return _interval(
        "split", truth, (scores, scores), np.ones(len(scores)), coverages, meaning, minimum, maximum
    )


def normalised(
    scores: Values,
    truth: Values,
    spread: Values,
    *,
    scale: str,
    meaning: str,
    minimum: float | None = None,
    maximum: float | None = None,
    coverages: Sequence[float] = COVERAGES,
) -> dict[str, Any]:
    """Normalised conformal prediction: wide where the model expects large errors.

    Source: Papadopoulos, Gammerman, Vovk, AIAI 2008; Lei et al. 2018, section 5.2.

    Args:
        scores: as for `split`.
        truth: as for `split`.
        spread: the expected size of each row's error, above 0, [rows]; by a model that had not
            seen the row either.
        scale: the graph's output that holds this spread when serving.
        meaning: as for `split`; so are the rest, the result and the errors.
        minimum: as for `split`.
        maximum: as for `split`.
        coverages: as for `split`.
    """
    if not (np.asarray(spread) > 0).all():
        raise ValueError("the spread of a row must be above 0")
    found = _interval(
        "normalised", truth, (scores, scores), spread, coverages, meaning, minimum, maximum
    )
    return {**found, "scale": scale}


def quantile(
    lower_values: Values,
    upper_values: Values,
    truth: Values,
    *,
    lower: str,
    upper: str,
    meaning: str,
    minimum: float | None = None,
    maximum: float | None = None,
    coverages: Sequence[float] = COVERAGES,
) -> dict[str, Any]:
    """Conformalised quantile regression: two quantile models, moved until the coverage holds.

    The corrections may be negative: a coverage below that of the two quantiles moves them inwards.
    Source: Romano, Patterson, Candes, Conformalized Quantile Regression, NeurIPS 2019.

    Args:
        lower_values: the lower quantile of rows that its model had not seen, [rows].
        upper_values: the upper one, [rows].
        truth: as for `split`; so are the rest, the result and the errors.
        lower: the graph's output that holds the lower quantile when serving.
        upper: the graph's output that holds the upper one.
        meaning: as for `split`.
        minimum: as for `split`.
        maximum: as for `split`.
        coverages: as for `split`.
    """
    bases = (lower_values, upper_values)
    found = _interval(
        "quantile", truth, bases, np.ones(len(truth)), coverages, meaning, minimum, maximum
    )
    return {**found, "lower": lower, "upper": upper}


def outcome(
    probabilities: Values,
    labels: Outcomes,
    *,
    meaning: str,
    coverages: Sequence[float] = OUTCOME_COVERAGES,
) -> dict[str, Any]:
    """Split conformal prediction of a yes/no outcome, valid for each of the two outcomes.

    `upper` reaches 1 where "yes" cannot be ruled out and `lower` reaches 0 where "no" cannot: an
    interval that does both says that the row is undecided at this coverage. Those who turn out
    "yes" are covered as often as those who turn out "no", also where one is rare (label-conditional
    conformal prediction: Vovk, Conditional validity of inductive conformal predictors, ACML 2012).

    Args:
        probabilities: of "yes", of rows that their model had not seen, [rows].
        labels: 0 or 1, [rows].
        meaning: as for `split`; so are the rest, the result and the errors.
        coverages: as for `split`.
    """
    no, yes = probabilities[labels == 0], 1.0 - probabilities[labels == 1]
    return {
        "method": "split",
        "coverages": list(coverages),
        "below": [_rank(no, coverage) for coverage in coverages],
        "above": [_rank(yes, coverage) for coverage in coverages],
        "minimum": 0.0,
        "maximum": 1.0,
        "calibration_rows": len(labels),
        "meaning": meaning,
    }


def bounds(
    interval: Mapping[str, Any], outputs: Names, score: str, coverage: float
) -> tuple[Values, Values]:
    """Lower and upper bound of each row, [rows] each: what the server computes.

    Args:
        interval: the object of model.json.
        outputs: what the graph returned, by the name of the output, [rows] or [rows, 1] each.
        score: the output that the interval is about.
        coverage: one of the interval's `coverages`.
    """
    at = interval["coverages"].index(coverage)

    def column(key: str, fallback: Values) -> Values:
        name = interval.get(key)
        return fallback if name is None else np.asarray(outputs[name], np.float64).ravel()

    base = np.asarray(outputs[score], np.float64).ravel()
    spread = column("scale", np.ones_like(base))
    lower = column("lower", base) - interval["below"][at] * spread
    upper = column("upper", base) + interval["above"][at] * spread
    middle = (lower + upper) / 2  # where corrected quantiles have passed each other
    lower, upper = np.minimum(lower, middle), np.maximum(upper, middle)
    least, most = interval.get("minimum", -np.inf), interval.get("maximum", np.inf)
    return np.clip(lower, least, most), np.clip(upper, least, most)


def measure(
    interval: Mapping[str, Any], outputs: Names, score: str, truth: Values | Outcomes
) -> dict[str, Any]:
    """How often the truth lay inside, and how wide the intervals were, on rows held out.

    Args:
        interval: the object of model.json.
        outputs: as for `bounds`.
        score: as for `bounds`.
        truth: what happened, [rows]; 0 or 1 where the outcome is yes or no.

    Returns:
        For model.json: `rows`, and for each coverage of the grid the `nominal` one, the `measured`
        one and the `mean_width` in the unit of the score.
    """
    found = []
    for coverage in interval["coverages"]:
        lower, upper = bounds(interval, outputs, score, coverage)
        inside = (lower <= truth) & (truth <= upper)
        found.append(
            {
                "nominal": coverage,
                "measured": round(float(inside.mean()), 4),
                "mean_width": float(f"{float((upper - lower).mean()):.4g}"),
            }
        )
    return {"rows": len(truth), "coverages": found}


def _interval(
    method: str,
    truth: Values,
    bases: tuple[Values, Values],
    spread: Values,
    coverages: Sequence[float],
    meaning: str,
    minimum: float | None,
    maximum: float | None,
) -> dict[str, Any]:
    """The object with each side at the rank that leaves half of the misses to it."""
    low, high = (np.asarray(base, np.float64) for base in bases)
    sides = (low - truth) / spread, (truth - high) / spread
    levels = [(1.0 + coverage) / 2 for coverage in coverages]
    below, above = ([_rank(side, level) for level in levels] for side in sides)
    limits = {"minimum": minimum, "maximum": maximum}
    return {
        "method": method,
        "coverages": list(coverages),
        "below": below,
        "above": above,
        **{key: float(limit) for key, limit in limits.items() if limit is not None},
        "calibration_rows": len(truth),
        "meaning": meaning,
    }


def _rank(misfits: Values, level: float) -> float:
    """The ceil((rows + 1) * level)-th smallest misfit, rounded up; one more for the new row."""
    if not np.isfinite(misfits).all():
        raise ValueError("a calibration row has a value that is no number")
    rank = math.ceil(round((len(misfits) + 1) * level, 6))  # 0.9 * 10 is 9, not 9.000000000000002
    if rank > len(misfits):
        needed = math.ceil(level / (1 - level))
        raise ValueError(f"{len(misfits)} calibration rows are too few, {needed} are needed")
    return _rounded_up(float(np.partition(misfits, rank - 1)[rank - 1]))


def _rounded_up(value: float) -> float:
    """The least number of six significant digits that is not below `value`."""
    if value == 0:
        return 0.0
    places = DIGITS - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    return rounded if rounded >= value else round(value + 10.0**-places, places)
