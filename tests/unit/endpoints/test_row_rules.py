"""Pins the rules of a manifest over the cells of a batch."""

import numpy as np
import pytest

from stubtail.endpoints.row_rules import FLOAT32_MAX, Change, RowRules
from tests.unit.endpoints.loaded import category, number

NAN, INF = np.nan, np.inf
FEATURES = (
    number("age"),
    number("charge", missing="allow"),
    number("visits", missing="default", default=7.0),
    category("plan", "a", "b", "c"),
    category("colour", "red", "blue", missing="default", unknown="default", default="blue"),
)
GOOD = [30.0, 2.5, 3.0, 2.0, 0.0]


@pytest.fixture
def rules() -> RowRules:
    """A feature of each kind of rule."""
    return RowRules(FEATURES)


def row(**cells: float) -> list[float]:
    """A good row with some cells changed."""
    names = [feature.name for feature in FEATURES]
    return [cells.get(name, value) for name, value in zip(names, GOOD, strict=True)]


def matrix(*rows: list[float]) -> np.ndarray:
    """Rows that cannot be written to, as they come from the wire."""
    array = np.array(rows, np.float32)
    array.flags.writeable = False
    return array


def test_good_rows_go_through_as_they_are(rules: RowRules) -> None:
    """The usual batch is not copied."""
    rows = matrix(*[GOOD] * 50)
    filled, bad, _ = rules.conform(rows)
    assert filled is rows
    assert bad == []


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"age": NAN}, (0, "age", "is missing")),
        ({"age": INF}, (0, "age", "must be a finite 32-bit number")),
        ({"age": -INF}, (0, "age", "must be a finite 32-bit number")),
        ({"charge": INF}, (0, "charge", "must be a finite 32-bit number")),
        ({"visits": INF}, (0, "visits", "must be a finite 32-bit number")),
        ({"plan": NAN}, (0, "plan", "is missing")),
        ({"plan": 3.0}, (0, "plan", "must be a code from 0 to 2")),
        ({"plan": -1.0}, (0, "plan", "must be a code from 0 to 2")),
        ({"plan": 0.5}, (0, "plan", "must be a code from 0 to 2")),
        ({"plan": 1e-7}, (0, "plan", "must be a code from 0 to 2")),
        ({"plan": 1e30}, (0, "plan", "must be a code from 0 to 2")),
        ({"plan": INF}, (0, "plan", "must be a code from 0 to 2")),
    ],
)
def test_a_forbidden_cell_is_named(
    rules: RowRules, cells: dict[str, float], problem: tuple[int, str, str]
) -> None:
    """Its row, its feature and what was expected, without a warning of numpy."""
    with np.errstate(all="raise"):
        _, bad, _ = rules.conform(matrix(row(**cells)))
    assert bad == [problem]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"charge": NAN}, {"charge": NAN}),
        ({"visits": NAN}, {"visits": 7.0}),
        ({"colour": NAN}, {"colour": 1.0}),
        ({"colour": 9.0}, {"colour": 1.0}),
        ({"colour": 0.5}, {"colour": 1.0}),
        ({"colour": INF}, {"colour": 1.0}),
        ({"age": FLOAT32_MAX}, {"age": FLOAT32_MAX}),
        ({"age": -FLOAT32_MAX, "charge": 1e-45}, {"age": -FLOAT32_MAX, "charge": 1e-45}),
        ({"plan": -0.0, "age": -0.0}, {"plan": 0.0, "age": 0.0}),
    ],
)
def test_allowed_and_defaulted_cells_get_their_values(
    rules: RowRules, cells: dict[str, float], expected: dict[str, float]
) -> None:
    """NaN stays where it is allowed; defaults replace what is missing or unknown."""
    filled, bad, _ = rules.conform(matrix(row(**cells)))
    assert bad == []
    np.testing.assert_array_equal(filled, matrix(row(**expected)))


