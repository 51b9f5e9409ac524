"""Five rows of a few variables that expressions of tests read."""

import numpy as np

from stubtail.decisions.parser import parse
from stubtail.decisions.types import Checked, Key, Scope, Type

ANY = (Type.NUMBER, Type.TEXT, Type.TRUTH)
COLUMNS: dict[Key, np.ndarray] = {
    ("feature", "x"): np.array([1.0, -2.5, 0.0, 3e200, np.inf]),
    ("feature", "y"): np.array([2.0, 0.5, 0.0, -1e-3, np.nan]),
    ("feature", "plan"): np.array(["basic", "plus", "", "Two year", "plus"], object),
    ("output", "score"): np.array([0.25, 0.5, 0.75, 1.0, 0.0]),
}
ROWS = 5
SCOPE = Scope({key: Type.TEXT if key[1] == "plan" else Type.NUMBER for key in COLUMNS})


def check(text: str, scope: Scope = SCOPE) -> Checked:
    """The expression, checked."""
    return scope.check(parse(text), ANY)
