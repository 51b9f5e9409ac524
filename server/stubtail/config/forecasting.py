"""The settings of forecasting: its processes, and how much one call may ask of them."""

from dataclasses import dataclass
from typing import Annotated, Literal

from stubtail.config.rules import Rule


@dataclass(frozen=True, slots=True)
class ForecastingSettings:
    """Forecasts are made in processes of their own, so that they never hold up the lane."""

    processes: Annotated[
        int | Literal["auto"],
        Rule(
            "processes that forecast; auto: the cores of a worker; 0 offers no forecasts",
            0,
            64,
            why="beyond the cores they only wait, and each takes some 150 MB",
        ),
    ] = "auto"
    start: Annotated[
        Literal["lazy", "eager"],
        Rule(
            "when the processes start: with the first call, or with the server",
            why="a server that nobody asks for forecasts should not pay for them",
        ),
    ] = "lazy"
    series_max: Annotated[
        int, Rule("most series in one call", 1, 4096, why="others wait for a process meanwhile")
    ] = 256
    points_max: Annotated[
        int,
        Rule("most values in one call", 8, 2**24, why="they are held in memory, and copied once"),
    ] = 1_000_000
    horizon_max: Annotated[
        int, Rule("longest horizon, steps", 1, 16_384, why="a model is rolled on, and says less")
    ] = 1024
    cached_fits_max: Annotated[
        int,
        Rule(
            "fits of ets and theta kept by each process, by the content of the series",
            0,
            100_000,
            why="each holds the forecasts of one series",
        ),
    ] = 512
