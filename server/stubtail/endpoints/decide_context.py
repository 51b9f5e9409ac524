"""The context and the parameters of a decision: a row as the model takes it, and its variables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan, nan
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from stubtail.decisions.candidates import FLOAT32_MAX
from stubtail.decisions.changes import TEXT_CHARACTERS_MAX, Candidates, Variable
from stubtail.decisions.functions import Column
from stubtail.decisions.spelling import SHOWN_CHARACTERS_MAX, unknown_name
from stubtail.decisions.types import FEATURE, PARAMETER, Key
from stubtail.endpoints.row_rules import Change, RowRules
from stubtail.errors import CallError, invalid_field
from stubtail.models.features import Feature

PARAMETERS_MAX = 64
NAME_CHARACTERS_MAX = 256

Codes = Mapping[str, float]
# What stands in a row for each category, for each feature: made once for each version.
_codes: WeakKeyDictionary[RowRules, list[Codes]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Context:
    """A row as it is.

    Attributes:
        row: what the model is fed, float32 [features].
        variables: features and parameters by name; no two have the same.
        mended: the features whose value was replaced by the rules of the manifest, and why.
    """

    row: NDArray[np.float32]
    variables: Mapping[str, Variable]
    mended: Sequence[tuple[str, Change]]

    def fill(self, rows: NDArray[np.float32], candidates: Candidates) -> None:
        """Writes the row, and below it the candidates, as the rules of the manifest have them.

        What the manifest refuses beyond a range stands there as its end: see `refused`.

        Args:
            rows: float32 [1 + candidates, features].
            candidates: what could be done.
        """
        rows[:] = self.row
        for change in candidates.changes:
            variable, cells = change.variable, change.cells
            if cells is not None:
                if variable.outside != "allow":
                    cells = np.clip(cells, variable.minimum, variable.maximum)
                rows[1:, variable.column] = cells

    def refused(self, candidates: Candidates) -> NDArray[np.bool_]:
        """For which rows the manifest has the model predict nothing, [1 + candidates]."""
        refused = np.zeros(1 + candidates.count, np.bool_)
        for change in candidates.changes:
            variable, cells = change.variable, change.cells
            if cells is not None and variable.outside == "refuse":
                refused[1:] |= cells < (-np.inf if variable.minimum is None else variable.minimum)
                refused[1:] |= cells > (np.inf if variable.maximum is None else variable.maximum)
        return refused

    def columns(self, candidates: Candidates) -> dict[Key, Column]:
        """What expressions read: one value, or for what changes a column led by the context's."""
        columns: dict[Key, Column] = {
            key_of(variable): variable.current
            if isinstance(variable.current, str)
            else np.float64(variable.current)
            for variable in self.variables.values()
        }
        for change in candidates.changes:
            variable = change.variable
            column = np.empty(candidates.count + 1, change.values.dtype)
            column[0], column[1:] = variable.current, change.values
            columns[key_of(variable)] = column
        return columns


def key_of(variable: Variable) -> Key:
    """What a variable is called in expressions."""
    return (PARAMETER if variable.column is None else FEATURE, variable.name)


def read_context(rules: RowRules, context: Any, parameters: Any) -> Context:
    """The row and its variables.

    Args:
        rules: the features of the model.
        context: the map of features to `Value` messages.
        parameters: the map of parameters to `Value` messages.

    Raises:
        CallError: INVALID_ARGUMENT that names the value and what was expected.
    """
    for name in context:  # before anything is made of the values: ends at the first that is unknown
        if rules.column(name) is None:
            known = [feature.name for feature in rules.features]
            field = f"context[{name[:SHOWN_CHARACTERS_MAX]}]"
            raise invalid_field(field, unknown_name(name, known, "a feature of the model"))
    given = {name: _plain(value) for name, value in context.items()}
    row = np.empty(len(rules.features), np.float32)
    variables: dict[str, Variable] = {}
    mended: list[tuple[str, Change]] = []
    for column, (feature, codes) in enumerate(zip(rules.features, _codes_of(rules), strict=True)):
        value = given.get(feature.name)
        if feature.type == "category":
            text, change = _category(feature, codes, value)
            variables[feature.name] = Variable(feature.name, text, column, codes)
            row[column] = codes[text]
        else:
            number, change = _number(feature, value)
            variables[feature.name] = Variable(
                feature.name,
                number,
                column,
                minimum=feature.minimum,
                maximum=feature.maximum,
                outside=feature.outside,
            )
            row[column] = number
        if change is not None:
            mended.append((feature.name, change))
    _add_parameters(variables, parameters)
    return Context(row, variables, mended)


