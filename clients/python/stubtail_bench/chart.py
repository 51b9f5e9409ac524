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
_LETTER, _GAP = 7.0, 18.0  # of the names of lines: the width of a letter, and between two
_FIRST_ROW, _ROW = 14.0, 18.0


Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name in the legend and its points; `dots` marks them."""

    name: str
    points: Sequence[Point]
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
    shown = [_pieces(line, across, up) for line in lines]
    points = [point for pieces in shown for piece in pieces for point in piece]
    if not points:
        return "<p>Nothing was measured.</p>"
    ends_x = _ends([x for x, _ in points], across)
    ends_y = _ends([y for _, y in points], up)

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + _part(x, ends_x, across) * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - _part(y, ends_y, up) * (_HEIGHT - _TOP - _BOTTOM),
        )

    legend, height = _legend([line.name for line in lines], up.title)
    head = f'viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escape(up.title)}"'
    out = [f"<svg {head}>"]
    for value, text in _ticks(ends_x, across):
        x, _ = place(value, ends_y[0])
        out.append(f'<path class="grid" d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
        out.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 16}" class="mid">{text}</text>')
    for value, text in _ticks(ends_y, up):
        _, y = place(ends_x[0], value)
        out.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        out.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" class="end">{text}</text>')
    for number, (line, pieces) in enumerate(zip(lines, shown, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        placed = [[place(x, y) for x, y in piece] for piece in pieces]
        # A point alone is a short dash.
        path = "".join(
            "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in piece) + ("h3" if len(piece) < 2 else "")
            for piece in placed
        )
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        out.append(f'<path class="line" stroke="{colour}"{dash} d="{path}"/>')
        if line.dots:
            dot = f'r="3.5" fill="{colour}"'
            out += [
                f'<circle cx="{x:.1f}" cy="{y:.1f}" {dot}/>' for piece in placed for x, y in piece
            ]
    out.append(legend)
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    out.append(f'<text x="{middle}" y="{_HEIGHT - 8}" class="mid">{escape(across.title)}</text>')
    out.append(f'<text x="{_LEFT}" y="14" class="title">{escape(up.title)}</text>')
    return "".join([*out, "</svg>"])


def _legend(names: Sequence[str], title: str) -> tuple[str, float]:
    """The names of the lines, and the height of the picture that they need.

    They stand beside the title, or in rows below the picture where they are too long for that.
    """
    widths = [_LETTER * len(name) + _GAP for name in names]
    x, y = _WIDTH - _RIGHT - sum(widths) + _GAP, _FIRST_ROW
    if x < _LEFT + _LETTER * len(title) + _GAP:
        x, y = float(_LEFT), _HEIGHT + _FIRST_ROW
    out = []
    for number, (name, width) in enumerate(zip(names, widths, strict=True)):
        if x > _LEFT and x + width - _GAP > _WIDTH:
            x, y = float(_LEFT), y + _ROW
        colour = COLOURS[number % len(COLOURS)]
        out.append(f'<text x="{x:.0f}" y="{y:.0f}" style="fill:{colour}">{escape(name)}</text>')
        x += width
    return "".join(out), max(_HEIGHT, y + _ROW - _FIRST_ROW)


def _pieces(line: Line, across: Axis, up: Axis) -> list[list[Point]]:
    """The points that can be shown, cut where some between them cannot: nothing was there."""
    pieces: list[list[Point]] = [[]]
    for x, y in line.points:
        good = math.isfinite(x) and math.isfinite(y)
        if good and not (across.log and x <= 0) and not (up.log and y <= 0):
            pieces[-1].append((x, y))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


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
