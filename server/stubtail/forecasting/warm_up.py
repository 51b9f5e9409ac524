"""What a new process does before its first task: the slow things that would make that one late."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import numpy as np

from stubtail.forecasting.engine import Engine
from stubtail.forecasting.task import AUTO, ETS, THETA, GraphFile, Task

VALUES: Final = 96
SEASON: Final = 12
TIMES: Final = 2  # the second run tells how long one takes


def warm_up(engine: Engine, graphs: Sequence[GraphFile]) -> None:
    """Loads and runs the graphs, and imports statsmodels where it is installed.

    What fails here fails again in a task, and is told there.

    Args:
        engine: forecasts a made series with them.
        graphs: those that are served now.
    """
    steps = np.arange(VALUES)
    values = 100.0 + 0.1 * steps + 10.0 * np.sin(2 * np.pi * steps / SEASON) + np.cos(steps**2)
    levels = np.array([0.5])
    by_name = {graph.name: graph for graph in graphs}
    for model in (*[AUTO] * TIMES, ETS, THETA):
        with suppress(Exception):
            engine.forecast(Task(values, SEASON, levels, model, (float(SEASON),), graphs=by_name))
