"""Draws a series and its forecast into a file."""

from pathlib import Path

import numpy as np

from stubtail_client.cli.csv_rows import InputError
from stubtail_client.forecasting import Given
from stubtail_client.forecasts import Forecast

HORIZONS_SHOWN = 6  # of the past: more would press the forecast into a corner
DOTS_PER_INCH = 140
BLUE, GREY = "#2563eb", "#4b5563"


def draw(given: Given, result: Forecast, path: Path) -> None:
    """The past in grey, the forecast in blue with its outer quantiles as a band.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - only for this, and it takes a second
    except ModuleNotFoundError:
        raise InputError("--plot needs matplotlib: pip install matplotlib") from None
    kept = min(len(given.values), max(HORIZONS_SHOWN * result.horizon, 48))
    past = given.values[-kept:]
    before: np.ndarray = np.arange(-kept + 1, 1)
    after: np.ndarray = np.arange(1, result.horizon + 1)
    if given.times is not None and result.times is not None:
        before, after = given.times[-kept:], result.times
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(before, past, color=GREY, linewidth=1.2, label=given.id or "past")
    axes.plot(after, result.point, color=BLUE, linewidth=1.8, label=f"forecast ({result.model})")
    levels = list(result.quantiles)
    if len(levels) > 1:
        low, high = result.quantiles[levels[0]], result.quantiles[levels[-1]]
        share = levels[-1] - levels[0]
        axes.fill_between(
            after, low, high, color=BLUE, alpha=0.18, linewidth=0, label=f"{share:.0%} interval"
        )
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.8)
    axes.legend(frameon=False, loc="upper left")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=DOTS_PER_INCH)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}") from None
