"""The Numenta series: labelled windows found, false alarms a day, against three usual rules."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Spans = list[tuple[int, int]]
Detector = Callable[["Labelled", float], Spans]

MERGE_POINTS = 12  # what lies an hour apart at most is one alarm, whoever raises it
DAY_S = 86_400.0
LAGS = 10  # points that the isolation forest sees at once
MEDIAN_POINTS = 25
SEED = 7
# Nothing is chosen on the series below but on the others: all artificial ones and these.
TUNING = (
    "ec2_cpu_utilization_24ae8d",
    "ec2_cpu_utilization_825cc2",
    "ec2_disk_write_bytes_1ef3de",
    "elb_request_count_8c0756",
    "rds_cpu_utilization_e47b3b",
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """One series with its labelled windows, as positions (first, behind the last)."""

    name: str
    values: Numbers
    windows: tuple[tuple[int, int], ...]
    days: float
    interval_s: float

    @property
    def tuning(self) -> bool:
        """Whether settings may be chosen on it."""
        return self.name.startswith("artificial") or Path(self.name).stem in TUNING


@dataclass(frozen=True, slots=True)
class Found:
    """What a detector found in some series."""

    hit: int
    windows: int
    false_alarms: int
    days: float

    @property
    def recall(self) -> float:
        """The share of windows with an alarm."""
        return self.hit / max(self.windows, 1)

    @property
    def a_day(self) -> float:
        """False alarms a day and series."""
        return self.false_alarms / self.days

    @property
    def f1(self) -> float:
        """Of windows hit, windows missed and false alarms."""
        return 2 * self.hit / max(self.hit + self.windows + self.false_alarms, 1)

    def document(self) -> dict[str, float]:
        """As it is kept in JSON."""
        return {
            "recall": round(self.recall, 4),
            "false_alarms_a_day": round(self.a_day, 4),
            "f1": round(self.f1, 4),
            "hit": self.hit,
            "windows": self.windows,
            "false_alarms": self.false_alarms,
        }


def read(folder: Path) -> list[Labelled]:
    """All series below the folder, by name."""
    windows = json.loads((folder / "windows.json").read_text())
    found = []
    for name in sorted(windows):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[1:]
        times = np.array([_seconds(row[0]) for row in rows])
        spans = tuple(
            (
                int(np.searchsorted(times, _seconds(first))),
                int(np.searchsorted(times, _seconds(last), side="right")),
            )
            for first, last in windows[name]
        )
        values = np.array([float(row[1]) for row in rows])
        interval_s = float(np.median(np.diff(times)))
        days = float(times[-1] - times[0]) / DAY_S
        found.append(Labelled(name, values, spans, days, interval_s))
    return found


def judge(series: Iterable[Labelled], detector: Detector, setting: float) -> Found:
    """Counts over all series; alarms near each other are one."""
    hit = windows = false_alarms = 0
    days = 0.0
    for one in series:
        alarms = merged(detector(one, setting))
        hit += sum(any(a < end and b > start for a, b in alarms) for start, end in one.windows)
        windows += len(one.windows)
        false_alarms += sum(
            not any(a < end and b > start for start, end in one.windows) for a, b in alarms
        )
        days += one.days
    return Found(hit, windows, false_alarms, days)


def merged(spans: Spans) -> Spans:
    """Spans that are at most `MERGE_POINTS` apart become one."""
    joined: Spans = []
    for start, end in sorted(spans):
        if joined and start - joined[-1][1] <= MERGE_POINTS:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def of_flags(flags: NDArray[np.bool_]) -> Spans:
    """Flagged points as spans."""
    return [(place, place + 1) for place in np.flatnonzero(flags).tolist()]


def z_score(one: Labelled, limit: float) -> Spans:
    """Points more than `limit` standard deviations from the mean."""
    deviation = one.values.std()
    if deviation == 0:
        return []
    return of_flags(np.abs(one.values - one.values.mean()) > limit * deviation)


def moving_median(one: Labelled, limit: float) -> Spans:
    """Points more than `limit` times 1.4826 MAD from the median of the points before them."""
    medians = np.median(sliding_window_view(one.values, MEDIAN_POINTS), axis=1)
    ahead = np.concatenate((np.full(MEDIAN_POINTS, medians[0]), medians[:-1]))
    off = one.values - ahead
    spread = 1.4826 * np.median(np.abs(off))
    spread = spread if spread > 0 else np.abs(off).mean()
    return of_flags(np.abs(off) > limit * max(float(spread), 1e-12))


class LagForest:
    """An isolation forest on rows of lags; its scores are computed once for each series."""

    def __init__(self) -> None:
        self._scores: dict[str, Numbers] = {}

    def __call__(self, one: Labelled, limit: float) -> Spans:
        """Points whose score is above the quantile `limit` of the series."""
        scores = self._scores.get(one.name)
        if scores is None:
            scores = self._scores[one.name] = self._score(one)
        return of_flags(scores > np.quantile(scores, limit))

    def _score(self, one: Labelled) -> Numbers:
        from sklearn.ensemble import IsolationForest  # noqa: PLC0415 - only this rule needs it

        padded = np.concatenate((np.full(LAGS - 1, one.values[0]), one.values))
        rows = sliding_window_view(padded, LAGS)
        forest: Any = IsolationForest(n_estimators=100, random_state=SEED).fit(rows)
        return np.asarray(-forest.score_samples(rows))


def baselines() -> dict[str, tuple[Detector, Sequence[float]]]:
    """The usual rules by name, with the settings that are tried on the tuning series."""
    limits = (2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 50.0)
    shares = (0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998)
    return {
        "z-score": (z_score, limits),
        "moving median": (moving_median, limits),
        "isolation forest on lags": (LagForest(), shares),
    }


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
