"""What the floor comparison says: tables, ratios within each round, and the promises it decides."""

from collections.abc import Callable, Sequence
from math import isnan, nan
from typing import Any, Literal

from benchmarks.contestants import FLOOR
from benchmarks.figures import Spread, digits, round_ratios, table
from benchmarks.measure import Measurement
from benchmarks.results import Promise

_Figure = Callable[[Measurement], float]


def _rate(one: Measurement) -> float:
    return one.calls_per_s


def _cpu(one: Measurement) -> float:
    return one.cpu_us


def _p50(one: Measurement) -> float:
    return one.p50_us


_FIGURES: list[tuple[str, _Figure]] = [
    ("calls/s", _rate),
    ("CPU us/call", _cpu),
    ("p50 us", _p50),
    ("p99 us", lambda one: one.p99_us),
    ("RSS MB", lambda one: one.rss_mb),
    ("client busy", lambda one: one.client_busy),
]
_RATIOS: list[tuple[str, _Figure]] = [
    ("calls/s : floor", _rate),
    ("CPU : floor", _cpu),
    ("p50 : floor", _p50),
]


def by_round(
    found: Sequence[Measurement], case: str, figure: _Figure
) -> dict[tuple[str, int], float]:
    """A figure of one case by (server, round)."""
    return {(one.server, one.round): figure(one) for one in found if one.case == case}


def case_tables(
    found: Sequence[Measurement], cases: dict[str, str], titles: dict[str, str]
) -> list[str]:
    """One table for each case: figures over the rounds, and ratios to the floor of each round.

    Args:
        found: All measurements.
        cases: Title of each case by name.
        titles: Title of each server by name.
    """
    head = ["server", *(name for name, _ in _FIGURES), *(name for name, _ in _RATIOS)]
    tables = []
    for case, case_title in cases.items():
        rows = []
        for server, title in titles.items():
            mine = [one for one in found if one.server == server and one.case == case]
            if not mine:
                continue
            row = [title]
            row += [
                digits(Spread.of([figure(one) for one in mine]).median) for _, figure in _FIGURES
            ]
            for _, figure in _RATIOS:
                values = round_ratios(by_round(found, case, figure), server, FLOOR)
                row.append(Spread.of(values).show() if values else "-")
            rows.append(row)
        if rows:
            tables.append(f"**{case_title}**\n\n{table(head, rows)}")
    return tables


_AGAINST_SERVERS: list[
    tuple[str, str, _Figure, str, str, Literal["at least", "at most"], float]
] = [
    ("native: calls/s : floor", "infer-1x64", _rate, "native", FLOOR, "at least", 6.0),
    ("native: CPU a call : floor", "infer-1x64", _cpu, "native", FLOOR, "at most", 0.18),
    ("native: p50 one at a time : floor", "infer-1x1", _p50, "native", FLOOR, "at most", 0.45),
    ("grpcio: calls/s : floor", "infer-1x64", _rate, "grpcio", FLOOR, "at least", 0.7),
    ("native: calls/s : MLServer", "infer-1x64", _rate, "native", "mlserver", "at least", 15.0),
]
_AGAINST_INFER: list[tuple[str, str, float]] = [
    ("native: Score dense : ModelInfer, calls/s", "dense-1x64", 0.9),
    ("native: Score named : ModelInfer, calls/s", "named-1x64", 0.5),
]


def floor_promises(found: Sequence[Measurement], *, partial: bool) -> list[Promise]:
    """The promises that this comparison decides, each by the median of its ratios in the rounds.

    Args:
        found: All measurements.
        partial: Leave out what was not measured, instead of failing it.
    """
    promises = []
    for text, case, figure, of, to, relation, bound in _AGAINST_SERVERS:
        values = round_ratios(by_round(found, case, figure), of, to)
        if to != "mlserver" or values:
            promises.append(_promise(text, values, relation, bound))
    native = {(one.case, one.round): one.calls_per_s for one in found if one.server == "native"}
    for text, case, bound in _AGAINST_INFER:
        promises.append(_promise(text, round_ratios(native, case, "infer-1x64"), "at least", bound))
    bare = [
        one.p50_us / one.bare_p50_us
        for one in found
        if one.server == "native" and one.case == "infer-256x1" and one.bare_p50_us
    ]
    text = "native: p50 of 256 fresh rows, network included : bare onnxruntime"
    promises.append(_promise(text, bare, "at most", 1.3))
    return [one for one in promises if not partial or not isnan(one.measured)]


def _promise(
    text: str, ratios: Sequence[float], relation: Literal["at least", "at most"], bound: float
) -> Promise:
    if not ratios:
        return Promise(text, nan, relation, bound, note="not measured")
    spread = Spread.of(ratios)
    return Promise(text, spread.median, relation, bound, note=f"rounds {spread.show()}")


def from_document(document: dict[str, Any]) -> list[Measurement]:
    """The measurements of a saved result."""
    return [Measurement(**one) for one in document["measurements"]]
