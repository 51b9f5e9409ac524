"""What training shows on the terminal: progress while it runs, then the model and its baselines."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from training.export import Exported, Trained, export
from training.records import LESS, Block, Record, number, title


class System(Protocol):
    """A module of training that trains one model."""

    STEPS: int

    def train(self, step: Callable[[str], None]) -> Trained:
        """Trains; calls `step` with a word after each piece of work, STEPS times."""


def train(
    system: System, name: str, version: str, out: Path, console: Console
) -> tuple[Exported, float]:
    """Trains a system under a progress bar and publishes it; returns that and the seconds."""
    columns = (
        TextColumn(f"{name}: {{task.description}}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    started = time.perf_counter()
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("reading rows", total=system.STEPS + 1)

        def step(text: str) -> None:
            progress.update(bar, advance=1, description=text)

        exported = export(system.train(step), version, out)
        step("published")
    return exported, time.perf_counter() - started


def show(exported: Exported, console: Console) -> None:
    """Prints the model against its baselines, then the facts about the graph."""
    document = exported.document
    for block in Record(exported.folder, document).blocks():
        console.print(_measures(block))
    console.print(
        f"graph: {exported.nodes} nodes, {document['graph']['bytes']:,} bytes\n"
        f"parity: {exported.parity:.1e} at most on {document['parity']['rows']:,} held-out rows"
        f" (allowed {document['parity']['tolerance']:.0e})\n"
        f"one row: p50 {exported.one_row_us:.1f} µs in ONNX Runtime, one thread, fresh rows\n"
        f"published: {exported.folder}",
        highlight=False,
        soft_wrap=True,
    )


def summarise(done: list[tuple[Exported, float]], console: Console) -> None:
    """Prints one line for each system that was trained."""
    table = Table(title="published", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), expand=True)
    table.add_column("model", no_wrap=True, min_width=10)
    table.add_column("measure", no_wrap=True, ratio=1)  # the only one that a narrow terminal cuts
    for heading, width in (("value", 6), ("baseline", 8), ("kB", 5), ("row, µs", 7), ("s", 4)):
        table.add_column(heading, justify="right", no_wrap=True, min_width=width)
    for exported, seconds in done:
        record = Record(exported.folder, exported.document)
        facts = (f"{record.size / 1000:.1f}", f"{exported.one_row_us:.1f}", f"{seconds:.0f}")
        for index, block in enumerate(record.blocks()):
            measure = block.headline[0]
            _, best = block.best_baseline(measure)
            table.add_row(
                "" if index else record.name,
                f"{block.output} {title(measure)}".strip().removesuffix(LESS),
                number(block.model[measure]),
                number(best),
                *(("", "", "") if index else facts),
            )
    console.print(table)


def _measures(block: Block) -> Table:
    """One column for the model and for each baseline, one row for each measure."""
    name = f"{block.output}: " if block.output else ""
    table = Table(title=f"{name}{block.rows:,} held-out rows")
    table.add_column("measure")
    models = {"model": block.model, **block.baselines}
    for heading in models:
        table.add_column(heading.replace("_", " "), justify="right")
    for measure in block.model:
        values = (number(model.get(measure)) for model in models.values())
        table.add_row(title(measure), *values)
    if block.coverage:
        found = (f"{c['nominal']:.0%} {c['measured']:.1%}" for c in block.coverage["coverages"])
        table.caption = f"intervals, asked and measured: {', '.join(found)}"
    return table
