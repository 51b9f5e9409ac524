"""Tables of what proxies to language models add."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.figures import Spread, digits, quantile, table
from benchmarks.llm_latency import Latencies
from benchmarks.llm_servers import DIRECT

_KINDS = (("unary", "an answer"), ("first", "the first token"))


def added(latencies: Mapping[str, Sequence[Latencies]], name: str) -> dict[str, dict[str, float]]:
    """What a proxy adds to no proxy, milliseconds: percentiles, their difference in each round."""
    found = {}
    for kind, _ in _KINDS:
        for part in (50, 99):
            differences = [
                quantile(getattr(through, f"{kind}_s"), part / 100)
                - quantile(getattr(straight, f"{kind}_s"), part / 100)
                for through, straight in zip(latencies[name], latencies[DIRECT], strict=True)
            ]
            spread = Spread.of([one * 1e3 for one in differences])
            found[f"{kind}_p{part}_ms"] = {
                "median": round(spread.median, 4),
                "low": round(spread.low, 4),
                "high": round(spread.high, 4),
            }
    return found


def report(figures: Mapping[str, Any]) -> str:
    """A table with one column for each way to the upstream."""
    names = [DIRECT, *figures["added"]]
    rows = []
    for kind, what in _KINDS:
        for part in (50, 99):
            key = f"{kind}_p{part}_ms"
            rows.append(
                [
                    f"added to {what}, p{part}, ms",
                    f"({digits(figures['direct'][key])} in all)",
                    *(_spread(figures["added"][name][key]) for name in names[1:]),
                ]
            )
    notes = []
    for load in figures["loads"]:
        what = f"{load['streams']} streams of {figures['rate']}/s"
        for key, title in (
            ("cpu_us", f"CPU per chunk, {what}, us"),
            ("age_p50_ms", "delay of a chunk there, p50, ms"),
            ("age_p99_ms", "the same, p99"),
            ("age_max_ms", "the same, longest"),
            ("gap_max_ms", "longest silence of a stream, ms"),
        ):
            rows.append([title, *(_cell(load[name], key) for name in names)])
        notes += [f"{one}, {what}: {load[one]['failed']}" for one in names if load[one]["failed"]]
    return "\n\n".join([table(["", *names], rows, left=1), *notes])


def _spread(one: Mapping[str, float]) -> str:
    return Spread(one["median"], one["low"], one["high"]).show()


def _cell(load: Mapping[str, Any], key: str) -> str:
    if load["failed"]:
        return "failed"
    return "-" if key == "cpu_us" and not load[key] else digits(load[key])
