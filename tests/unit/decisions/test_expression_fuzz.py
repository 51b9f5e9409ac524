"""Random expressions: trees against the slow evaluator, and texts that nobody would write."""

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from stubtail.decisions.evaluate import evaluate
from stubtail.decisions.tokens import ExpressionError
from stubtail.decisions.types import Checked, Type
from tests.unit.decisions.columns import COLUMNS, ROWS, check
from tests.unit.decisions.reference import AmbiguousError, Tree, render, scalar

PATIENT = [HealthCheck.too_slow]  # a busy machine is no fault of a strategy


def attempt(text: str) -> tuple[Checked | None, str]:
    """The checked expression, or why there is none, which points into the text."""
    try:
        return check(text), ""
    except ExpressionError as error:
        inside = 0 <= error.position <= len(text) + 1
        return None, error.problem if inside else ""


NUMBERS = st.one_of(
    st.tuples(
        st.just("number"),
        st.floats(0, 1e6, allow_subnormal=False) | st.sampled_from([0.0, 0.5, 1.0, 1e300]),
    ),
    st.tuples(st.just("name"), st.sampled_from(["x", "y", "score"])),
)
TEXTS = st.one_of(
    st.tuples(st.just("text"), st.sampled_from(["basic", "plus", "", 'q"\\', "Two year"])),
    st.tuples(st.just("name"), st.just("plan")),
)
TRUTHS = st.tuples(st.just("truth"), st.booleans())
LISTED = st.lists(st.tuples(st.just("text"), st.sampled_from(["basic", "plus"])), max_size=3)


@st.composite
def trees(  # noqa: PLR0911 - one return for each kind of node
    draw: st.DrawFn, kind: Type = Type.NUMBER, depth: int = 4
) -> Tree:
    """A tree of a type, well formed and not too large."""
    leaves = {Type.NUMBER: NUMBERS, Type.TEXT: TEXTS, Type.TRUTH: TRUTHS}[kind]
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(leaves)

    def part(of: Type) -> Tree:
        return draw(trees(of, depth - 1))

    if draw(st.integers(0, 4)) == 0:
        return ("?", part(Type.TRUTH), part(kind), part(kind))
    if kind is Type.TEXT:
        return draw(TEXTS)
    if kind is Type.NUMBER:
        function = draw(
            st.sampled_from(
                ["+", "-", "*", "/", "neg", "abs", "sqrt", "floor", "ceil", "round", "min", "clip"]
            )
        )
        count = {"neg": 1, "abs": 1, "sqrt": 1, "floor": 1, "ceil": 1, "round": 1, "clip": 3}
        return (function, *(part(Type.NUMBER) for _ in range(count.get(function, 2))))
    operator = draw(st.sampled_from(["&&", "||", "!", "<", "<=", ">", ">=", "==", "!=", "in"]))
    if operator == "in":
        return ("in", part(Type.TEXT), draw(LISTED))
    if operator == "!":
        return ("!", part(Type.TRUTH))
    if operator in ("==", "!="):
        either = draw(st.sampled_from(list(Type)))
        return (operator, part(either), part(either))
    of = Type.TRUTH if operator in ("&&", "||") else Type.NUMBER
    return (operator, part(of), part(of))


@given(st.one_of(trees(Type.NUMBER), trees(Type.TRUTH)))
@settings(max_examples=300, deadline=None, suppress_health_check=PATIENT)
def test_columns_agree_with_one_row_at_a_time(tree: Tree) -> None:
    """Random trees, as text with as few parentheses as they need, against the slow evaluator."""
    text = render(tree)
    checked, error = attempt(text)
    if checked is None:
        assert "at most" in error or "deeper" in error, (text, error)
        return
    found = evaluate(checked, COLUMNS, ROWS)
    for row in range(ROWS):
        cells = {name: column.tolist()[row] for (_, name), column in COLUMNS.items()}
        try:
            expected = scalar(tree, cells)
        except AmbiguousError:
            assume(False)
        np.testing.assert_equal(found[row].item(), expected, text)


WORDS = [
    "x", "y", "plan", "score", "context.", "feature.", "min(", "clip(", "(", ")", "[", "]", ",",
    "+", "-", "*", "/", "<", "==", "&&", "||", "!", "?", ":", " in ", "1", "2.5", "'a'", '"', "`",
    "true", "__class__", "lambda", ".", "\\", "e", "0x", "\n",
]  # fmt: skip


@given(
    st.one_of(
        st.text(max_size=200),
        st.binary(max_size=200).map(lambda data: data.decode("latin-1")),
        st.lists(st.sampled_from(WORDS), max_size=60).map("".join),
        st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join),
    )
)
@settings(max_examples=500, deadline=None, suppress_health_check=PATIENT)
def test_any_text_is_answered_or_refused(text: str) -> None:
    """Never another exception, and errors point into the text."""
    checked, error = attempt(text)
    if checked is None:
        assert error
        return
    found = evaluate(checked, COLUMNS, ROWS)
    assert found.shape == (ROWS,)
    assert found.dtype.kind in {Type.NUMBER: "f", Type.TRUTH: "b", Type.TEXT: "OU"}[checked.type]
