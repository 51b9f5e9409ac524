"""Pins what each form of input becomes on the wire, and what is refused before sending."""

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stubtail.v1 import scoring_pb2
from stubtail_client import InvalidArgument
from stubtail_client.rows import read_rows


def decoded(rows) -> scoring_pb2.ScoreRequest:
    """The rows as the server reads them."""
    block = read_rows(rows)
    return scoring_pb2.ScoreRequest.FromString(block.encoded(0, block.count))


def columns(rows) -> dict[str, list[Any]]:
    """The named columns as the server reads them."""
    return {
        column.name: list(column.numbers) or list(column.strings)
        for column in decoded(rows).named.columns
    }


def test_dict_is_one_row():
    """A mapping is one row of named features."""
    assert columns({"tenure": 3, "contract": "One year", "charges": 70.5}) == {
        "tenure": [3.0],
        "contract": ["One year"],
        "charges": [70.5],
    }
    assert read_rows({"tenure": 3}).count == 1


def test_none_leaves_a_feature_out():
    """A feature whose values are all None is absent, which for the server is missing."""
    assert columns({"tenure": 3, "contract": None}) == {"tenure": [3.0]}


def test_numbers_of_other_types_are_numbers():
    """bool, numpy scalars and Decimal are numbers."""
    rows = {"a": True, "b": np.float32(1.5), "c": np.int64(7), "d": Decimal("2.5"), "e": np.True_}

    assert columns(rows) == {"a": [1.0], "b": [1.5], "c": [7.0], "d": [2.5], "e": [1.0]}


def test_numpy_strings_are_strings():
    """A string from a numpy array is a string."""
    assert columns({"a": np.str_("x")}) == {"a": ["x"]}


def test_dicts_become_columns():
    """A list of dicts is sent as columns; what a row leaves out is missing in that row."""
    rows = [{"tenure": 3, "contract": "One year"}, {"contract": None, "charges": 1.5}]

    found = columns(rows)

    assert found["contract"] == ["One year", ""]
    assert found["tenure"][0] == 3.0
    assert math.isnan(found["tenure"][1])
    assert math.isnan(found["charges"][0])
    assert found["charges"][1] == 1.5


def test_nan_among_strings_is_missing():
    """Records made from a frame have NaN where a string is missing."""
    assert columns([{"a": "x"}, {"a": math.nan}, {"a": pd.NA}]) == {"a": ["x", "", ""]}


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "?", ">f4"])
def test_array_is_dense(dtype):
    """An array [N, F] is sent row-major as float32, whatever its dtype and layout."""
    array = np.asfortranarray(np.array([[1, 0, 1], [0, 1, 1]], dtype=dtype))

    request = decoded(array)

    assert list(request.dense.values) == [1, 0, 1, 0, 1, 1]
    assert read_rows(array).count == 2


def test_vector_is_one_row():
    """An array [F] is one row."""
    assert read_rows(np.ones(19)).count == 1
    assert len(decoded(np.ones(19)).dense.values) == 19


def test_masked_array_has_nan_where_masked():
    """A mask is not lost: the value under it is missing."""
    array = np.ma.masked_array([[1.0, 2.0]], mask=[[False, True]])

    _, masked = decoded(array).dense.values  # noqa: PD011 - a field of protobuf

    assert math.isnan(masked)


def test_frame_columns_follow_their_dtype():
    """Numeric dtypes are numbers; str, object and categorical are strings; NaN stays missing."""
    frame = pd.DataFrame(
        {
            "floats": [1.5, np.nan],
            "ints": [1, 2],
            "bools": [True, False],
            "nullable": pd.array([1, None], dtype="Int64"),
            "category": pd.Categorical(["a", None]),
            "text": pd.array(["b", None], dtype="string"),
            "objects": np.array(["c", np.nan], dtype=object),
            "empty": [np.nan, np.nan],
        }
    )

    found = columns(frame)

    assert found["ints"] == [1.0, 2.0]
    assert found["bools"] == [1.0, 0.0]
    assert found["category"] == ["a", ""]
    assert found["text"] == ["b", ""]
    assert found["objects"] == ["c", ""]
    assert found["floats"][0] == 1.5
    assert math.isnan(found["floats"][1])
    assert found["nullable"][0] == 1.0
    assert math.isnan(found["nullable"][1])
    assert "empty" not in found


