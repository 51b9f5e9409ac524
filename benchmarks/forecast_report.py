"""The table of how good forecasts are, and where `auto` loses: in a terminal, and in Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from benchmarks.figures import table
from benchmarks.forecast_accuracy import ALL, Row
from stubtail.forecasting.task import AUTO

HEAD: Final = ("group", "model", "series", "MAE to s-naive", "MASE", "sMAPE", "WQL", "80 % holds")
SEEN: Final = "zero-shot's maker trained on series that may include M4 and the classics"


def lines(rows: Sequence[Row]) -> list[list[str]]:
    """The cells of the table, one list for each row."""
    return [
        [
            row.group,
            row.model,
            str(row.series),
            f"{row.relative:.3f}",
            f"{row.mase:.3f}",
            f"{row.smape:.3f}",
            f"{row.wql:.3f}",
            f"{row.coverage:.1%}",
        ]
        for row in rows
    ]


def losses(rows: Sequence[Row]) -> Iterator[str]:
    """On which group `auto` errs more than which model."""
    for mine in rows:
        if mine.model == AUTO and mine.group != ALL:
            better = [
                f"{row.model} ({row.relative:.3f} to {mine.relative:.3f})"
                for row in rows
                if row.group == mine.group and row.relative < mine.relative
            ]
            if better:
                yield f"auto loses on {mine.group} to {', '.join(better)}"


def report(figures: Mapping[str, Any]) -> str:
    """Markdown of a saved result."""
    rows = [Row(**row) for row in figures["accuracy"]]
    text = "; ".join([*losses(rows), SEEN])
    note = (
        "MAE to s-naive: geometric mean over the series of the mean absolute error over that of "
        "seasonal-naive; `all`: geometric mean of the groups."
    )
    return "\n\n".join([note, table(list(HEAD), lines(rows), left=2), f"{text}."])
