"""The expression language: what it means, what it refuses, and where its bounds are."""

import math
import time

import numpy as np
import pytest

from stubtail.decisions.evaluate import evaluate
from stubtail.decisions.parser import DEPTH_MAX, EXPRESSIONS_KEPT, NODES_MAX, parse
from stubtail.decisions.tokens import TEXT_CHARACTERS_MAX, ExpressionError
from stubtail.decisions.types import Scope, Type
from tests.unit.decisions.columns import ANY, COLUMNS, ROWS, SCOPE, check


def values(text: str) -> list[object]:
    """Its values."""
    return list(evaluate(check(text), COLUMNS, ROWS).tolist())


def first(text: str) -> object:
    """Its value for the first row."""
    return values(text)[0]


def problem(text: str, scope: Scope = SCOPE, wanted: tuple[Type, ...] = ANY) -> tuple[int, str]:
    """Where it is wrong, and why."""
    with pytest.raises(ExpressionError) as caught:
        scope.check(parse(text), wanted)
    return caught.value.position, caught.value.problem


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("10 - 4 - 3", 3.0),
        ("16 / 4 / 2", 2.0),
        ("1 / 2", 0.5),
        ("-2 * -3", 6.0),
        ("--2", 2.0),
        ("2 - -2", 4.0),
        (".5 + 2e-1 + 1E2", 100.7),
        ("1 < 2 && 2 <= 2 && 3 > 2 && 2 >= 2", True),
        ("1 == 1 || 1 / 0 > 0 && false", True),
        ("!(1 == 2)", True),
        ("!true == false", True),
        ("x > 0 ? 10 : 20", 10.0),
        ("x < 0 ? 1 : x == 0 ? 2 : 3", 3.0),
        ("true || false ? 1 : 2", 1.0),
        ('plan == "basic"', True),
        ("plan != 'basic'", False),
        ('plan in ["plus", "basic"]', True),
        ("plan in []", False),
        ("x in [-1, 1]", True),
        ("(x > 0 ? plan : 'none') == 'basic'", True),
        (r'"a\"b\\cA\n" == "a' + r"\"b\\c\u0041\n" + '"', True),
        ("min(3, 1, 2) + max(3, 1, 2)", 4.0),
        ("clip(5, 0, 1) + clip(-5, 0, 1)", 1.0),
        ("abs(-2) + sqrt(9) + floor(1.5) + ceil(1.5)", 8.0),
        ("round(0.5) + round(1.5) + round(-0.5) + round(2.4)", 4.0),
        ("pow(2, 10)", 1024.0),
        ("feature.x + output.score", 1.25),
        ("`x` + feature.`x` + context.`x`", 3.0),
        ("\tx\n+\r\n1 ", 2.0),
    ],
)
def test_expressions_mean_what_cel_says(text: str, value: object) -> None:
    """Precedence, associativity, literals, names and functions."""
    assert first(text) == pytest.approx(value)


@pytest.mark.parametrize("function", ["exp", "log", "sqrt"])
def test_functions_of_one_number_are_those_of_math(function: str) -> None:
    """Within their domains."""
    for value in (0.1, 1.0, 2.5, 100.0):
        expected = getattr(math, function)(value)
        assert first(f"{function}({value})") == pytest.approx(expected, rel=1e-14)


def test_context_is_the_first_row() -> None:
    """For every row; `context.score` is what is predicted for it."""
    assert values("context.x") == [1.0] * 5
    assert values("score - context.score") == [0.0, 0.25, 0.5, 0.75, -0.25]
    assert values("context.plan == plan") == [True, False, False, False, False]


