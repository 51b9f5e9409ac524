"""How figures look: three significant digits, and tables that read well on a terminal."""

import math
from collections.abc import Sequence


def digits(value: float) -> str:
    """`value` with three significant digits, without an exponent, with thousands marked."""
    if not math.isfinite(value):
        return "-"
    if value == 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """A Markdown table that also reads well on a terminal.

    Args:
        head: The names of the columns.
        rows: As many cells each.
        left: Columns of words, aligned left; the others are figures, aligned right.
    """
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    rule = [
        "-" * width if at < left else "-" * (width - 1) + ":" for at, width in enumerate(widths)
    ]
    text = []
    for line in (lines[0], rule, *lines[1:]):
        cells = [
            value.ljust(width) if at < left else value.rjust(width)
            for at, (value, width) in enumerate(zip(line, widths, strict=True))
        ]
        text.append("| " + " | ".join(cells) + " |")
    return "\n".join(text)
