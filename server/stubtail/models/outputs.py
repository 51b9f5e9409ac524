"""What the numbers of a model mean: scores, levels of risk and intervals, as model.json tells."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, cast

from stubtail.models.fields import Fields, quoted

CLASSES_MAX: Final = 10_000
OUTPUTS_MAX: Final = 64  # each is a column of every reply
LEVELS_MAX: Final = 32
COVERAGES_MAX: Final = 64

_NAME: Final = r".{1,256}"
_OUTPUT_KEYS: Final = ("name", "meaning", "unit", "levels", "interval")
_INTERVAL_KEYS: Final = (
    "method",
    "coverages",
    "below",
    "above",
    "scale",
    "lower",
    "upper",
    "minimum",
    "maximum",
    "calibration_rows",
    "meaning",
)


@dataclass(frozen=True, slots=True)
class Levels:
    """Names for ranges of a score: `names[k]` from `thresholds[k-1]` up to below `thresholds[k]`.

    Thresholds ascend; there is one less than names.
    """

    names: tuple[str, ...]
    thresholds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """Conformal prediction intervals, calibrated by training for a grid of coverages.

    For coverage k of the grid: from `lower - below[k] * scale` to `upper + above[k] * scale`, cut
    to `minimum` and `maximum`. `lower`, `upper` and `scale` are outputs of the graph; where they
    are None, the score itself stands for the first two and 1 for the scale. So one formula covers
    split, normalised (Papadopoulos et al., 2002; Lei et al., 2018) and quantile conformal
    prediction (Romano et al., 2019).

    For a model of yes and no the interval is about the outcome: with the given coverage the true 0
    or 1 lies within it.
    """

    method: Literal["split", "normalised", "quantile"]
    coverages: tuple[float, ...]
    below: tuple[float, ...]
    above: tuple[float, ...]
    scale: str | None
    lower: str | None
    upper: str | None
    minimum: float | None
    maximum: float | None
    calibration_rows: int
    meaning: str

    @property
    def graph_outputs(self) -> tuple[str, ...]:
        """The outputs of the graph that it needs besides the score."""
        return tuple(name for name in (self.scale, self.lower, self.upper) if name is not None)


@dataclass(frozen=True, slots=True)
class NamedOutput:
    """One output of the graph that callers get: one number for each row.

    `unit` is a word such as probability, days or dollars; empty when nothing is said.
    """

    name: str
    meaning: str
    unit: str
    levels: Levels | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Output:
    """The score: its name in the graph, what it means, and the label that follows from it.

    With two classes, a row belongs to the second one from `threshold` (0 to 1) upwards.
    """

    score: str
    meaning: str
    classes: tuple[str, ...]
    threshold: float | None


def read_outputs(top: Fields, problems: list[str]) -> tuple[Output | None, tuple[NamedOutput, ...]]:
    """The fields `output` and `outputs` of the document; notes every problem.

    Returns:
        The main score, None without; and the outputs that callers get: those of `outputs`, and
        the main score first where they leave it out.
    """
    output, main = _read_output(top, problems)
    if not top.has("outputs"):
        return output, () if main is None else (main,)
    expected = f"a list of 1 to {OUTPUTS_MAX} objects"
    items = top.raw("outputs", expected)
    if not isinstance(items, list) or not 1 <= len(items) <= OUTPUTS_MAX:
        top.problem("outputs", f"expected {expected}, got {quoted(items)}")
        return output, () if main is None else (main,)
    if main is None:
        top.problem("outputs", '"output" must say which of them is the main score')
    elif main.levels or main.interval:
        top.problem("output", 'with "outputs", levels and interval belong there')
    given: dict[str, NamedOutput] = {}
    for index, item in enumerate(items):
        named = _read_named(item, f"outputs[{index}]", problems)
        if named.name in given and named.name:
            problems.append(f"outputs[{index}].name: {quoted(named.name)} is given twice")
        given.setdefault(named.name, named)
    named_outputs = tuple(given.values())
    if main is not None and main.name not in given:
        named_outputs = (main, *named_outputs)
    return output, named_outputs


def _read_output(top: Fields, problems: list[str]) -> tuple[Output | None, NamedOutput | None]:
    if not top.has("output"):
        return None, None
    known = ("score", "meaning", "classes", "threshold", "unit", "levels", "interval")
    fields = Fields(top.raw("output", "an object"), "output", problems, known)
    expected = "a list of class names"
    classes = fields.strings("classes", expected, most=CLASSES_MAX, required=False)
    threshold = fields.number("threshold", "a number from 0 to 1", least=0.0, most=1.0)
    if threshold is not None and len(classes) != 2:
        fields.problem("threshold", f"it needs two classes, there are {len(classes)}")
    output = Output(
        score=fields.text("score", "the name of the graph's output", pattern=_NAME),
        meaning=fields.text("meaning", "a sentence", required=False),
        classes=classes,
        threshold=threshold,
    )
    unit = fields.text("unit", "a word", pattern=r".{0,64}", required=False)
    levels = _read_levels(fields, problems)
    interval = _read_interval(fields, problems)
    return output, NamedOutput(output.score, output.meaning, unit, levels, interval)


def _read_named(item: object, path: str, problems: list[str]) -> NamedOutput:
    fields = Fields(item, path, problems, _OUTPUT_KEYS)
    return NamedOutput(
        name=fields.text("name", "the name of a graph's output", pattern=_NAME),
        meaning=fields.text("meaning", "a sentence", required=False),
        unit=fields.text("unit", "a word", pattern=r".{0,64}", required=False),
        levels=_read_levels(fields, problems),
        interval=_read_interval(fields, problems),
    )


def _read_levels(parent: Fields, problems: list[str]) -> Levels | None:
    if not parent.has("levels"):
        return None
    path = parent.path("levels")
    fields = Fields(parent.raw("levels", "an object"), path, problems, ("names", "thresholds"))
    expected = f"a list of 2 to {LEVELS_MAX} names, from the lowest level up"
    names = fields.strings("names", expected, most=LEVELS_MAX)
    thresholds = fields.numbers("thresholds", "a list of numbers", most=LEVELS_MAX)
    if fields.has("names") and len(names) < 2:
        fields.problem("names", f"expected {expected}")
    elif fields.has("thresholds") and len(thresholds) != len(names) - 1:
        wanted = f"one less than names ({len(names) - 1})"
        fields.problem("thresholds", f"expected {wanted}, got {len(thresholds)}")
    if any(one >= other for one, other in pairwise(thresholds)):
        fields.problem("thresholds", "they must ascend")
    return Levels(names, thresholds)


def _read_interval(parent: Fields, problems: list[str]) -> Interval | None:
    if not parent.has("interval"):
        return None
    value, path = parent.raw("interval", "an object"), parent.path("interval")
    fields = Fields(value, path, problems, _INTERVAL_KEYS)
    expected = f"a list of 1 to {COVERAGES_MAX} numbers between 0 and 1, ascending"
    coverages = fields.numbers("coverages", expected, most=COVERAGES_MAX)
    ascend = all(one < other for one, other in pairwise(coverages))
    if coverages and not (ascend and coverages[0] > 0.0 and coverages[-1] < 1.0):
        fields.problem("coverages", f"expected {expected}")
    sides = []
    for key in ("below", "above"):
        side = fields.numbers(key, "a list of numbers, one for each coverage", most=COVERAGES_MAX)
        if coverages and side and len(side) != len(coverages):
            fields.problem(key, f"expected {len(coverages)} numbers, as many as coverages")
        if any(one > other for one, other in pairwise(side)):
            fields.problem(key, "more coverage cannot take less room: they must not descend")
        sides.append(side)
    minimum = fields.number("minimum", "a finite number")
    maximum = fields.number("maximum", "a finite number")
    if minimum is not None and maximum is not None and minimum > maximum:
        fields.problem("minimum", f"{minimum:g} is above maximum, which is {maximum:g}")
    rows = 0
    if fields.has("calibration_rows"):
        expected = "how many rows the interval was calibrated with"
        rows = fields.integer("calibration_rows", expected, least=1, most=2**40)
    method = fields.choice("method", ("split", "normalised", "quantile"))
    return Interval(
        method=cast("Literal['split', 'normalised', 'quantile']", method),
        coverages=coverages,
        below=sides[0],
        above=sides[1],
        scale=_graph_output(fields, "scale"),
        lower=_graph_output(fields, "lower"),
        upper=_graph_output(fields, "upper"),
        minimum=minimum,
        maximum=maximum,
        calibration_rows=rows,
        meaning=fields.text("meaning", "a sentence", required=False),
    )


def _graph_output(fields: Fields, key: str) -> str | None:
    expected = "the name of a graph's output"
    return fields.text(key, expected, pattern=_NAME, required=False) or None
