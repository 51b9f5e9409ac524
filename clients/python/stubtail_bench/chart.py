"""Line charts as inline SVG: linear or logarithmic axes, no scripts, no fonts to load."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from stubtail_bench.figures import digits

COLOURS = ("#0f8f83", "#3f84c9", "#b5651d", "#8a5fbf", "#c0445e", "#6b7a1f")
_WIDTH, _HEIGHT = 860, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 16, 30, 46
_TICKS = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name in the legend and its points; `dots` marks them."""

    name: str
    points: Sequence[tuple[float, float]]
    dots: bool = False
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis: what it shows, whether it is logarithmic, and its ticks where they are no numbers.

    Attributes:
        title: With the unit.
        log: Logarithmic; values of 0 and less are left out.
        ticks: (value, text) of each tick; None chooses some.
        from_zero: A linear axis begins at 0.
    """

    title: str
    log: bool = False
    ticks: Sequence[tuple[float, str]] | None = None
    from_zero: bool = False


def line_chart(lines: Sequence[Line], across: Axis, up: Axis) -> str:
    """An SVG element; a sentence where no line has a point."""
    lines = [Line(one.name, _shown(one, across, up), one.dots, one.dashed) for one in lines]
    points = [point for line in lines for point in line.points]
    if not points:
        return "<p>Nothing was measured.</p>"
    ends_x = _ends([x for x, _ in points], across)
    ends_y = _ends([y for _, y in points], up)

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + _part(x, ends_x, across) * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - _part(y, ends_y, up) * (_HEIGHT - _TOP - _BOTTOM),
        )

    out = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(up.title)}">']
    for value, text in _ticks(ends_x, across):
        x, _ = place(value, ends_y[0])
        out.append(f'<path class="grid" d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
        out.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 16}" class="mid">{text}</text>')
    for value, text in _ticks(ends_y, up):
        _, y = place(ends_x[0], value)
        out.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        out.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" class="end">{text}</text>')
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        placed = [place(x, y) for x, y in line.points]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in placed)
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        out.append(f'<path class="line" stroke="{colour}"{dash} d="{path}"/>')
        if line.dots:
            dot = f'r="3.5" fill="{colour}"'
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" {dot}/>' for x, y in placed]
    out.append(_legend([line.name for line in lines]))
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    out.append(f'<text x="{middle}" y="{_HEIGHT - 8}" class="mid">{escape(across.title)}</text>')
    out.append(f'<text x="{_LEFT}" y="14" class="title">{escape(up.title)}</text>')
    return "".join([*out, "</svg>"])


def _legend(names: Sequence[str]) -> str:
    out, x = [], float(_WIDTH - _RIGHT)
    for number in reversed(range(len(names))):
        x -= 7.0 * len(names[number])
        colour = COLOURS[number % len(COLOURS)]
        out.append(f'<text x="{x:.0f}" y="14" style="fill:{colour}">{escape(names[number])}</text>')
        x -= 18
    return "".join(out)


def _shown(line: Line, across: Axis, up: Axis) -> list[tuple[float, float]]:
    return [
        (x, y)
        for x, y in line.points
        if math.isfinite(x) and math.isfinite(y) and not (across.log and x <= 0)
        if not (up.log and y <= 0)
    ]


def _ends(values: Sequence[float], axis: Axis) -> tuple[float, float]:
    low, high = min(values), max(values)
    if axis.log:
        return low / 1.1, high * 1.1
    low = min(low, 0.0) if axis.from_zero else low
    room = (high - low or abs(high) or 1.0) * 0.04
    return low, high + room


def _part(value: float, ends: tuple[float, float], axis: Axis) -> float:
    low, high = ends
    if axis.log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def _ticks(ends: tuple[float, float], axis: Axis) -> list[tuple[float, str]]:
    low, high = ends
    if axis.ticks is not None:
        return [(value, escape(text)) for value, text in axis.ticks if low <= value <= high]
    if axis.log:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        steps = (1, 2, 5) if len(powers) <= 4 else (1,)
        values = [step * 10.0**power for power in powers for step in steps]
    else:
        rough = (high - low) / _TICKS
        size = 10.0 ** math.floor(math.log10(rough))
        step = next(size * times for times in (1, 2, 5, 10) if size * times >= rough)
        values = [step * number for number in range(math.ceil(low / step), int(high / step) + 1)]
    return [(value, _short(value)) for value in values if low <= value <= high]


def _short(value: float) -> str:
    text = f"{value:,.0f}" if value >= 100 else digits(value)
    return text.rstrip("0").rstrip(".") if "." in text else text