def test_every_bad_row_is_found_once(rules: RowRules) -> None:
    """In the order of the rows; the good ones among them are filled all the same."""
    rows = matrix(GOOD, row(plan=7, age=NAN), row(visits=NAN), row(age=INF), row(plan=NAN))
    filled, bad, _ = rules.conform(rows)
    assert [(index, name) for index, name, _ in bad] == [(1, "age"), (3, "age"), (4, "plan")]
    assert filled[2].tolist() == row(visits=7.0)
    assert np.isnan(rows[2, 2]), "what came from the wire is not written to"


@pytest.mark.parametrize("bits", [0x7FA00000, 0x7FC00001, 0xFFA00000])
def test_every_bit_pattern_of_nan_is_missing(rules: RowRules, bits: int) -> None:
    """Signalling NaNs too, without a warning."""
    rows = np.array([GOOD] * 40, np.float32)
    rows.view(np.uint32)[:, 0] = bits
    with np.errstate(all="raise"):
        _, bad, _ = rules.conform(rows)
    assert bad == [(index, "age", "is missing") for index in range(40)]


def test_random_rows_are_judged_cell_by_cell(rules: RowRules) -> None:
    """The fast way and a plain look at each cell agree on thousands of rows."""
    rng = np.random.default_rng(5)
    values = np.array([0, 1, 2, 3, -1, 0.5, 1e9, NAN, INF, -INF, -0.0], np.float32)
    for _ in range(300):
        rows = rng.choice(values, (rng.integers(1, 9), len(FEATURES)))
        _, bad, _ = rules.conform(rows)
        assert [index for index, _, _ in bad] == [
            index for index, cells in enumerate(rows.tolist()) if not allowed(cells)
        ]


def allowed(cells: list[float]) -> bool:
    """What FEATURES say, cell by cell."""
    age, charge, visits, plan, _ = cells
    return (
        np.isfinite(age)
        and not np.isinf(charge)
        and not np.isinf(visits)
        and plan in {0.0, 1.0, 2.0}
    )


@pytest.mark.parametrize("count", [1, 50])
def test_changes_tell_why_and_where(rules: RowRules, count: int) -> None:
    """In the order of the features, only of cells that were changed."""
    rows = matrix(*[GOOD] * (count - 1), row(visits=NAN, colour=7.0))
    filled, bad, changes = rules.conform(rows)
    assert bad == []
    assert [(one.feature, one.change, one.rows.tolist()) for one in changes] == [
        ("visits", Change.MISSING, [count - 1]),
        ("colour", Change.UNKNOWN, [count - 1]),
    ]
    assert rules.accepts(filled)


BOUNDED = RowRules(
    [
        number("clipped", minimum=-1.5, maximum=2.5, outside="clip", missing="allow"),
        number("refused", minimum=0.0, outside="refuse"),
        number("below", maximum=0.1, outside="clip"),
        number("free", minimum=0.0, maximum=1.0),
    ]
)


@pytest.mark.parametrize("count", [1, 50])
def test_ranges_are_kept(count: int) -> None:
    """Clipped to the nearer end, refused, or let stand; the ends themselves are inside."""
    inside = [-1.5, 0.0, float(np.float32(0.1)), 99.0]
    rows = matrix(*[inside] * (count - 1), [2.5, 3e38, -3e38, -99.0])
    assert BOUNDED.accepts(rows)
    assert BOUNDED.accepts(matrix([NAN, *inside[1:]]))
    outside = matrix(*[inside] * (count - 1), [2.6, 1.0, 7.0, 99.0])
    assert not BOUNDED.accepts(outside)
    filled, bad, changes = BOUNDED.conform(outside)
    assert bad == []
    assert filled[-1].tolist() == [2.5, 1.0, np.float32(0.1), 99.0]
    assert [(one.feature, one.change) for one in changes] == [
        ("clipped", Change.CLIPPED),
        ("below", Change.CLIPPED),
    ]
    wrong = matrix(*[inside] * (count - 1), [0.0, -0.5, 0.0, 0.0])
    assert BOUNDED.conform(wrong).bad == [(count - 1, "refused", "must be at least 0, got -0.5")]
    infinite = matrix(*[inside] * (count - 1), [INF, 1.0, 0.0, 0.0])
    told = (count - 1, "clipped", "must be a finite 32-bit number")
    assert BOUNDED.conform(infinite).bad == [told]
