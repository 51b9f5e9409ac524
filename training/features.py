"""What the columns of a row mean: their types, codes and rules, and how training saw them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int8]

QUANTILES: Final = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
DIGITS: Final = 6  # significant; more would differ between processors in the last places


class DataError(ValueError):
    """A data set does not hold what its description says."""


class Part(NamedTuple):
    """Some rows of a data set, [rows, features], and their outcomes, 0 or 1, [rows].

    `groups` are int64 [rows]: rows of one group stay together when the part is split. None where
    rows stand for themselves.
    """

    rows: Matrix
    labels: Labels
    groups: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A column of numbers; `default` stands in for a missing value where `missing` says so.

    `minimum` and `maximum` are what `outside` is about; None takes the range seen in training.
    A value outside is scored as it is, refused, or clipped with a warning to the caller.
    """

    name: str
    description: str
    missing: Literal["refuse", "allow", "default"] = "refuse"
    default: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    outside: Literal["allow", "refuse", "clip"] = "allow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A column of names; its code is the position in `categories`, as a float."""

    name: str
    description: str
    categories: tuple[str, ...]
    missing: Literal["refuse", "default"] = "refuse"
    unknown: Literal["refuse", "default"] = "refuse"
    default: str | None = None


Feature = Number | Category


def encode(frame: Any, features: Sequence[Feature]) -> Matrix:
    """The rows as the graph takes them: float32 [rows, features], codes for categories.

    The rounding to float32 happens here, before training, so that training and serving compare
    the same numbers.

    Raises:
        DataError: a column is absent, or holds a value that its feature does not allow.
    """
    absent = [feature.name for feature in features if feature.name not in frame.columns]
    if absent:
        raise DataError(f"the data set has no column {', '.join(absent)}")
    columns = [_encode_column(frame[feature.name], feature) for feature in features]
    return np.column_stack(columns).astype(np.float32)


def _encode_column(column: Any, feature: Feature) -> npt.NDArray[np.float64]:
    if isinstance(feature, Category):
        codes = {category: code for code, category in enumerate(feature.categories)}
        strange = sorted({str(value) for value in column if value not in codes})
        if strange:
            raise DataError(f"{feature.name}: the data set has {strange}, which is no category")
        return np.array([codes[value] for value in column], dtype=np.float64)
    values = column.to_numpy(dtype=np.float64)
    if feature.missing == "refuse" and np.isnan(values).any():
        raise DataError(
            f"{feature.name}: the data set has missing values, the feature refuses them"
        )
    return np.asarray(values)


def as_json(features: Sequence[Feature], rows: Matrix) -> list[dict[str, Any]]:
    """The features as model.json lists them; `rows` (training rows) give the ranges."""
    listed = []
    for index, feature in enumerate(features):
        entry: dict[str, Any] = {"name": feature.name}
        if isinstance(feature, Category):
            entry["type"] = "category"
            entry["description"] = feature.description
            entry["categories"] = list(feature.categories)
            entry["missing"] = feature.missing
            entry["unknown"] = feature.unknown
        else:
            entry["type"] = "number"
            entry["description"] = feature.description
            least, most = feature.minimum, feature.maximum
            seen = rows[:, index]
            entry["minimum"] = _plain(np.nanmin(seen) if least is None else least)
            entry["maximum"] = _plain(np.nanmax(seen) if most is None else most)
            entry["missing"] = feature.missing
            if feature.outside != "allow":
                entry["outside"] = feature.outside
        if feature.default is not None:
            is_number = isinstance(feature, Number)
            entry["default"] = float(feature.default) if is_number else feature.default
        listed.append(entry)
    return listed


def statistics(features: Sequence[Feature], rows: Matrix) -> dict[str, dict[str, Any]]:
    """How each column was distributed, by feature name: the yardstick for drift."""
    return {
        feature.name: _frequencies(feature, rows[:, index])
        if isinstance(feature, Category)
        else describe(rows[:, index])
        for index, feature in enumerate(features)
    }


def describe(values: Matrix) -> dict[str, Any]:
    """Count, missing, mean, standard deviation and quantiles of numbers [rows]; NaN is missing."""
    known = values[~np.isnan(values)].astype(np.float64)
    quantiles = np.quantile(known, QUANTILES)
    return {
        "count": int(known.size),
        "missing": int(values.size - known.size),
        "mean": _plain(known.mean()),
        "std": _plain(known.std()),
        "quantiles": {f"{q:g}": _plain(v) for q, v in zip(QUANTILES, quantiles, strict=True)},
    }


def _frequencies(feature: Category, codes: Matrix) -> dict[str, Any]:
    counts = np.bincount(codes.astype(np.int64), minlength=len(feature.categories))
    return {
        "count": int(codes.size),
        "missing": 0,
        "frequencies": {
            category: _plain(count / codes.size)
            for category, count in zip(feature.categories, counts, strict=True)
        },
    }


def _plain(value: float | np.floating[Any]) -> float:
    """A float with few digits: the same text on every processor."""
    return float(f"{float(value):.{DIGITS}g}")
