"""The picture of a comparison of servers: bars that read well on a light and on a dark page."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from benchmarks.contestants import FLOOR
from benchmarks.figures import Spread, digits, round_ratios
from benchmarks.floor_report import by_round
from benchmarks.measure import Measurement

# Mid tones on a transparent ground: each has a contrast above 3.5 to white and to near-black.
_INK = "#7b838d"
_COLOURS = {"native": "#0f8f83", "grpcio": "#3f84c9", "mlserver": "#b5651d"}
_OTHER = "#8a919b"
_PANELS: list[tuple[str, str, Callable[[Measurement], float], str]] = [
    ("calls/s, 64 in flight", "infer-1x64", lambda one: one.calls_per_s, "more is better"),
    ("CPU per call, µs, 64 in flight", "infer-1x64", lambda one: one.cpu_us, "less is better"),
    ("p50, µs, one at a time", "infer-1x1", lambda one: one.p50_us, "less is better"),
    ("rows/s, 32 a call", "infer-32x64", lambda one: 32 * one.calls_per_s, "more is better"),
]
_ACROSS = 3  # panels side by side; more of them would be too small on a page
_STYLE = {
    "svg.fonttype": "path",
    "svg.hashsalt": "stubtail",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def draw(found: Sequence[Measurement], titles: dict[str, str], path: Path) -> Path:
    """Writes an SVG with one panel for each figure; bars are medians, whiskers the range.

    Args:
        found: All measurements.
        titles: Title of each server by name, in the order from top to bottom.
        path: The file to write.
    """
    panels = [panel for panel in _PANELS if any(one.case == panel[1] for one in found)]
    servers = [name for name in titles if any(one.server == name for one in found)]
    with mpl.rc_context(_STYLE):
        columns = 2 if len(panels) > _ACROSS else max(1, len(panels))
        lines = max(1, -(-len(panels) // columns))
        figure = Figure(
            figsize=(3.9 * columns + 1.4, lines * (0.9 + 0.42 * len(servers))),
            layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12),
        )
        axes = figure.subplots(lines, columns, sharey=True, squeeze=False)
        for axis, (title, case, value, hint) in zip(axes.flat, panels, strict=False):
            _bars(axis, found, servers, case, value)
            axis.set_title(f"{title}  ·  {hint}", fontsize=10, loc="left", color=_INK)
        axes[0][0].set_yticks(range(len(servers)), [titles[name] for name in servers])
        axes[0][0].invert_yaxis()
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, transparent=True, metadata={"Date": None})
    return path


def _bars(
    axis: Any,
    found: Sequence[Measurement],
    servers: Sequence[str],
    case: str,
    value: Callable[[Measurement], float],
) -> None:
    figures = by_round(found, case, value)
    longest = max(figures.values())
    for place, server in enumerate(servers):
        values = [figure for (name, _), figure in figures.items() if name == server]
        if not values:
            continue
        spread = Spread.of(values)
        axis.barh(place, spread.median, height=0.62, color=_COLOURS.get(server, _OTHER))
        axis.plot([spread.low, spread.high], [place, place], color=_INK, linewidth=1.2)
        label = digits(spread.median)
        ratios = round_ratios(figures, server, FLOOR)
        if server != FLOOR and ratios:
            label += f"  ({digits(Spread.of(ratios).median)}x)"
        axis.text(spread.high + longest * 0.02, place, label, va="center", fontweight="bold")
    axis.set_xlim(0, longest * 1.38)
    axis.set_xticks([])
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.spines["left"].set_visible(True)
    axis.spines["left"].set_color(_INK)
