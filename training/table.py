"""The table of training/README.md: model x measure x baseline x size x time of a call."""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from training.records import Record, number, shipped, title

FOLDER: Final = Path(__file__).resolve().parent
HEADINGS: Final = (
    "model",
    "output",
    "measure",
    "value",
    "best baseline",
    "which",
    "graph, kB",
    "p50 of a call, µs",
)
_BLOCK: Final = re.compile(r"(<!-- table -->\n).*?(<!-- /table -->)", re.DOTALL)


def main(arguments: Sequence[str]) -> int:
    """Runs `python -m training table`; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training table",
        description="Measure a call to every exported model and write the table of a page.",
        epilog="The table stands between <!-- table --> and <!-- /table -->. Calls go to a real"
        " server over a socket, one row each, one at a time.",
    )
    parser.add_argument(
        "--models",
        type=Path,
        default=FOLDER.parent / "exported_models",
        metavar="DIR",
        help="the exported models (default: those of this repository)",
    )
    parser.add_argument(
        "--page",
        type=Path,
        default=FOLDER / "README.md",
        metavar="FILE",
        help="the page to write into (default: training/README.md)",
    )
    options = parser.parse_args(arguments)
    from training.calls import p50_us  # noqa: PLC0415 - --help works without grpc and numpy

    records = shipped(options.models)
    try:
        table = markdown(records, p50_us(options.models, records))
    except RuntimeError as error:
        print(f"{error}; the server needs pip install '.[server]'", file=sys.stderr)
        return 1
    text = options.page.read_text(encoding="utf-8")
    if not _BLOCK.search(text):
        print(f"{options.page} has no <!-- table --> block", file=sys.stderr)
        return 1
    options.page.write_text(
        _BLOCK.sub(lambda found: f"{found[1]}{table}{found[2]}", text), encoding="utf-8"
    )
    print(table, end="")
    return 0


def markdown(records: Sequence[Record], times: Mapping[str, float]) -> str:
    """The table, one line for each headline measure of each output.

    Args:
        records: the models.
        times: the median time of a call by model, in microseconds; a dash for those that are not
            there.
    """
    lines = [HEADINGS, ("---",) * 3 + ("--:",) * 2 + ("---",) + ("--:",) * 2]
    for record in records:
        took = times.get(record.name)
        facts = (f"{record.size / 1000:.1f}", "—" if took is None else f"{took:.0f}")
        for index, (output, cells) in enumerate(rows(record)):
            first = (record.name, output) if not index else ("", output)
            lines.append((*first, *cells, *(facts if not index else ("", ""))))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def rows(record: Record) -> Iterator[tuple[str, tuple[str, str, str, str]]]:
    """For each headline measure: the output (once), then measure, value, baseline and its name."""
    for block in record.blocks():
        for index, measure in enumerate(block.headline):
            name, best = block.best_baseline(measure)
            cells = (title(measure), number(block.model[measure]), number(best), name)
            yield block.output if not index else "", cells
