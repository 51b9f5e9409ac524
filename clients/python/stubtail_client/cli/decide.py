"""The command `decide`: one row and what could be changed in, a ranked table out."""

import dataclasses
import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from stubtail_client.cli import tables
from stubtail_client.cli.csv_rows import InputError
from stubtail_client.cli.explain import read_row
from stubtail_client.client import Client
from stubtail_client.decide import DecideOptions
from stubtail_client.decisions import Decision, Option
from stubtail_client.models import Model
from stubtail_client.wishes import AxisInput, Range, ValueAtRisk

NOTE = "a what-if: what the model expects of such rows; association in past rows, not cause"
_CELL_WIDTH_MAX = 28


def decide_row(client: Client, arguments: Namespace) -> list[str]:
    """Asks for a decision; the lines to print.

    Raises:
        InputError: what was typed does not fit together.
        StubtailError: the call failed.
    """
    model = client.model(arguments.model)
    decision = client.decide(
        f"{model.name}@{model.version}", read_row(arguments.row), **_options(arguments, model)
    )
    if arguments.json:
        return [json.dumps(document(decision), ensure_ascii=False)]
    return page(decision)


def _options(arguments: Namespace, model: Model) -> DecideOptions:
    options: DecideOptions = {
        "constraints": arguments.constraints,
        "parameters": dict(arguments.parameters),
        "coverage": arguments.coverage,
        "top": arguments.top,
        "allow_outside_range": arguments.allow_outside_range,
        "priority": arguments.priority,
    }
    if arguments.axes and arguments.candidates is not None:
        raise InputError("give either --try or --candidates")
    if arguments.candidates is not None:
        options["candidates"] = arguments.candidates
    elif arguments.axes:
        options["grid"] = _grid(arguments.axes, model, options["parameters"])
    else:
        raise InputError("give --try NAME=VALUES (or --candidates): what could be done?")
    if arguments.maximise is not None:
        options["maximise"] = arguments.maximise
    elif arguments.minimise is not None:
        options["minimise"] = arguments.minimise
    elif isinstance(arguments.named, ValueAtRisk):
        options["minimise"] = arguments.named
    else:
        options["maximise"] = arguments.named
    return options


def _grid(
    axes: Sequence[tuple[str, Range | list[str]]], model: Model, parameters: Mapping[str, Any]
) -> dict[str, AxisInput]:
    """The values of each axis, as numbers but for categories and parameters that are words."""
    words = {feature.name for feature in model.features if feature.type == "category"}
    words |= {name for name, value in parameters.items() if isinstance(value, str)}
    grid: dict[str, AxisInput] = {}
    for name, values in axes:
        if name in grid:
            raise InputError(f"--try {name} is there twice")
        if isinstance(values, Range) or name in words:
            grid[name] = values
            continue
        try:
            grid[name] = [float(value) for value in values]
        except ValueError:
            raise InputError(f"--try {name}: {', '.join(values)} are not all numbers") from None
    return grid


def document(decision: Decision) -> dict[str, Any]:
    """The decision as JSON has it; what was not asked for is left out."""
    found: dict[str, Any] = {
        "model": decision.model,
        "version": decision.version,
        "feasible": decision.feasible,
        "candidate_count": decision.candidate_count,
        "feasible_count": decision.feasible_count,
        "ranked": [_option(option) for option in decision.ranked],
        "baseline": _option(decision.baseline),
        "nearest": None if decision.nearest is None else _option(decision.nearest),
        "violations": [one._asdict() for one in decision.violations] or None,
        "exclusions": dict(decision.exclusions),
        "warnings": [f"{one.feature}: {one.kind}" for one in decision.warnings] or None,
        "note": NOTE,
    }
    return {key: value for key, value in found.items() if value is not None}


def _option(option: Option) -> dict[str, Any]:
    cells = {
        key: value
        for key, value in dataclasses.asdict(option).items()
        if value is not None and value != {}
    }
    # JSON has no NaN and no infinity.
    return {key: _finite(value) for key, value in cells.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return None if isinstance(value, float) and not isfinite(value) else value


def page(decision: Decision) -> list[str]:
    """The decision as people read it."""
    kept = f"{decision.feasible_count:,} of {decision.candidate_count:,} candidates"
    lines = [f"{decision.model} {decision.version}: {kept} keep all constraints"]
    lines += [f"  {warning.feature}: {warning.kind}" for warning in decision.warnings]
    lines += [f"  {count:,} excluded: {reason}" for reason, count in decision.exclusions.items()]
    lines.append("")
    if decision.nearest is not None:
        lines += _table(["now", "nearest"], [decision.baseline, decision.nearest])
        lines += ["", "nothing is feasible; the nearest candidate violates:"]
        lines += [f"  - {violation.reason}" for violation in decision.violations]
    else:
        ranks = [str(rank) for rank in range(1, len(decision.ranked) + 1)]
        lines += _table(["now", *ranks], [decision.baseline, *decision.ranked])
    return [*lines, "", NOTE]


def _table(ranks: Sequence[str], options: Sequence[Option]) -> list[str]:
    """One line for each option; slacks of constraints come last."""
    first = options[0]
    header = ["rank", *first.changes, "predicted"]
    if first.lower is not None:
        header += ["lower", "upper"]
    header += [*first.outputs, "objective", *(f"slack: {name}" for name in first.slacks)]
    rows = [[tables.cut(name, _CELL_WIDTH_MAX) for name in header]]
    for rank, option in zip(ranks, options, strict=True):
        bounds = [] if option.lower is None else [option.lower, option.upper]
        values = [option.predicted, *bounds, *option.outputs.values(), option.objective]
        cells = [rank, *(_cell(value) for value in option.changes.values())]
        rows.append([*cells, *map(_cell, values), *map(_cell, option.slacks.values())])
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    texts = {
        place for place, value in enumerate(first.changes.values(), 1) if isinstance(value, str)
    }
    right = [column for column in range(len(header)) if column not in texts]
    return [tables.aligned(row, widths, right) for row in rows]


def _cell(value: float | str | None) -> str:
    if isinstance(value, str):
        return tables.cut(value, _CELL_WIDTH_MAX)
    return "" if value is None else f"{value:.4g}"
