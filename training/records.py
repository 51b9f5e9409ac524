"""What model.json says of a published model, for tables and reports: measures and baselines."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

LESS: Final = " (less is better)"  # ends the titles of errors
# How people call a measure. One that is not here is shown by its own name.
TITLES: Final = {
    "auc": "AUC",
    "average_precision": "average precision",
    "lift_top_decile": "lift of the top decile",
    "log_loss": f"log loss{LESS}",
    "brier": f"Brier score{LESS}",
    "expected_calibration_error": f"calibration error{LESS}",
    "accuracy": "accuracy at the threshold",
    "precision": "precision at the threshold",
    "recall": "recall at the threshold",
    "f1": "F1 at the threshold",
    "mae": f"mean absolute error{LESS}",
    "rmse": f"root mean squared error{LESS}",
    "r2": "R²",
    "r2_log": "R² of the logarithm",
    "spearman": "rank correlation",
}


@dataclass(frozen=True, slots=True)
class Block:
    """The measures of one output on held-out rows.

    Attributes:
        output: its name; empty where the model has one.
        rows: how many were held out.
        model: value by measure.
        baselines: the same measures of each baseline, by its name.
        headline: the measures that say most, for short tables.
        coverage: of the intervals, as `intervals.measure` gives it; None without intervals.
    """

    output: str
    rows: int
    model: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]]
    headline: tuple[str, ...]
    coverage: Mapping[str, Any] | None

    def best_baseline(self, measure: str) -> tuple[str, float | None]:
        """The baseline that does best in a measure, and how well; none has it: "" and None."""
        values = {
            name.replace("_", " "): found[measure]
            for name, found in self.baselines.items()
            if measure in found
        }
        if not values:
            return "", None
        best = (min if title(measure).endswith(LESS) else max)(values, key=values.__getitem__)
        return best, values[best]


@dataclass(frozen=True, slots=True)
class Record:
    """A published version: its folder and its model.json."""

    folder: Path
    document: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The record of a version folder.

        Raises:
            OSError: there is none.
            ValueError: it is no JSON.
        """
        return cls(folder, json.loads((folder / "model.json").read_text(encoding="utf-8")))

    @property
    def name(self) -> str:
        """How callers name the model."""
        return str(self.document["name"])

    @property
    def size(self) -> int:
        """Of the graph, in bytes."""
        return int(self.document["graph"]["bytes"])

    def blocks(self) -> Iterator[Block]:
        """The measures: `metrics` itself, or one block for each of `metrics.outputs`."""
        metrics = self.document.get("metrics", {})
        for output, found in metrics.get("outputs", {"": metrics}).items():
            model = found.get("model", {})
            yield Block(
                output=output,
                rows=found.get("rows", metrics.get("rows", 0)),
                model=model,
                baselines=found.get("baselines", {}),
                headline=tuple(found.get("headline", list(model)[:2])),
                coverage=found.get("coverage"),
            )


def shipped(models: Path) -> list[Record]:
    """The highest version of every scoring model of a folder that has a model.json, by name."""
    found = []
    for folder in sorted(models.iterdir()):
        versions = [
            version
            for version in folder.glob("[1-9]*")
            if version.name.isdigit() and (version / "model.json").is_file()
        ]
        if versions:
            record = Record.read(max(versions, key=lambda version: int(version.name)))
            # Models of other kinds have pages and measures of their own.
            if record.document.get("kind", "scoring") == "scoring":
                found.append(record)
    return found


def title(measure: str) -> str:
    """How people call a measure."""
    return TITLES.get(measure, measure.replace("_", " "))


def number(value: float | None) -> str:
    """A measure as tables show it, four to five digits; a dash for none."""
    if value is None:
        return "—"
    places = 4 if abs(value) < 10 else 2 if abs(value) < 1000 else 0
    return f"{value:,.{places}f}"
