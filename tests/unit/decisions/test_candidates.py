"""Grids and lists become columns of candidates, or say what is wrong with them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from stubtail.decisions.candidates import (
    AXES_MAX,
    CANDIDATES_MAX,
    CHANGES_MAX,
    Axis,
    check_axes,
    check_columns,
    from_grid,
    from_list,
)
from stubtail.decisions.changes import TEXT_CHARACTERS_MAX, Candidates, Variable
from stubtail.errors import CallError

VARIABLES = {
    variable.name: variable
    for variable in (
        Variable("price", 2.0, 0, minimum=1.0, maximum=4.0),
        Variable("plan", "basic", 1, {"basic": 0.0, "plus": 1.0}),
        Variable("bonus", float("nan"), 2),
        Variable("cost", 1.5),
        Variable("region", "north"),
    )
}


def numbers(name: str, *values: float) -> Axis:
    """An axis of numbers."""
    return Axis(name, values, is_text=False, path=f"axis[{name}]", form="values")


def texts(name: str, *values: str) -> Axis:
    """An axis of strings."""
    return Axis(name, values, is_text=True, path=f"axis[{name}]", form="values")


def grid(*axes: Axis) -> Candidates:
    """The candidates of a grid."""
    made = from_grid(axes, VARIABLES)
    made.check()
    return made


def refusal(error: pytest.ExceptionInfo[CallError]) -> str:
    """What the error says."""
    assert error.value.reason == "INVALID_FIELD"
    return error.value.message


def test_a_grid_has_all_combinations_with_the_last_axis_fastest() -> None:
    """Two prices times two plans times three costs."""
    made = grid(
        numbers("price", 1.0, 3.0), texts("plan", "plus", "basic"), numbers("cost", 7, 8, 9)
    )
    price, plan, cost = made.changes

    assert made.count == 12
    assert price.values.tolist() == [1.0] * 6 + [3.0] * 6
    assert plan.values.tolist() == (["plus"] * 3 + ["basic"] * 3) * 2
    assert plan.cells is not None
    assert plan.cells.tolist() == ([1.0] * 3 + [0.0] * 3) * 2
    assert cost.values.tolist() == [7.0, 8.0, 9.0] * 4
    assert cost.cells is None


def test_a_grid_may_be_as_large_as_the_bound_and_no_larger() -> None:
    """The product is compared, however large it would be."""
    assert grid(numbers("price", *range(CANDIDATES_MAX))).count == CANDIDATES_MAX
    with pytest.raises(CallError) as error:
        grid(*(numbers(name, *range(10_000)) for name in ("price", "cost", "bonus")))
    assert refusal(error) == (
        "grid.axes: must make at most 10,000 candidates, "
        "got 10000 x 10000 x 10000 = 1,000,000,000,000"
    )


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ([numbers("price")], "axis[price].values: must have at least one value"),
        ([numbers("prise", 1.0)], "'prise' is not a feature or a parameter; did you mean 'price'?"),
        ([numbers("", 1.0)], "'' is not a feature or a parameter"),
        ([numbers("price", 1.0)] * 2, "'price' is there twice"),
        ([texts("price", "1")], "axis[price].values: 'price' must be given as numbers"),
        ([numbers("plan", 1.0)], "axis[plan].values: 'plan' must be given as strings"),
        (
            [numbers("price", 1.0, np.nan)],
            "axis[price].values[1]: must be a finite 32-bit number, got nan",
        ),
        (
            [numbers("price", 1e39)],
            "axis[price].values[0]: must be a finite 32-bit number, got 1e+39",
        ),
        ([numbers("cost", np.inf)], "axis[cost].values[0]: must be a finite number, got inf"),
        (
            [texts("plan", "plus", "pluss")],
            "axis[plan].values[1]: 'pluss' is not one of 'basic', 'plus'",
        ),
        ([texts("plan", "")], "axis[plan].values[0]: '' is not one of 'basic', 'plus'"),
        ([texts("region", "n" * (TEXT_CHARACTERS_MAX + 1))], "strings of at most 256 characters"),
    ],
)
def test_a_wrong_axis_is_named(axes: list[Axis], message: str) -> None:
    """Which axis, which value, and what was expected."""
    with pytest.raises(CallError) as error:
        grid(*axes)
    assert message in refusal(error)


@pytest.mark.parametrize(
    ("check", "most", "what"),
    [(check_axes, AXES_MAX, "grid.axes"), (check_columns, CHANGES_MAX, "list.columns")],
)
def test_so_many_axes_or_columns(check: Callable[[int], None], most: int, what: str) -> None:
    """One is enough; what is too many is never read."""
    check(1)
    check(most)
    for count in (0, most + 1, 1 << 24):
        with pytest.raises(CallError) as error:
            check(count)
        assert refusal(error).startswith(f"{what}: must be 1 to {most}")
        assert refusal(error).endswith(f"got {count}")


class Untouchable(Sequence[Any]):
    """Many values that nobody may look at."""

    def __len__(self) -> int:
        return CANDIDATES_MAX + 1

    def __getitem__(self, index: Any) -> Any:
        raise AssertionError("a value was read before the values were counted")


def test_too_many_values_are_not_read() -> None:
    """Their number says enough."""
    for is_text in (True, False):
        axis = Axis("plan", Untouchable(), is_text=is_text, path="axis", form="values")
        with pytest.raises(CallError):
            grid(axis)
    for numbers_sent, texts_sent in (((), Untouchable()), (Untouchable(), ())):
        with pytest.raises(CallError):
            from_list([("plan", numbers_sent, texts_sent)], VARIABLES)


def test_what_strings_take_is_counted_in_utf8() -> None:
    """All of them, and a bound on one, also where an axis repeats them."""
    made = grid(texts("region", "a", "né"), numbers("price", 1.0, 2.0, 3.0))
    region, price = made.changes
    assert region.text_bytes == 3 * (1 + 3)
    assert region.text_bytes_max >= 3
    assert (price.text_bytes, price.text_bytes_max) == (0, 0)
    (plan,) = from_list([("plan", [], ["", "plus"])], VARIABLES).changes
    assert plan.text_bytes == len("basic") + len("plus")


def test_parameters_have_doubles_beyond_float32() -> None:
    """Nothing of them reaches the model."""
    assert grid(numbers("cost", 1e39)).changes[0].values.tolist() == [1e39]


def test_a_list_keeps_what_it_leaves_out() -> None:
    """NaN and the empty string stand for the context's value."""
    made = from_list(
        [("price", [3.0, np.nan], []), ("plan", [], ["", "plus"]), ("bonus", [np.nan, 1.0], [])],
        VARIABLES,
    )
    price, plan, bonus = made.changes

    assert made.count == 2
    assert price.values.tolist() == [3.0, 2.0]
    assert plan.values.tolist() == ["basic", "plus"]
    np.testing.assert_array_equal(bonus.values, [np.nan, 1.0])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([("price", [], [])], "list.columns[price]: must have 1 to 10,000 values, got 0"),
        ([("price", [1.0] * 10_001, [])], "must have 1 to 10,000 values, got 10,001"),
        ([("price", [1.0], ["a"])], "list.columns[price]: has both numbers and strings"),
        (
            [("price", [1.0] * 10_000, [])] * 11,
            "list.columns: must have at most 100,000 values, got 11 x 10,000",
        ),
        (
            [("plan", [], ["plus"] * 10_000)] * 3,
            "list.columns: must have at most 20,000 strings, got 3 x 10,000",
        ),
        (
            [("price", [1.0], []), ("cost", [1.0, 2.0], [])],
            "list.columns[cost]: must have 1 values like the others, got 2",
        ),
        ([("price", [], ["1"])], "list.columns[price]: 'price' must be given as numbers"),
        ([("plan", [1.0], [])], "list.columns[plan]: 'plan' must be given as strings"),
        ([("price", [np.inf], [])], "list.columns[price][0]: must be a finite 32-bit number"),
        ([("plan", [], ["blus"])], "list.columns[plan][0]: 'blus' is not one of 'basic', 'plus'"),
        ([("price", [1.0], [])] * 2, "list.columns[price]: 'price' is there twice"),
        ([("", [1.0], [])], "list.columns[0]: '' is not a feature or a parameter"),
    ],
)
def test_a_wrong_column_is_named(
    columns: list[tuple[str, list[float], list[str]]], message: str
) -> None:
    """Which column, which value, and what was expected."""
    with pytest.raises(CallError) as error:
        from_list(columns, VARIABLES).check()
    assert message in refusal(error)


def test_the_columns_of_a_grid_are_made_when_they_are_read() -> None:
    """What waits is what was sent; and each column is made once."""
    made = grid(*(numbers(name, *range(100)) for name in ("price", "cost")))
    assert made.size_bytes <= 2 * 2 * 8 * 100
    price, cost = made.changes
    assert "values" not in vars(price)
    assert len(price.values) == len(cost.values) == 10_000
    assert price.values is price.values
    assert price.cells is price.values
