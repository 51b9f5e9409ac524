"""Writes the newest results into benchmarks/README.md and README.md, between two markers each."""

import argparse
from pathlib import Path
from typing import Any

from benchmarks.figures import digits, table
from benchmarks.floor_report import case_tables, from_document
from benchmarks.forecast_report import report as forecast_report
from benchmarks.llm_report import report as llm_report
from benchmarks.peers import report as peers
from benchmarks.results import newest
from benchmarks.scenario import add_common
from benchmarks.storms import report as storms

README, FRONT = Path("benchmarks/README.md"), Path("README.md")
_RESULTS, _PEERS = "results", "peers"  # the names of the markers
_PICTURE = "![Calls per second, CPU per call and latency of each server](results/floor.svg)"
_WITH_PROMISES = (
    "floor",
    "floor-reference",
    "reload",
    "cancel",
    "connections",
    "start",
    "overload",
    "fairness",
    "steady",
    "access",
    "access-guard",
    "access-calls",
    "access-flood",
    "client",
    "coalesce",
    "storms",
    "explain",
    "forecast-accuracy",
    "forecast-latency",
    "anomaly",
    "decide",
    "load-check",
    "llm",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks readme`."""
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    """Replaces what stands between the markers; 0 when there were any results."""
    parts = sections(options.out)
    body = "\n\n".join(parts) if parts else "_Nothing has been measured yet._"
    README.write_text(between(README.read_text(), _RESULTS, body))
    beside = newest("peers", options.out)
    if beside is not None:
        FRONT.write_text(between(FRONT.read_text(), _PEERS, peers_section(beside, options.out)))
    print(f"{README}: {len(parts)} sections")
    return 0 if parts else 1


def between(text: str, name: str, body: str) -> str:
    """`text` with `body` between `<!-- name -->` and `<!-- /name -->`.

    Raises:
        SystemExit: It has no such markers.
    """
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = text.partition(begin)
    _, marker, after = rest.partition(end)
    if not marker:
        raise SystemExit(f"there is no {begin} ... {end}")
    return f"{before}{begin}\n{body}\n{end}{after}"


def peers_section(document: dict[str, Any], folder: Path) -> str:
    """The comparison with others: picture, one table, the command and the date.

    Args:
        document: The result.
        folder: Of the results, as the page that it is written into sees it.
    """
    found = peers.from_document(document["found"])
    picture = f"![Calls a second, CPU, latency and rows of each server]({folder}/peers.svg)"
    note = (
        f"Model: {document['model']['name']}, {document['model']['features']} features. "
        f"{_rounds(document['rounds'])} of {document['seconds']:g} s."
    )
    table_text = peers.peers_table(document["peers"], found)
    return "\n\n".join([picture, table_text, f"{note} {_where(document)}"])


def _rounds(count: int) -> str:
    """How many rounds there were: one has no spread, and says so."""
    if count == 1:
        return "One round, whose spread is not known,"
    return f"Median (lowest-highest) of {count} rounds"


def sections(folder: Path) -> list[str]:
    """Markdown of everything that was measured: promises, floor tables, micro benchmarks."""
    documents = {name: newest(name, folder) for name in (*_WITH_PROMISES, "micro")}
    found = {name: document for name, document in documents.items() if document is not None}
    parts = []
    rows = [row for name in _WITH_PROMISES if name in found for row in _promise_rows(found[name])]
    if rows:
        head = ["benchmark", "promise", "measured", "bound", "kept"]
        parts.append(f"### Promises\n\n{table(head, rows, left=2)}\n\n{_how_measured(found)}")
    if "floor" in found:
        document = found["floor"]
        tables = case_tables(from_document(document), document["cases"], document["servers"])
        note = "Median (lowest-highest) of the rounds; ratios are taken within each round."
        texts = [f"### Floor comparison\n\n{_where(document)}", _PICTURE, note, *tables]
        parts.append("\n\n".join(texts))
    beside = newest("peers", folder)
    if beside is not None:
        parts.append(f"### Beside others\n\n{peers_section(beside, Path('results'))}")
    if "forecast-accuracy" in found:
        document = found["forecast-accuracy"]
        parts.append(f"### Forecasts\n\n{_where(document)}\n\n{forecast_report(document)}")
    if "llm" in found:
        document = found["llm"]
        parts.append(f"### Language models\n\n{_where(document)}\n\n{llm_report(document)}")
    weather = newest("storms", folder)
    if weather is not None:
        left = ", ".join(weather["left_to_a_proxy"])
        text = storms.storms_table(storms.from_document(weather))
        parts.append(f"### Storms\n\n{_where(weather)}\n\n{text}\n\nLeft to a proxy: {left}.")
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


def _how_measured(found: dict[str, dict[str, Any]]) -> str:
    """A line for each result in the table: a short run or a busy machine must not look alike."""
    lines = ["How each was measured, and the load of the machine just before:", ""]
    for name in _WITH_PROMISES:
        if name in found:
            one = found[name]
            about, commit = one["machine"], one["versions"].get("commit", "no commit")
            cores = about.get("server_cores")
            apart = f", servers on {cores} of {about['cores']} cores" if cores else ""
            lines.append(
                f"- {name}: {one['date'][:10]}, {commit}, load {about['load_before']}{apart}:"
                f" `{one['command']}`"
            )
    return "\n".join(lines)


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
