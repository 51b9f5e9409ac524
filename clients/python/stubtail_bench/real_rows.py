"""Rows of a CSV file as numbers: categories become their codes, as the model counts them."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stubtail_bench.errors import LoadError
from stubtail_bench.served import Feature

Rows = npt.NDArray[np.float32]


def read_rows(path: Path, features: Sequence[Feature], width: int) -> Rows:
    """The rows of a CSV file with a head.

    Args:
        path: The file.
        features: Of the model; columns are found by their names, others are left out. Without
            features all columns must be numbers, in the order of the tensor.
        width: Columns of the tensor.

    Returns:
        float32 [rows, width]; an empty cell of a number is NaN.

    Raises:
        LoadError: A column is missing, a cell cannot be read, or there is no row.
    """
    with path.open(newline="", encoding="utf-8") as lines:
        table = csv.reader(lines)
        head = next(table, [])
        body = [row for row in table if row]
    if not body:
        raise LoadError(f"{path.name} has no rows")
    wanted = [feature.name for feature in features] or head
    missing = [name for name in wanted if name not in head]
    if missing or len(wanted) != width:
        what = f"lacks {', '.join(missing)}" if missing else f"has not the {width} columns"
        raise LoadError(f"{path.name} {what} of the model")
    codes = {
        feature.name: {text: float(code) for code, text in enumerate(feature.categories)}
        for feature in features
        if feature.categories
    }
    places = [head.index(name) for name in wanted]
    rows = np.empty((len(body), width), np.float32)
    for number, row in enumerate(body):
        for column, (name, place) in enumerate(zip(wanted, places, strict=True)):
            try:
                rows[number, column] = _number(row[place], codes.get(name))
            except (ValueError, KeyError, IndexError) as error:
                raise LoadError(
                    f"{path.name}, row {number + 1}: {name} cannot be read: {error}"
                ) from error
    return rows


def _number(cell: str, codes: dict[str, float] | None) -> float:
    if not cell and codes is None:
        return float("nan")
    return codes[cell] if codes is not None else float(cell)