def _codes_of(rules: RowRules) -> list[Codes]:
    codes = _codes.get(rules)
    if codes is None:
        codes = _codes[rules] = [
            {text: float(code) for code, text in enumerate(feature.categories)}
            for feature in rules.features
        ]
    return codes


def _plain(value: Any) -> float | str | None:
    """The value of a message; None when it is missing."""
    kind = value.WhichOneof("kind")
    if kind == "text":
        return str(value.text) or None
    return None if kind is None or isnan(value.number) else float(value.number)


def _field(feature: Feature) -> str:
    return f"context[{feature.name}]"


def _category(
    feature: Feature, codes: Codes, value: float | str | None
) -> tuple[str, Change | None]:
    """The category, and why it is not the one that was sent."""
    if value is None:
        if feature.missing == "default" and feature.default is not None:
            return str(feature.default), Change.MISSING
        raise _required(feature)
    if not isinstance(value, str):
        raise invalid_field(_field(feature), "is a category and must be sent as text")
    if value in codes:
        return value, None
    if feature.unknown == "default" and feature.default is not None:
        return str(feature.default), Change.UNKNOWN
    shown = ", ".join(repr(category) for category in feature.categories[:10])
    problem = unknown_name(value, feature.categories, f"one of {shown}")
    raise invalid_field(_field(feature), problem)


def _number(feature: Feature, value: float | str | None) -> tuple[float, Change | None]:
    """The number, and why it is not the one that was sent."""
    if value is None:
        if feature.missing == "default" and feature.default is not None:
            return float(feature.default), Change.MISSING
        if feature.missing == "allow":
            return nan, None
        raise _required(feature)
    if isinstance(value, str):
        raise invalid_field(_field(feature), "is a number and must be sent as one")
    if abs(value) > FLOAT32_MAX:
        raise invalid_field(_field(feature), "must be a finite 32-bit number")
    lowest = -np.inf if feature.minimum is None else feature.minimum
    highest = np.inf if feature.maximum is None else feature.maximum
    if feature.outside == "allow" or lowest <= value <= highest:
        return value, None
    if feature.outside == "refuse":
        raise invalid_field(
            _field(feature), f"must be from {lowest:g} to {highest:g}, got {value:g}"
        )
    return min(max(value, lowest), highest), Change.CLIPPED


def _required(feature: Feature) -> CallError:
    return invalid_field(_field(feature), "is required and was not sent")


def _add_parameters(variables: dict[str, Variable], parameters: Any) -> None:
    if len(parameters) > PARAMETERS_MAX:
        problem = f"must be at most {PARAMETERS_MAX}, got {len(parameters)}"
        raise invalid_field("parameters", problem)
    for name, message in parameters.items():
        field = f"parameters[{name[:SHOWN_CHARACTERS_MAX]}]"
        if not 1 <= len(name) <= NAME_CHARACTERS_MAX:
            raise invalid_field(field, f"must have a name of 1 to {NAME_CHARACTERS_MAX} characters")
        if name in variables:
            raise invalid_field(field, "is a feature of the model; give it in the context")
        value = _plain(message)
        if value is None:
            raise invalid_field(field, "must have a value")
        if isinstance(value, str) and len(value) > TEXT_CHARACTERS_MAX:
            raise invalid_field(field, f"must have at most {TEXT_CHARACTERS_MAX} characters")
        if isinstance(value, float) and not isfinite(value):
            raise invalid_field(field, f"must be a finite number, got {value:g}")
        variables[name] = Variable(name, value)
