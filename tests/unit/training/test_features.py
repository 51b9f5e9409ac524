"""Columns become codes and numbers, and their statistics say how they were distributed."""

import numpy as np
import pandas as pd
import pytest

from training.features import Category, DataError, Number, as_json, encode, statistics

AGE = Number(name="age", description="years")
PAID = Number(name="paid", description="US dollars", missing="allow")
PLAN = Category(name="plan", description="the plan", categories=("small", "large"))
FRAME = pd.DataFrame(
    {"plan": ["large", "small", "large", "large"], "age": [1, 2, 3, 10], "paid": [0.1, None, 3, 4]}
)


def test_categories_become_their_position_and_columns_follow_the_features():
    """The order is that of the features, whatever the order of the frame."""
    rows = encode(FRAME, (AGE, PLAN))

    assert rows.dtype == np.float32
    assert rows.tolist() == [[1, 1], [2, 0], [3, 1], [10, 1]]


def test_missing_stays_nan_where_it_is_allowed():
    """NaN reaches the trees, and values are those that a float32 can hold."""
    column = encode(FRAME, (PAID,))[:, 0]

    assert np.isnan(column[1])
    assert column[0] == np.float32(0.1)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (FRAME.drop(columns="plan"), "no column plan"),
        (FRAME.assign(plan="huge"), r"plan: the data set has \['huge'\]"),
        (FRAME.assign(plan=[None, "small", "small", "small"]), "plan: the data set has"),
        (FRAME.assign(age=[None, 1, 2, 3]), "age: the data set has missing values"),
    ],
)
def test_a_data_set_that_is_not_as_described_is_refused(frame, message):
    """A changed data set stops the training with the column's name."""
    with pytest.raises(DataError, match=message):
        encode(frame, (AGE, PLAN))


def test_statistics_skip_what_is_missing():
    """Mean and quantiles are those of the known values; missing ones are counted."""
    found = statistics((PAID, PLAN), encode(FRAME, (PAID, PLAN)))

    assert (found["paid"]["count"], found["paid"]["missing"]) == (3, 1)
    assert found["paid"]["mean"] == pytest.approx(7.1 / 3, rel=1e-5)
    assert found["paid"]["std"] == pytest.approx(np.std([0.1, 3, 4]), rel=1e-5)
    assert found["paid"]["quantiles"]["0.5"] == 3.0
    assert found["plan"] == {
        "count": 4,
        "missing": 0,
        "frequencies": {"small": 0.25, "large": 0.75},
    }


def test_ranges_and_defaults_are_listed():
    """Numbers carry the range seen in training; a default appears only where there is one."""
    female = Number(name="age", description="years", missing="default", default=0)

    listed = as_json((female, PLAN), encode(FRAME, (AGE, PLAN)))

    assert listed[0] == {
        "name": "age",
        "type": "number",
        "description": "years",
        "minimum": 1.0,
        "maximum": 10.0,
        "missing": "default",
        "default": 0.0,
    }
    assert "default" not in listed[1]
    assert listed[1]["categories"] == ["small", "large"]


def test_a_range_of_the_feature_stands_above_the_one_seen():
    """What is allowed is known better than what 4 rows have shown; "allow" is not written."""
    share = Number(name="age", description="", minimum=0, maximum=9, outside="refuse")

    (listed,) = as_json((share,), encode(FRAME, (share,)))

    assert (listed["minimum"], listed["maximum"], listed["outside"]) == (0.0, 9.0, "refuse")
    assert "outside" not in as_json((AGE,), encode(FRAME, (AGE,)))[0]
