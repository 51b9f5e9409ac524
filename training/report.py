"""The report: one page with every exported model, its measures, its intervals and its plots."""

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from training.drawing import svg
from training.records import Block, Record, number, shipped, title
from training.table import FOLDER

DEFAULT: Final = Path("build", "training-report.html")
_SHOWN: Final = ("model", "baselines", "outputs")  # of the metrics, by _block
_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .15rem .7rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
td.text { text-align: left; }
.plots { display: flex; flex-wrap: wrap; gap: .5rem; }
.plots svg { width: 30rem; max-width: 100%; height: auto; }
"""


def main(arguments: Sequence[str]) -> int:
    """Runs `python -m training report`; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training report",
        description="Write one HTML page with plots and measures of every exported model.",
        epilog="The page needs no network and no other file. It shows what model.json holds: train"
        " a model again to see something else.",
    )
    parser.add_argument(
        "--models",
        type=Path,
        default=FOLDER.parent / "exported_models",
        metavar="DIR",
        help="the exported models (default: those of this repository)",
    )
    parser.add_argument(
        "--out", type=Path, default=DEFAULT, metavar="FILE", help=f"default: {DEFAULT}"
    )
    options = parser.parse_args(arguments)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(page(shipped(options.models)), encoding="utf-8")
    print(f"written: {options.out}")
    return 0


def page(records: Sequence[Record]) -> str:
    """The whole page as text; the same models give the same text."""
    about = "Every figure is from rows that nothing was fitted, chosen or calibrated on."
    links = " · ".join(f'<a href="#{escape(one.name)}">{escape(one.name)}</a>' for one in records)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><title>stubtail: trained models</title>',
        f"<style>{_STYLE}</style></head><body>",
        "<h1>Trained models</h1>",
        f"<p>{about}</p><p>{links}</p>",
        _table(("model", "measure", "value", "best baseline", "which"), _summary(records), words=4),
        *(_section(record) for record in records),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _summary(records: Sequence[Record]) -> Iterator[tuple[str, ...]]:
    """The headline measures of all models."""
    for record in records:
        for block in record.blocks():
            for measure in block.headline:
                name, best = block.best_baseline(measure)
                what = f"{block.output} {title(measure)}".strip()
                yield record.name, what, number(block.model[measure]), number(best), name


def _section(record: Record) -> str:
    document = record.document
    plots = document.get("report", {}).get("plots", [])
    size = f"{record.size / 1000:.1f} kB, {len(document.get('features', []))} features"
    name, about = escape(record.name), escape(document.get("description", ""))
    parts = [
        f'<h2 id="{name}">{name}</h2>',
        f"<p>{about} Version {escape(document['version'])}, {size}.</p>",
        *(_block(block) for block in record.blocks()),
        *_profiles(document.get("profiles", {}).get("segments", [])),
        *_further(document.get("metrics", {})),
        f'<div class="plots">{"".join(svg(plot) for plot in plots)}</div>' if plots else "",
    ]
    return "\n".join(part for part in parts if part)


def _block(block: Block) -> str:
    """One output: the model beside its baselines, then its intervals."""
    models = {"model": block.model, **block.baselines}
    headings = (f"{block.rows:,} held-out rows", *(name.replace("_", " ") for name in models))
    lines = (
        (title(measure), *(number(model.get(measure)) for model in models.values()))
        for measure in block.model
    )
    parts = [f"<h3>{escape(block.output)}</h3>" if block.output else "", _table(headings, lines)]
    if block.coverage:
        covered = (
            (f"{one['nominal']:.0%}", f"{one['measured']:.1%}", f"{one['mean_width']:g}")
            for one in block.coverage["coverages"]
        )
        parts.append(_table(("intervals: asked", "measured", "mean width"), covered))
    return "\n".join(part for part in parts if part)


def _profiles(segments: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What each segment is like, in a sentence."""
    if segments:
        lines = ((one["name"].replace("_", " "), one["text"]) for one in segments)
        yield _table(("segment", "who they are"), lines, words=1)


def _further(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Whatever else was measured of several things alike: members, levels, brands."""
    for name, found in metrics.items():
        if name in _SHOWN or not isinstance(found, Mapping):
            continue
        things = {key: values for key, values in found.items() if isinstance(values, Mapping)}
        columns = list(dict.fromkeys(key for values in things.values() for key in values))
        numbers = [v for values in things.values() for v in values.values()]
        if things and all(isinstance(value, int | float) for value in numbers):
            lines = (
                (thing.replace("_", " "), *(number(values.get(column)) for column in columns))
                for thing, values in things.items()
            )
            headings = (name.replace("_", " "), *(title(column) for column in columns))
            yield _table(headings, lines)


def _table(headings: Sequence[str], lines: Iterable[Sequence[str]], words: int = -1) -> str:
    """A table of text; the column `words` holds words and stands left."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="text">{escape(cell)}</td>' if at == words else f"<td>{escape(cell)}</td>"
            for at, cell in enumerate(line)
        )
        + "</tr>\n"
        for line in lines
    )
    return f"<table>\n<tr>{head}</tr>\n{body}</table>"