def test_nothing_raises_at_run_time() -> None:
    """What cannot be computed is NaN or infinite, without a warning."""
    assert values("1 / x")[2] == math.inf
    assert values("-1 / x")[2] == -math.inf
    assert values("x * x")[3] == math.inf
    undefined = [values("x / y")[2], values("sqrt(-1) + x")[0], values("y")[4]]
    np.testing.assert_equal(undefined, [math.nan] * 3)
    assert first("log(0)") == -math.inf
    assert first("exp(1000)") == math.inf
    assert math.isnan(float(str(first("pow(-2, 0.5)"))))
    assert math.isnan(float(str(first("min(1, 0 / 0)"))))
    assert values("y == y")[4] is False
    assert values("y != y")[4] is True


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 1, "expected a value, got the end"),
        ("1 +", 4, "expected a value, got the end"),
        ("1 2", 3, "expected an operator or the end, got '2'"),
        ("(1", 3, "expected ')', got the end"),
        ("x ? 1", 6, "expected ':', got the end"),
        ("x = 1", 3, "a single = is no operator; write =="),
        ("x & y", 3, "a single & is no operator; write &&"),
        ("x % 2", 3, "there is no remainder of doubles; CEL has none either"),
        ("x ** 2", 4, "expected a value, got '*'"),
        ("x; y", 2, "';' begins no number, name, string or operator"),
        ("1.", 2, "expected an operator or the end, got '.'"),
        ("1.2.3", 4, "expected an operator or the end, got '.3'"),
        ("0x1F", 1, "expected a number such as 1, 0.5 or 2e3"),
        ("1e999", 1, "1e999 is too large for a number"),
        ('"open', 1, 'the " that opens here is not closed on its line'),
        ("`open", 1, "the ` that opens here is not closed on its line"),
        (r'"\q"', 2, r"\q is no escape; write \\ for a backslash"),
        ("import", 1, "import is reserved; write feature.`import` for a feature"),
        ("null", 1, "null is reserved; write feature.`null` for a feature"),
        (
            "open(1)",
            1,
            "there is no function open; there are abs, ceil, clip, exp, floor, log, max",
        ),
        ("x.y", 1, "x has no fields; before a point stands feature, parameter, output, lower"),
        ("feature.x.y", 10, "expected an operator or the end, got '.'"),
        ("feature.1", 8, "expected an operator or the end, got '.1'"),
        ("x[0]", 2, "expected an operator or the end, got '['"),
        ("[1]", 1, "expected a value, got '['"),
        ("x in 1", 6, "expected '[', got '1'"),
        ("x in [x]", 7, "a list has numbers or strings only"),
        ("in", 1, "expected a value, got 'in'"),
        ("true ? 1 ? 2 : 3 : 4", 10, "expected ':', got '?'"),
    ],
)
def test_what_is_no_expression_says_where_and_what_was_expected(
    text: str, position: int, expected: str
) -> None:
    """Positions count from 1."""
    found = problem(text)
    assert found[0] == position
    assert found[1].startswith(expected)


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("1 + plan", 5, "+ takes a number, got a string"),
        ("plan + 1", 1, "+ takes a number, got a string"),
        ("1 < (2 < 3)", 8, "< takes a number, got a bool"),
        ("1 && true", 1, "&& takes a bool, got a number"),
        ("!1", 2, "! takes a bool, got a number"),
        ("-true", 2, "- takes a number, got a bool"),
        ("1 == plan", 6, "== takes a number, got a string"),
        ("plan < plan", 1, "< takes a number, got a string"),
        ("x ? 1 : 2", 1, "? takes a bool, got a number"),
        ("x > 0 ? 1 : 'no'", 13, "both sides of : must be a number, got a string"),
        ("plan in [1]", 10, "the list must have strings, got a number"),
        ("abs(true)", 5, "abs takes a number, got a bool"),
        ("abs(1, 2)", 1, "abs takes 1 values, got 2"),
        ("min()", 1, "min takes 1 to 16 values, got 0"),
        ("clip(1, 2)", 1, "clip takes 3 values, got 2"),
        ("scor", 1, "there is no scor; did you mean score?"),
        ("output.x", 1, "there is no output x"),
        ("context.nothing_like_it", 1, "there is no nothing_like_it"),
        ("lower", 1, "lower is not known: coverage is not set"),
        ("upper.score", 1, "upper is not known: coverage is not set"),
    ],
)
def test_types_and_names_are_checked_before_the_run(
    text: str, position: int, expected: str
) -> None:
    """Errors name the place, what was expected and what is there."""
    variables = {key: Type.TEXT if key[1] == "plan" else Type.NUMBER for key in COLUMNS}
    scope = Scope(variables, no_interval="coverage is not set")
    assert problem(text, scope) == (position, expected)


