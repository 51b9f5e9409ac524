"""Do two loads differ beyond noise? Bootstrap intervals of the ratio of their figures.

Each run is cut into windows of time. A bootstrap draw takes runs, where a file has several of one
name, and within each run whole blocks of neighbouring windows, both with replacement; blocks,
because a busy second makes the next one busy too (the moving block bootstrap of Kuensch, 1989). A
figure of a draw is computed from the added histograms of its windows. Draws from a few runs vary
less than runs do, so the interval is widened by what Student's t says of so few. Two files differ
in a figure when the 95 % interval of the ratio leaves out 1 and the ratio itself is farther from 1
than a band. One run of each knows only the noise within a run, not that from run to run.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stubtail_bench.errors import LoadError
from stubtail_bench.figures import digits, table
from stubtail_bench.histogram import Counts, dense, quantiles_s

DRAWS = 1_000
BAND = 0.02  # less than that is within the error of two histograms and a clock
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
# Calls that must lie beyond a percentile, else it is left out: of 10, one in six was a false alarm.
_BEYOND = 30
GOODPUT = "good/s"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Windows:
    """One run: answered calls by window and bucket, and good answers and seconds by window."""

    counts: Counts
    good: Counts
    seconds: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of two files.

    Attributes:
        run: Name of the runs.
        figure: `p50` to `p99.9` (seconds), or `good/s`.
        before, after: Its value in the first and in the second file.
        low, high: The 95 % interval of after : before.
        beyond: Whether they differ beyond noise.
    """

    run: str
    figure: str
    before: float
    after: float
    low: float
    high: float
    beyond: bool

    @property
    def ratio(self) -> float:
        """The second file's figure over the first one's."""
        return self.after / self.before if self.before else math.nan

    @property
    def worse(self) -> bool:
        """Whether the second file is worse beyond noise."""
        return self.beyond and (self.ratio < 1 if self.figure == GOODPUT else self.ratio > 1)


