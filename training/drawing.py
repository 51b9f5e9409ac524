"""Draws the plots that model.json keeps, as SVG that reads well on a light and a dark page."""

import io
from collections.abc import Mapping
from textwrap import fill
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

# Mid tones on a transparent ground: each has a contrast above 3.5 to white and to near-black.
INK: Final = "#7b838d"
_COLOURS: Final = (
    "#0f8f83", "#b5651d", "#3f84c9", "#9a5fc0", "#c04f6d", "#6f8f1f",
    "#a08a2c", "#4d7f5b", "#7c6f64", "#5c6bc0", "#d0703c", "#3c9ab0",
)  # fmt: skip
_STYLE: Final = {
    "svg.fonttype": "none",
    "svg.hashsalt": "stubtail",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
_SIZE: Final = (4.6, 3.4)  # inches
_LEGEND_LINES_MAX: Final = 4  # a longer one would hide the curves and stands beside them
_LABEL_WIDTH: Final = 44  # characters


def svg(plot: Mapping[str, Any]) -> str:
    """One plot of `report.plots` (`plots.plot`) as an SVG element, the same text each time."""
    with mpl.rc_context(_STYLE):
        beside = len(plot["series"]) > _LEGEND_LINES_MAX
        figure = Figure(
            figsize=(_SIZE[0] * (1.45 if beside else 1), _SIZE[1]), layout="constrained"
        )
        axis = figure.subplots()
        colours = iter(_COLOURS * (1 + len(plot["series"])))
        for series in plot["series"]:
            reference = series["style"] == "dashed"
            _draw(axis, series, INK if reference else next(colours))
        axis.set_title(plot["title"], fontsize=11, loc="left")
        axis.set_xlabel(fill(plot["x"], _LABEL_WIDTH))
        axis.set_ylabel(fill(plot["y"], _LABEL_WIDTH))
        if beside:
            figure.legend(fontsize=8, loc="outside right center")
        elif len(plot["series"]) > 1:
            axis.legend(fontsize=8)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return buffer.getvalue().partition("<svg")[1] + buffer.getvalue().partition("<svg")[2]


def _draw(axis: Any, series: Mapping[str, Any], colour: str) -> None:
    x, y, name = series["x"], series["y"], series["name"]
    match series["style"]:
        case "points":
            size = 22 if len(x) <= 60 else 5  # a few that count, or a cloud
            axis.scatter(x, y, s=size, color=colour, label=name, linewidths=0)
        case "steps":
            axis.step(x, y, where="post", color=colour, label=name, linewidth=1.6)
        case "dashed":
            axis.plot(x, y, "--", color=colour, label=name, linewidth=1)
        case _:
            axis.plot(x, y, color=colour, label=name, linewidth=1.6)
