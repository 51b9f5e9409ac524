"""One HTML page of a load: tables and pictures in a single file that needs nothing else."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from stubtail_bench.chart import Axis, Line, line_chart
from stubtail_bench.figures import digits
from stubtail_bench.histogram import dense, quantiles_s

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
td, th { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #8884; }
td:first-child, th:first-child { text-align: left; }
.wide { overflow-x: auto; } .note { color: #b5651d; }
svg { width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
svg .mid { text-anchor: middle; } svg .end { text-anchor: end; } svg .title { font-weight: 600; }
svg .grid { stroke: #8883; fill: none; } svg .line { stroke-width: 1.8; fill: none; }
"""
_PARTS = (0.5, 0.9, 0.99)
_CURVE_TICKS = [
    (math.log10(1 / (1 - part)) if part else 0.0, text)
    for part, text in [
        (0.0, "0 %"),
        (0.5, "50 %"),
        (0.9, "90 %"),
        (0.99, "99 %"),
        (0.999, "99.9 %"),
        (0.9999, "99.99 %"),
        (0.99999, "99.999 %"),
    ]
]
_CURVE_POINTS = 160
_LINES_MAX = 6  # in one picture

_Run = Mapping[str, Any]


def page(document: Mapping[str, Any], warnings: Sequence[str]) -> str:
    """The page for a document of `report.document`."""
    runs = document["runs"]
    machine = document["machine"]
    head = f"Load of {', '.join(sorted({c['model'] for c in document['workload']['calls']}))}"
    about = (
        f"{document['date']}, mode {document['mode']}, {machine['cores']} cores of "
        f"{machine['cpu']}, load {machine['load_before']} before. Latency counts from the time a "
        "call was due. A percentile is off by at most "
        f"{document['histogram']['relative_error']:.1%}."
    )
    drawn = _spread(runs)
    parts = [
        f"<h1>{escape(head)}</h1>",
        f"<p>{escape(about)}</p>",
        *(f'<p class="note">{escape(text)}</p>' for text in warnings),
        f'<div class="wide">{_summary(runs)}</div>',
        *_goodput(runs),
        "<h2>Percentiles</h2>",
        line_chart(
            [Line(run["name"], curve(run["answered"])) for run in drawn],
            Axis("part of the answered calls", ticks=_CURVE_TICKS),
            Axis("latency, ms", log=True),
        ),
    ]
    if len(runs) > _LINES_MAX:
        parts.append(f'<p class="note">{_LINES_MAX} of {len(runs)} runs are drawn.</p>')
    for run in drawn:
        parts += [f"<h2>Over time: {escape(run['name'])}</h2>", _over_time(run), _outcomes(run)]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(head)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _spread(runs: Sequence[_Run]) -> list[_Run]:
    """As many runs as pictures hold, from the first to the last: that is where a search ends."""
    places = np.linspace(0, len(runs) - 1, min(len(runs), _LINES_MAX)).round().astype(int)
    return [runs[place] for place in places]


def curve(histogram: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Latency in ms over log10(1 / (1 - part)), as far as there are ten calls beyond a part."""
    count = histogram["count"]
    if count < 10:
        return []
    across = np.linspace(0, math.log10(count / 10) if count > 10 else 0.0, _CURVE_POINTS)
    values = quantiles_s(dense(histogram["buckets"]), (1 - 10.0**-across).tolist())
    return [(float(x), float(y) * 1e3) for x, y in zip(across, values, strict=True)]


def _summary(runs: Sequence[Mapping[str, Any]]) -> str:
    head = "run|offered/s|good/s|p50 ms|p90 ms|p99 ms|max ms|p99 of all ms|calls|not OK|lost"
    head += "|generator late ms"
    rows = []
    for run in runs:
        answered = run["answered"]
        values = quantiles_s(dense(answered["buckets"]), _PARTS) * 1e3
        offered = run["offered_per_s"]
        lag = quantiles_s(dense(run["generator_lag"]["buckets"]), [0.99])[0] * 1e3
        cells = [
            escape(run["name"]),
            "-" if offered is None else digits(offered),
            digits(run["good_per_s"]),
            *(digits(float(value)) for value in values),
            digits((answered["max_us"] or math.nan) / 1e3),
            "never" if run["p99_of_all_ms"] is None else digits(run["p99_of_all_ms"]),
            f"{run['issued']:,}",
            f"{run['issued'] - run['statuses'].get('OK', 0):,}",
            f"{run['lost']:,}",
            digits(float(lag)),
        ]
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    top = "".join(f"<th>{title}</th>" for title in head.split("|"))
    return f"<table><tr>{top}</tr>{''.join(rows)}</table>"


def _goodput(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    points = sorted(
        (run["offered_per_s"], run["good_per_s"]) for run in runs if run["offered_per_s"]
    )
    if len({offered for offered, _ in points}) < 2:
        return []
    most = points[-1][0]
    return [
        "<h2>Goodput against offered load</h2>",
        line_chart(
            [
                Line("answered in time", points, dots=True),
                Line("all that was offered", [(0.0, 0.0), (most, most)], dashed=True),
            ],
            Axis("offered calls a second", from_zero=True),
            Axis("calls a second", from_zero=True),
        ),
    ]


def _over_time(run: Mapping[str, Any]) -> str:
    windows = run["windows"]
    length = windows["seconds"]
    counts = np.stack([dense(pairs) for pairs in windows["answered"]])
    values = quantiles_s(counts, (*_PARTS, 1.0)) * 1e3
    lines = [
        Line(name, [(at * length, float(value)) for at, value in enumerate(values[:, column])])
        for column, name in enumerate(("p50", "p90", "p99", "max"))
    ]
    return line_chart(lines, Axis("seconds since the warm-up"), Axis("latency, ms", log=True))


def _outcomes(run: Mapping[str, Any]) -> str:
    windows = run["windows"]
    length = windows["seconds"]
    lines = [
        Line(status, [(at * length, count / length) for at, count in enumerate(counts)])
        for status, counts in windows["calls"].items()
    ]
    up = Axis("calls a second, by outcome and due time", from_zero=True)
    return line_chart(lines[:_LINES_MAX], Axis("seconds since the warm-up"), up)
