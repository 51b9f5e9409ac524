"""Frames of pandas or polars to columns, by what frames can do: neither library is imported."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from stubtail_client.columns import Column, column_of, number_column
from stubtail_client.errors import invalid_rows


def is_frame(rows: Any) -> bool:
    """Whether the rows have named columns that turn into numpy arrays."""
    return all(hasattr(rows, name) for name in ("columns", "to_numpy", "__getitem__", "__len__"))


def frame_columns(frame: Any) -> Iterator[Column | None]:
    """The columns of a frame: numeric dtypes as numbers, strings and categories as strings.

    A missing value is NaN among numbers and "" among strings. None stands for a column without
    any value, whose dtype says nothing: pandas reads an empty column of strings as float64.

    Raises:
        InvalidArgument: two columns share a name, or a column is neither numbers nor strings.
    """
    names = list(frame.columns)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise invalid_rows(str(twice), "two columns have this name")
    for name in names:
        yield _column(name, frame[name])


def _column(name: Any, series: Any) -> Column | None:
    values: np.ndarray[Any, Any] = series.to_numpy()
    if values.dtype.kind in "biuf" and isinstance(name, str):
        if values.dtype.kind == "f" and np.isnan(values).all():
            return None
        return number_column(name, values)
    if values.dtype.kind in "OUbiufT":
        return column_of(name, values.tolist())
    raise invalid_rows(
        str(name), f"values of type {values.dtype} are neither numbers nor strings; convert them"
    )
