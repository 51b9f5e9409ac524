"""Aligned text: tables of models, features and scores. Pure: data in, lines out."""

from collections.abc import Iterable, Sequence
from typing import TextIO

from stubtail_client.cli.csv_rows import NO_NUMBER
from stubtail_client.models import Feature, Model, ModelSummary, ScoredOutput, Tensor

_GAP = "  "
CELL_WIDTH_MAX = 28
_BAR_CELLS = 10
_SHOWN_COLUMNS_MAX = 4
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_WIDE_WIDTH_MAX = 60


def cut(text: str, width: int) -> str:
    """The text on one line of at most `width` characters; what is missing is marked."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def aligned(cells: Sequence[str], widths: Sequence[int], right: Iterable[int] = ()) -> str:
    """One line of a table; the columns in `right` end at the same place, the others begin."""
    to_right = set(right)
    padded = (
        cell.rjust(width) if position in to_right else cell.ljust(width)
        for position, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return _GAP.join(padded).rstrip()


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table with its header, each column as wide as its widest cell."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return [aligned(line, widths) for line in lines]


def bar(share: float, *, unicode: bool) -> str:
    """A bar of ten characters for a share of 0 to 1."""
    share = min(max(share, 0.0), 1.0) if share == share else 0.0  # noqa: PLR0124 - NaN has no bar
    if not unicode:
        return ("#" * round(share * _BAR_CELLS)).ljust(_BAR_CELLS, ".")
    full, eighths = divmod(round(share * _BAR_CELLS * 8), 8)
    drawn = "█" * full + (_EIGHTHS[eighths] if eighths else "")
    return drawn.ljust(_BAR_CELLS, "·")


def stroke(share: float, cells: int, *, unicode: bool) -> str:
    """A bar for a share of 0 to 1 of so many characters, without what is not filled."""
    if not unicode:
        return "#" * round(share * cells)
    full, eighths = divmod(round(share * cells * 8), 8)
    return "█" * full + (_EIGHTHS[eighths] if eighths else "")


def can_draw(output: TextIO) -> bool:
    """Whether the characters of bars can be written there."""
    try:
        "█·…".encode(output.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def models_table(models: Sequence[ModelSummary]) -> list[str]:
    """One line for each version."""
    return table(
        ("model", "version", "state", "live", "kind", "description"),
        [
            (
                model.name,
                model.version,
                model.state,
                "yes" if model.live else "",
                model.kind,
                cut(model.reason or model.description, _WIDE_WIDTH_MAX),
            )
            for model in models
        ],
    )


def model_page(model: Model) -> list[str]:
    """What a caller needs to know of one model."""
    summary = model.summary
    lines = [f"{summary.name} {summary.version}  {summary.state}"]
    if summary.reason or summary.description:
        lines.append(summary.reason or summary.description)
    if model.classes:
        threshold = f" ({model.classes[-1]} from {model.threshold:g})" if model.threshold else ""
        lines.append(f"classes: {', '.join(model.classes)}{threshold}")
    if model.run_fixed_us or model.run_per_row_us:
        lines.append(
            f"one run: {model.run_fixed_us:,.0f} µs and {model.run_per_row_us:,.1f} µs a row"
        )
    lines += [line for output in model.scored_outputs for line in _output_lines(output)]
    if model.explained_by:
        lines.append(f"reasons: by {len(model.explained_by)} features or groups of features")
    lines.append("")
    if model.features:
        header = ("feature", "type", "missing", "values", "meaning")
        lines += table(header, [_feature_cells(feature) for feature in model.features])
    else:
        specs = [("input", spec) for spec in model.inputs]
        specs += [("output", spec) for spec in model.outputs]
        lines += table(("tensor", "name", "type", "shape"), [_tensor_cells(*s) for s in specs])
    return lines


def _output_lines(output: ScoredOutput) -> list[str]:
    """What one output is; nothing where the manifest says no more than its name."""
    words = [f"in {output.unit}"] if output.unit else []
    if output.levels:
        starts = ["", *(f" from {value:g}" for value in output.level_thresholds)]
        words.append("/".join(map(str.__add__, output.levels, starts)))
    if output.coverages:
        grid = ", ".join(f"{coverage:g}" for coverage in output.coverages)
        words.append(f"intervals for coverage {grid}")
    return [f"{output.name}: {', '.join(words)}"] if words else []


def _feature_cells(feature: Feature) -> tuple[str, ...]:
    if feature.categories:
        values = " | ".join(feature.categories)
    elif feature.minimum is not None and feature.maximum is not None:
        values = f"{feature.minimum:g} to {feature.maximum:g}"
    else:
        values = ""
    return (
        feature.name,
        feature.type,
        "allowed" if feature.optional else "refused",
        cut(values, _WIDE_WIDTH_MAX),
        cut(feature.description, _WIDE_WIDTH_MAX),
    )


def _tensor_cells(role: str, spec: Tensor) -> tuple[str, ...]:
    shape = ", ".join("any" if size < 0 else str(size) for size in spec.shape)
    return (role, spec.name, spec.datatype, f"[{shape}]")


def shown_columns(header: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> list[int]:
    """The columns that tell most about the rows: four at most, as `width` characters allow.

    A column of many different values tells more than one of 0 and 1. One is always shown.
    """
    distinct = [len({row[column] for row in cells}) for column in range(len(header))]
    shown: list[int] = []
    used = 0
    for column in sorted(range(len(header)), key=lambda column: -distinct[column]):
        needed = column_width(header, cells, column) + len(_GAP)
        if shown and used + needed > width:
            continue
        shown.append(column)
        used += needed
        if len(shown) == _SHOWN_COLUMNS_MAX:
            break
    return sorted(shown)


def column_width(header: Sequence[str], cells: Sequence[Sequence[str]], column: int) -> int:
    """How wide a column of the input is shown: as its widest cell, within bounds."""
    widest = max((len(row[column]) for row in cells), default=0)
    return min(max(widest, len(header[column])), CELL_WIDTH_MAX)


def are_numbers(cells: Iterable[str]) -> bool:
    """Whether a column is shown as numbers are, with its cells to the right."""
    try:
        for cell in cells:
            if cell.strip().lower() not in NO_NUMBER:
                float(cell)
    except ValueError:
        return False
    return True
