"""PetShop incidents: how often the component that was broken is named first, or among three."""

import csv
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

FOLDERS = ("low_traffic", "high_traffic")
STATISTICS = {"latency": ("Average", "p90"), "availability": ("Average",)}
FINITE_MIN = 8  # values that a series needs


@dataclass(frozen=True, slots=True)
class Incident:
    """One injected fault.

    Attributes:
        name: its folder.
        series: by (component, statistic) the usual points and then those of the incident.
        first: the first point of the incident.
        focus: the component that suffers.
        cause: the one that was broken.
        depends_on: who depends on whom.
    """

    name: str
    series: Mapping[tuple[str, str], Numbers]
    first: int
    focus: str
    cause: str
    depends_on: Mapping[str, list[str]]


def read(archive: Path, part: str) -> list[Incident]:
    """The incidents of `train` or `test`; only of the metric that suffers in each."""
    with tarfile.open(archive) as files:
        texts = {
            member.name: files.extractfile(member).read().decode()  # type: ignore[union-attr]  # files only
            for member in files.getmembers()
            if member.isfile()
        }
    found = []
    for folder in FOLDERS:
        usual = _table(texts[f"{folder}/noissue/metrics.csv"])
        graph = _graph(texts[f"{folder}/graph.csv"])
        names = sorted(name for name in texts if name.startswith(f"{folder}/{part}/"))
        for name in (one for one in names if one.endswith("target.json")):
            target = json.loads(texts[name])
            table = _table(texts[name.replace("target.json", "metrics.csv")])
            found.append(_incident(name, usual, table, target, graph))
    return found


def largest_deviation(incident: Incident) -> list[str]:
    """The baseline: components by their largest z-score during the incident."""
    worst: dict[str, float] = {}
    for (component, _), values in incident.series.items():
        before, during = values[: incident.first], values[incident.first :]
        spread = float(np.nanstd(before))
        if spread > 0 and np.isfinite(during).any():
            off = float(np.nanmax(np.abs(during - np.nanmean(before)))) / spread
            worst[component] = max(worst.get(component, 0.0), off)
    return sorted(worst, key=lambda name: -worst[name])


def hits(ranked: Mapping[str, list[str]], incidents: list[Incident]) -> dict[str, float]:
    """The share of incidents whose cause is the first, and among the first three."""
    places = [
        ranked[one.name].index(one.cause) if one.cause in ranked[one.name] else len(one.series)
        for one in incidents
    ]
    return {
        "top_1": round(sum(place < 1 for place in places) / len(places), 4),
        "top_3": round(sum(place < 3 for place in places) / len(places), 4),
    }


def _incident(
    name: str,
    usual: Mapping[tuple[str, str, str], Numbers],
    table: Mapping[tuple[str, str, str], Numbers],
    target: Any,
    graph: Mapping[str, list[str]],
) -> Incident:
    metric = target["target"]["metric"]
    series = {}
    for (component, what, statistic), before in usual.items():
        if what != metric or statistic not in STATISTICS[metric]:
            continue
        during = table.get((component, what, statistic))
        if during is None:
            continue
        values = np.concatenate((before, during))
        if np.isfinite(values).sum() >= FINITE_MIN:
            series[component, statistic] = values
    first = len(next(iter(usual.values())))
    return Incident(
        name, series, first, target["target"]["node"], target["root_cause"]["node"], graph
    )


def _table(text: str) -> dict[tuple[str, str, str], Numbers]:
    """Columns by component, metric and statistic: the first three lines are their names."""
    rows = list(csv.reader(StringIO(text)))
    body = [row for row in rows[3:] if row and row[0] != "unix_timestamp"]
    heads = list(zip(*(row[1:] for row in rows[:3]), strict=True))
    columns = zip(*(row[1:] for row in body), strict=True)
    return {
        (head[0], head[1], head[2]): np.array([float(cell) if cell else np.nan for cell in column])
        for head, column in zip(heads, columns, strict=True)
    }


def _graph(text: str) -> dict[str, list[str]]:
    rows = list(csv.reader(StringIO(text)))
    names = rows[0][1:]
    return {
        row[0]: [name for name, cell in zip(names, row[1:], strict=True) if float(cell or 0) > 0]
        for row in rows[1:]
    }


def edges(incident: Incident) -> Iterator[tuple[str, str]]:
    """Pairs of a component and one that it depends on."""
    for component, others in incident.depends_on.items():
        for other in others:
            yield component, other
