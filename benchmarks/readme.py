"""Writes the newest results into benchmarks/README.md, between two markers."""

import argparse
from pathlib import Path
from typing import Any

from benchmarks.figures import digits, table
from benchmarks.floor_report import case_tables, from_document
from benchmarks.results import newest
from benchmarks.scenario import add_common

README = Path("benchmarks/README.md")
_BEGIN, _END = "<!-- results -->", "<!-- /results -->"
_PICTURE = "![Calls per second, CPU per call and latency of each server](results/floor.svg)"
_WITH_PROMISES = (
    "floor",
    "floor-reference",
    "reload",
    "cancel",
    "connections",
    "start",
    "overload",
    "explain",
    "decide",
    "load-check",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks readme`."""
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    """Replaces what stands between the markers; 0 when there were any results."""
    text = README.read_text()
    before, _, rest = text.partition(_BEGIN)
    _, marker, after = rest.partition(_END)
    if not marker:
        raise SystemExit(f"{README} has no {_BEGIN} ... {_END}")
    parts = sections(options.out)
    body = "\n\n".join(parts) if parts else "_Nothing has been measured yet._"
    README.write_text(f"{before}{_BEGIN}\n{body}\n{_END}{after}")
    print(f"{README}: {len(parts)} sections")
    return 0 if parts else 1


def sections(folder: Path) -> list[str]:
    """Markdown of everything that was measured: promises, floor tables, micro benchmarks."""
    documents = {name: newest(name, folder) for name in (*_WITH_PROMISES, "micro")}
    found = {name: document for name, document in documents.items() if document is not None}
    parts = []
    rows = [row for name in _WITH_PROMISES if name in found for row in _promise_rows(found[name])]
    if rows:
        head = ["benchmark", "promise", "measured", "bound", "kept"]
        parts.append(f"### Promises\n\n{table(head, rows, left=2)}")
    if "floor" in found:
        document = found["floor"]
        tables = case_tables(from_document(document), document["cases"], document["servers"])
        note = "Median (lowest-highest) of the rounds; ratios are taken within each round."
        texts = [f"### Floor comparison\n\n{_where(document)}", _PICTURE, note, *tables]
        parts.append("\n\n".join(texts))
    if "micro" in found:
        document = found["micro"]
        lines = [
            [f"{one['group']}: {one['name']}", digits(one["median_us"])]
            for one in document["micro"]
        ]
        parts.append(
            f"### Steps of a call\n\n{_where(document)}\n\n{table(['step', 'us/call'], lines)}"
        )
    return parts


def _promise_rows(document: dict[str, Any]) -> list[list[str]]:
    rows = []
    for one in document["promises"]:
        unit = one["unit"] if one["unit"] in {"", "x"} else f" {one['unit']}"
        measured = "not measured"
        if one["measured"] is not None:
            measured = digits(one["measured"]) + unit
        bound = f"{one['relation']} {one['bound']:g}{unit}"
        rows.append(
            [
                document["benchmark"],
                one["promise"],
                measured,
                bound,
                "yes" if one["kept"] else "**no**",
            ]
        )
    return rows


def _where(document: dict[str, Any]) -> str:
    machine, versions = document["machine"], document["versions"]
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{document['date'][:10]}, {machine['cores']} cores of {machine['cpu']}, "
        f"{machine['memory_gib']} GiB, {machine['system']}, Python {machine['python']}; "
        f"{packages}. "
        f"`{document['command']}`"
    )
