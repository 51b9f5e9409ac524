"""The rows that a model's answers are compared with when they are explained, from model.json."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from stubtail.models.features import Feature
from stubtail.models.fields import FLOAT32_MAX, Fields, quoted

BACKGROUND_LEAST: Final = 8
BACKGROUND_MAX: Final = 256  # every row of it may be mixed with every row of a call
PLAYERS_MAX: Final = 128  # features or groups that share a score among them
EVALUATIONS_LEAST: Final = 128
EVALUATIONS_MAX: Final = 4096
NAME_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Explanation:
    """What Shapley values of the main score are taken against.

    Attributes:
        background: float32 [rows, features], encoded as the graph takes them: a category is its
            code, a missing value NaN.
        groups: names and positions of the features that are switched together; every feature is
            in exactly one, and one that the manifest puts into none is a group of its own name.
        link: what is shared out: the score itself, or its log-odds.
        evaluations: of the model that one row may cost; None leaves it to the server. A slow model
            has fewer, so that its reasons come in time.
    """

    background: NDArray[np.float32] = field(compare=False, repr=False)
    groups: tuple[tuple[str, tuple[int, ...]], ...]
    link: Literal["identity", "logit"]
    evaluations: int | None = None


def read_explanation(
    top: Fields, features: Sequence[Feature], problems: list[str]
) -> Explanation | None:
    """The field `explanation` of the document; notes every problem."""
    if not top.has("explanation"):
        return None
    value = top.raw("explanation", "an object")
    known = ("background", "rows", "groups", "link", "evaluations", "meaning")
    fields = Fields(value, "explanation", problems, known)
    if not top.has("output") or not features:
        top.problem("explanation", 'it needs "output" and "features"')
    background = _read_background(fields, features)
    if fields.has("rows"):
        rows = fields.integer("rows", "the number of background rows", least=1, most=2**40)
        if len(background) not in {0, rows}:
            fields.problem("rows", f"there are {len(background)} background rows")
    evaluations = None
    if fields.has("evaluations"):
        least, most = EVALUATIONS_LEAST, EVALUATIONS_MAX
        expected = f"a whole number from {least} to {most}"
        evaluations = fields.integer("evaluations", expected, least=least, most=most)
    fields.text("meaning", "a sentence", required=False)
    link = fields.choice("link", ("identity", "logit"), fallback="identity")
    return Explanation(
        background=background,
        groups=_read_groups(fields, [feature.name for feature in features]),
        link=cast("Literal['identity', 'logit']", link),
        evaluations=evaluations,
    )


def _read_background(fields: Fields, features: Sequence[Feature]) -> NDArray[np.float32]:
    width = len(features)
    expected = (
        f"a list of {BACKGROUND_LEAST} to {BACKGROUND_MAX} rows of {width} numbers each "
        "(null for a missing one)"
    )
    nothing = np.empty((0, width), np.float32)
    rows = fields.raw("background", expected)
    if not fields.has("background"):
        return nothing
    if not isinstance(rows, list) or not BACKGROUND_LEAST <= len(rows) <= BACKGROUND_MAX:
        fields.problem("background", f"expected {expected}, got {quoted(rows)}")
        return nothing
    for index, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width or not all(map(_is_cell, row)):
            got = f"{len(row)}" if isinstance(row, list) else quoted(row)
            expected = f"expected {width} finite numbers or null, got {got}"
            fields.problem(f"background[{index}]", expected)
            return nothing
    cells: list[list[Any]] = [[np.nan if cell is None else cell for cell in row] for row in rows]
    background = np.array(cells, np.float32)
    for column, feature in enumerate(features):
        problem = _wrong_column(background[:, column], feature)
        if problem:
            fields.problem("background", f"column {quoted(feature.name)} {problem}")
    return background


def _is_cell(cell: object) -> bool:
    if cell is None:
        return True
    is_number = isinstance(cell, int | float) and not isinstance(cell, bool)
    return is_number and -FLOAT32_MAX <= cast("float", cell) <= FLOAT32_MAX


def _wrong_column(column: NDArray[np.float32], feature: Feature) -> str:
    """What no row that is served could have in this column; empty when all is well."""
    missing = np.isnan(column)
    if missing.any() and feature.missing != "allow":
        return "has missing values, which the graph never gets"
    known = column[~missing]
    if feature.type == "category":
        codes = (known >= 0) & (known < len(feature.categories)) & (known == np.floor(known))
        return "" if codes.all() else f"must have codes from 0 to {len(feature.categories) - 1}"
    return ""


def _read_groups(fields: Fields, names: Sequence[str]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    given = fields.raw("groups", "an object", required=False)
    if fields.has("groups") and not isinstance(given, dict):
        fields.problem("groups", f"expected an object of lists of features, got {quoted(given)}")
        given = None
    group_of: dict[str, str] = {}
    known = frozenset(names)
    for group, members in (given or {}).items():
        _read_group(fields, group, members, group_of, known)
    groups: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        if name not in group_of and name in (given or {}):
            fields.problem(f"groups.{name[:64]}", "it has the name of a feature outside of it")
        groups.setdefault(group_of.get(name, name), []).append(index)
    if len(groups) > PLAYERS_MAX:
        wanted = f"expected at most {PLAYERS_MAX} groups and single features, got {len(groups)}"
        fields.problem("groups", wanted)
    return tuple((group, tuple(members)) for group, members in groups.items())


def _read_group(
    fields: Fields,
    group: str,
    members: object,
    group_of: dict[str, str],
    known: Collection[str],
) -> None:
    """Notes in `group_of` which features belong to one group."""
    key = f"groups.{group[:64]}"
    if not group or len(group) > NAME_MAX:
        fields.problem(key, f"expected a name of 1 to {NAME_MAX} characters")
    if not isinstance(members, list) or not members:
        fields.problem(key, f"expected a list of features, got {quoted(members)}")
        return
    for member in members:
        if not isinstance(member, str) or member not in known:
            fields.problem(key, f"{quoted(member)} is not one of the features")
        elif member in group_of:
            fields.problem(key, f"{quoted(member)} is already in {quoted(group_of[member])}")
        else:
            group_of[member] = group
