"""The answer to a forecast: arrays for many series, frames where frames were sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Times = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class Forecast:
    """How one series goes on.

    Attributes:
        id: its name, such as the column of a frame.
        point: float64 [horizon], the most likely course.
        quantiles: for each level that was asked for the values, float64 [horizon].
        times: datetime64[ms] [horizon] in UTC; None where the server was told no times.
        model: who answered; "blend" where `auto` took several.
        version: of the graph that answered; empty where none did.
        reason: why this model, for people.
        shares: the models in the answer and their weights, the largest first.
        season_lengths: in steps, the strongest first.
        slope: rise in one step over the recent part, without seasons.
        slope_interval: the ends of its 95 % interval.
        backtest_mae: mean absolute error on the series' own past; NaN without a backtest.
        backtest_mase: the same over that of seasonal-naive.
        backtest_origins: how many moments of the past were forecast.
        notes: what the server did to the series, such as filling missing values.
    """

    id: str
    point: Doubles
    quantiles: dict[float, Doubles]
    times: Times | None
    model: str
    version: str
    reason: str
    shares: dict[str, float]
    season_lengths: tuple[float, ...]
    slope: float
    slope_interval: tuple[float, float]
    backtest_mae: float
    backtest_mase: float
    backtest_origins: int
    notes: tuple[str, ...] = ()
    index: Any = field(default=None, repr=False, compare=False)

    @property
    def horizon(self) -> int:
        """The number of steps."""
        return len(self.point)

    def quantile(self, level: float) -> Doubles:
        """The values of a level that was asked for, float64 [horizon]; raises KeyError."""
        if level not in self.quantiles:
            known = ", ".join(f"{one:g}" for one in self.quantiles)
            raise KeyError(f"the level {level:g} was not asked for: levels=({known})")
        return self.quantiles[level]

    def to_frame(self) -> Any:
        """A frame with the column `point` and one for each level, by time where it is known.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        import pandas as pd  # noqa: PLC0415 - the client needs it for this alone

        columns = {"point": self.point, **{f"q{level:g}": v for level, v in self.quantiles.items()}}
        index = self.index
        if index is None and self.times is not None:
            index = pd.DatetimeIndex(self.times)
        return pd.DataFrame(columns, index=index)


@dataclass(frozen=True, slots=True)
class Forecasts(Sequence[Forecast]):
    """The forecasts of all series of a call, in their order.

    Attributes:
        points: float64 [series, horizon].
        quantiles: float64 [series, levels, horizon].
        levels: of the quantiles.
        series: one for each.
    """

    points: Doubles
    quantiles: Doubles
    levels: tuple[float, ...]
    series: tuple[Forecast, ...]

    def __len__(self) -> int:
        return len(self.series)

    def __getitem__(self, index: Any) -> Any:
        """The forecast at a position, or of the series with that name."""
        if isinstance(index, str):
            return next(one for one in self.series if one.id == index)
        return self.series[index]

    def __iter__(self) -> Iterator[Forecast]:
        return iter(self.series)

    def to_frame(self) -> Any:
        """A frame of the points, one column for each series; raises ModuleNotFoundError."""
        import pandas as pd  # noqa: PLC0415 - as above

        frames = {one.id or str(at): one.to_frame().point for at, one in enumerate(self.series)}
        return pd.DataFrame(frames)
