"""What is to be forecast and what came of it: the words that the server and its processes share."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

AUTO = "auto"
NAIVE = "seasonal-naive"
ZERO_SHOT = "zero-shot"
TREES = "global-trees"
ETS = "ets"
THETA = "theta"
MODELS = (AUTO, ZERO_SHOT, TREES, ETS, THETA, NAIVE)
GRAPHS = (ZERO_SHOT, TREES)  # those that are exported models
BLEND = "blend"
CONTEXT_MAX = 2048  # the newest values that models look at, as many as the zero-shot model takes


class SeriesError(ValueError):
    """A series cannot be forecast as asked.

    Args:
        field: what is wrong, within the series, such as "values[3]"; empty for all of it.
        problem: what was expected there.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class TooSlowError(Exception):
    """A model would need, or has taken, more time than the call has."""


@dataclass(frozen=True, slots=True)
class GraphFile:
    """An exported model as another process can load it.

    Attributes:
        name, version: as served.
        path: the file of the graph.
        sha256: of its bytes, so that a file that was replaced is not taken for it.
    """

    name: str
    version: str
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Task:
    """One series to be forecast.

    Attributes:
        values: float64 [n], NaN where missing, at least one that is not.
        horizon: steps after the last value.
        levels: float64 [L], ascending.
        model: one of MODELS.
        season_lengths: in steps, given by the caller; empty asks for detection.
        step_s: seconds between two values; 0 where not known.
        start_s: unix seconds of the first value; None where not known.
        covariates: float64 [K, n + horizon]; None without.
        non_negative, integer: what is done to the forecasts.
        graphs: the exported models that may be used, by name.
        deadline_s: monotonic seconds (the clock of the machine) after which the answer is useless.
        due_s: by then it should be there, so that other tasks of the call have their time; `auto`
            does what fits before both.
    """

    values: Doubles
    horizon: int
    levels: Doubles
    model: str
    season_lengths: tuple[float, ...] = ()
    step_s: float = 0.0
    start_s: float | None = None
    covariates: Doubles | None = None
    non_negative: bool = False
    integer: bool = False
    graphs: dict[str, GraphFile] = field(default_factory=dict)
    deadline_s: float = float("inf")
    due_s: float = float("inf")


@dataclass(frozen=True, slots=True)
class Share:
    """One model's part of an answer; `relative_mae` is against seasonal-naive, NaN without."""

    model: str
    weight: float
    relative_mae: float = float("nan")


@dataclass(frozen=True, slots=True)
class Answer:
    """The forecast of one series.

    Attributes:
        point: float64 [horizon].
        quantiles: float64 [L, horizon], ascending along L.
        model: who answered, or BLEND.
        version: of the graph that answered; empty without one.
        reason: why this one, for people.
        shares: the models in it, the largest weight first.
        season_lengths: in steps, the strongest first.
        slope: rise in one step, with its 95 % interval.
        backtest_mae, backtest_mase: see `stubtail.v1.SeriesForecast`; NaN without a backtest.
        origins: of the backtest.
        notes: what the caller should know.
    """

    point: Doubles
    quantiles: Doubles
    model: str
    version: str
    reason: str
    shares: tuple[Share, ...]
    season_lengths: tuple[float, ...]
    slope: tuple[float, float, float]
    backtest_mae: float
    backtest_mase: float
    origins: int
    notes: tuple[str, ...] = ()