def test_the_type_that_is_wanted() -> None:
    """An objective is a number, a limit a number or a bool."""
    assert problem("x > 1", wanted=(Type.NUMBER,)) == (0, "must give a number, gives a bool")
    wanted = (Type.NUMBER, Type.TRUTH)
    assert problem("plan", wanted=wanted) == (0, "must give a number or a bool, gives a string")


def test_a_name_with_two_meanings_must_say_which() -> None:
    """A feature may be called like an output; bounds belong to the main output."""
    scope = Scope(
        {
            ("feature", "score"): Type.NUMBER,
            ("output", "score"): Type.NUMBER,
            ("lower", "score"): Type.NUMBER,
            ("lower", "days"): Type.NUMBER,
        }
    )
    expected = "score may mean feature.score or output.score; write which"
    assert problem("1 + score", scope) == (5, expected)
    assert check("feature.score - output.score", scope).needs_run
    assert check("lower + lower.days", scope).names[1] == (("lower", "score"), False)
    assert not check("feature.score", scope).needs_run


@pytest.mark.parametrize(
    "text",
    [
        "(" * 500 + "1" + ")" * 500,
        "-" * 1500 + "1",
        "!" * 1500 + "true",
        "true ? 1 : " * 150 + "1",
        "abs(" * 400 + "1" + ")" * 400,
        "1 + " * 400 + "1",
        "1 + (" * 300 + "1" + ")" * 300,
        "x in [" + "1, " * 600 + "1]",
        "x " * 900,
        "1" * (TEXT_CHARACTERS_MAX + 1),
        "9" * TEXT_CHARACTERS_MAX,
        "(" * TEXT_CHARACTERS_MAX,
        "\\" * TEXT_CHARACTERS_MAX,
        '"' + "\\" * (TEXT_CHARACTERS_MAX - 1),
        "e" * 1_000_000,
    ],
)
def test_large_and_deep_expressions_are_refused(text: str) -> None:
    """Long before Python's own limits."""
    problem(text)


def test_the_bounds_themselves_are_allowed() -> None:
    """A chain of as many nodes as allowed, and a nest as deep as allowed."""
    chain = " + ".join(["1"] * (NODES_MAX // 2))
    assert first(chain) == NODES_MAX / 2
    nest = "(" * (DEPTH_MAX - 1) + "1" + ")" * (DEPTH_MAX - 1)
    assert first(nest) == 1.0
    assert problem(f"({nest})")[1] == f"is nested deeper than {DEPTH_MAX} levels"
    assert problem(f"{chain} + 1")[1] == f"must have at most {NODES_MAX} operations and values"


def test_parsed_expressions_are_kept_and_bounded() -> None:
    """The same text is parsed once; a stranger's thousand texts do not stay."""
    assert parse("x + 1") is parse("x + 1")
    for number in range(2 * EXPRESSIONS_KEPT):
        parse(f"x + {number}")
    assert parse.cache_info().currsize <= EXPRESSIONS_KEPT


def test_the_largest_expression_is_quick() -> None:
    """The dearest operation, on as many rows as there may be. The bound is a hundred times more."""
    rows = 10_001
    columns = {("feature", "t"): np.array(["a long category of many letters"] * rows, object)}
    text = " && ".join(['t == "a long category of many lettexs"'] * 45)
    checked = Scope({("feature", "t"): Type.TEXT}).check(parse(text), ANY)
    begin = time.process_time()
    evaluate(checked, columns, rows)
    assert time.process_time() - begin < 2.0


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("x + 1", 3),
        ("pow(x, 2)", 3 + 63),
        ("exp(log(x))", 3 + 15 + 3),
        ("max(x, y, 1)", 4),
        ("x == y", 3),
        ('plan == "plus"', 3 + 18),
        ('"a" != plan', 3 + 18),
        ('plan in ["a", "b", "c"]', 5 + 3 * 18),
        ("x in [1, 2]", 4),
        ('(x > 1 ? plan : "b") == plan', 8 + 4 + 18),
        ("x > 1 ? x : y", 6),
    ],
)
def test_a_node_costs_what_its_dearest_values_cost(text: str, cost: int) -> None:
    """Subnormal numbers for pow, 256 characters for comparing; everything else is a pass."""
    assert check(text).cost == cost