def read(path: Path) -> dict[str, list[Windows]]:
    """The runs of a result by name.

    Raises:
        LoadError: It is no result of `load`.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        runs: dict[str, list[Windows]] = {}
        for run in document["runs"]:
            runs.setdefault(run["name"], []).append(_windows(run["windows"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LoadError(f"{path.name} is no result of `load`: {error}") from error
    return runs


def unlike(before: Path, after: Path) -> list[str]:
    """In what two results were asked for different loads, as `key: one, other`.

    Raises:
        LoadError: One is no result of `load`.
    """
    flat = []
    for path in (before, after):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            asked = {"mode": document.get("mode"), "processes": document.get("processes")}
            flat.append(_flat({**asked, **document.get("workload", {})}))
        except (OSError, ValueError, AttributeError) as error:
            raise LoadError(f"{path.name} is no result of `load`: {error}") from error
    old, new = flat
    return [
        f"{key}: {old.get(key)}, {new.get(key)}"
        for key in dict.fromkeys((*old, *new))
        if old.get(key) != new.get(key) and key != "seed"
    ]


def _flat(value: Any, key: str = "") -> dict[str, Any]:
    """A document without levels: `arrivals.rate` and the like; a list of tables has numbers."""
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        parts = [(str(number), one) for number, one in enumerate(value)]
    else:
        return {key: value}
    found: dict[str, Any] = {}
    for name, part in parts:
        found |= _flat(part, f"{key}.{name}" if key else name)
    return found


def _windows(windows: Mapping[str, Any]) -> Windows:
    counts = np.stack([dense(pairs) for pairs in windows["answered"]])
    good = np.array(windows["calls"].get("OK", [0] * len(counts)), np.int64)
    return Windows(counts, good, float(windows["seconds"]))


def compare(
    before: Mapping[str, Sequence[Windows]],
    after: Mapping[str, Sequence[Windows]],
    *,
    band: float = BAND,
    draws: int = DRAWS,
    seed: int = 1,
) -> list[Difference]:
    """All figures of the runs that both have.

    Args:
        before: Runs by name.
        after: Runs by name.
        band: A ratio within 1 - band to 1 + band is never a difference.
        draws: Of the bootstrap.
        seed: Of the draws.
    """
    found = []
    for name in before:
        if name in after:
            rng = np.random.default_rng(seed)
            pair = [_figures(before[name], draws, rng), _figures(after[name], draws, rng)]
            wider = _widening(len(before[name]), len(after[name]))
            for figure in pair[0]:
                if figure in pair[1]:
                    old, new = pair[0][figure], pair[1][figure]
                    found.append(_difference(name, figure, old, new, band, wider))
    return found


def _difference(
    name: str,
    figure: str,
    old: tuple[float, Floats],
    new: tuple[float, Floats],
    band: float,
    wider: float,
) -> Difference:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = new[1] / old[1]
    ratios = ratios[~np.isnan(ratios)]
    if not len(ratios):
        return Difference(name, figure, old[0], new[0], math.nan, math.nan, beyond=False)
    low, high = (float(np.quantile(ratios, part)) for part in (0.025, 0.975))
    ratio = new[0] / old[0] if old[0] else math.inf
    if 0 < ratio < math.inf:
        ends = min(low, ratio), max(high, ratio)
        low, high = (ratio * (end / ratio) ** wider for end in ends)
    beyond = not low <= 1 <= high and abs(ratio - 1) > band
    return Difference(name, figure, old[0], new[0], low, high, beyond)


def _widening(*runs: int) -> float:
    """How many times wider than a bootstrap's an interval must be, of so few runs of each file.

    A bootstrap of n runs has (n - 1) / n of their variance, and takes it for known, where Student's
    t knows it from sum(n) - 2 differences. Of a single run nothing is known of other runs.
    """
    fewest = min(runs)
    if fewest < 2:
        return 1.0
    z, v = 1.96, sum(runs) - 2
    # Student's quantile from the normal one (Abramowitz and Stegun, 26.7.5).
    t = z + (z**3 + z) / (4 * v) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
    t += (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    t += (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92_160 * v**4)
    return t / z * math.sqrt(fewest / (fewest - 1))


def _figures(
    runs: Sequence[Windows], draws: int, rng: np.random.Generator
) -> dict[str, tuple[float, Floats]]:
    """Each figure of some runs together, and its values over the draws."""
    counts = np.concatenate([run.counts for run in runs])
    good = np.concatenate([run.good for run in runs])
    seconds = np.concatenate([np.full(len(run.counts), run.seconds) for run in runs])
    weights = _draw_weights([len(run.counts) for run in runs], draws, rng)
    total = int(counts.sum())
    drawn = weights @ counts.astype(np.float64)
    parts = {name: part for name, part in _QUANTILES.items() if total * (1 - part) >= _BEYOND}
    figures: dict[str, tuple[float, Floats]] = {}
    if parts:
        whole = quantiles_s(counts.sum(axis=0), list(parts.values()))
        values = quantiles_s(drawn, list(parts.values()))
        for column, name in enumerate(parts):
            figures[name] = (float(whole[column]), values[:, column])
    rates = (weights @ good) / (weights @ seconds)
    figures[GOODPUT] = (float(good.sum() / seconds.sum()), np.asarray(rates, np.float64))
    return figures


def _draw_weights(lengths: Sequence[int], draws: int, rng: np.random.Generator) -> Floats:
    """How often each draw takes each window, float64 [draws, sum(lengths)]."""
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    weights = np.zeros((draws, int(np.sum(lengths))))
    for draw in range(draws):
        for run in rng.integers(len(lengths), size=len(lengths)):
            length = lengths[run]
            block = math.ceil(length ** (1 / 3))
            firsts = rng.integers(length, size=-(-length // block))
            taken = (firsts[:, None] + np.arange(block)).ravel()[:length] % length
            weights[draw] += np.bincount(taken + starts[run], minlength=weights.shape[1])
    return weights


def show(differences: Sequence[Difference]) -> str:
    """A table with a verdict for each figure."""
    rows = []
    for one in differences:
        scale = 1.0 if one.figure == GOODPUT else 1e3
        unit = "" if one.figure == GOODPUT else " ms"
        verdict = "within noise"
        if one.beyond:
            verdict = "worse" if one.worse else "better"
        interval = f"{digits(one.low)}-{digits(one.high)}"
        values = [digits(one.before * scale), digits(one.after * scale)]
        rows.append([one.run, one.figure + unit, *values, digits(one.ratio), interval, verdict])
    head = ["run", "figure", "A", "B", "B : A", "95 % interval", "B is"]
    return table(head, rows, left=2)