@pytest.mark.parametrize(
    ("rows", "field", "words"),
    [
        ("tenure", "rows", "not str"),
        (None, "rows", "not NoneType"),
        (3.5, "rows", "not float"),
        ([], "rows", "no row"),
        ({}, "rows", "no row"),
        ({"a": None}, "rows", "no row"),
        ([{"a": 1}, [1, 2]], "rows[1]", "numpy.array(rows)"),
        ({"a": [1, 2]}, "a", "list of dicts"),
        ({"a": b"x"}, "a", "bytes"),
        ({"a": 1j}, "a", "complex"),
        ({"a": 10**400}, "a", "too large"),
        ([{"a": 10**400}, {"a": None}], "a", "too large"),
        ({"a": "\ud800"}, "a", "Unicode"),
        ({1: 2.0}, "1", "is a string"),
        ([{"a": 1}, {"a": "x"}], "a", "row 1 has 'x'"),
        (np.array([["x"]]), "rows", "list of dicts"),
        (np.zeros((2, 3, 4)), "rows", "[2, 3, 4]"),
        (np.zeros((0, 3)), "rows", "[0, 3]"),
        (np.zeros(()), "rows", "[]"),
        (np.full((1, 2), 1e300), "rows", "too large"),
        (np.ma.masked_invalid([[1e300, np.nan]]), "rows", "too large"),
        (pd.Series({"a": 1.0}), "rows", "to_dict"),
        (pd.DataFrame(), "rows", "no row"),
        (pd.DataFrame({"a": []}), "rows", "no row"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "a", "two columns"),
        (pd.DataFrame({"t": pd.to_datetime(["2026-01-01"])}), "t", "datetime64"),
        (pd.DataFrame({0: [1.0]}), "0", "is a string"),
    ],
)
def test_refusal_names_the_field(rows, field, words):
    """What no model could take is refused before sending, in the form the server would use."""
    with pytest.raises(InvalidArgument) as caught:
        read_rows(rows)

    assert caught.value.violations[0].field == field
    assert words in caught.value.violations[0].description
    assert caught.value.reason == "INVALID_FIELD"


@given(st.integers(1, 400), st.integers(1, 30), st.integers(1, 500), st.integers(4, 5000))
def test_dense_parts_cover_all_rows_in_order(rows, features, rows_max, bytes_max):
    """Parts are consecutive, none is empty, and none but a single row exceeds the bound."""
    block = read_rows(np.zeros((rows, features), np.float32))

    parts = block.parts(rows_max, bytes_max)

    assert [start for start, _ in parts] == [0, *(stop for _, stop in parts[:-1])]
    assert parts[-1][1] == rows
    for start, stop in parts:
        assert start < stop <= start + rows_max
        assert stop - start == 1 or (stop - start) * features * 4 <= bytes_max


@given(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=40), min_size=1, max_size=100),
    st.integers(1, 120),
    st.integers(40, 2000),
)
def test_named_parts_keep_the_bounds(strings, rows_max, bytes_max):
    """Parts of strings are measured in UTF-8, not in characters."""
    block = read_rows([{"text": text, "number": 1.0} for text in strings])

    parts = block.parts(rows_max, bytes_max)

    assert [start for start, _ in parts] == [0, *(stop for _, stop in parts[:-1])]
    assert parts[-1][1] == len(strings)
    for start, stop in parts:
        assert start < stop <= start + rows_max
        assert stop - start == 1 or len(block.encoded(start, stop)) <= bytes_max + 16
