"""What a load prints and keeps: tables for the terminal, and a JSON document without any path."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import PurePath
from typing import Any

from stubtail_bench.figures import digits, table
from stubtail_bench.histogram import ERROR
from stubtail_bench.http2 import OK
from stubtail_bench.modes import Bench, Run
from stubtail_bench.outcome import LAG_MAX_S
from stubtail_bench.raw import LOST
from stubtail_bench.requests import wrong_replies
from stubtail_bench.workload import Workload

FORMAT = 1  # of the JSON document
_BUSY = 0.9  # of a core: the generator, not the server, may be the limit
_FEW_ROWS = 1_000
_PARTS = (0.5, 0.9, 0.99, 0.999)
_PACKAGES = ("stubtail", "grpcio", "hpack", "numpy", "protobuf")


def tables(runs: Sequence[Run]) -> str:
    """All runs in one table, and the kinds of calls of each in another where there are several."""
    head = ["run", "offered/s", "good/s", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms"]
    head += ["p99 of all ms", "not OK", "lost"]
    rows = []
    for run in runs:
        out = run.outcome
        answered = out.answered
        offered = "-" if run.offered_per_s is None else digits(run.offered_per_s)
        latencies = [digits(answered.quantile_s(part) * 1e3) for part in (*_PARTS, 1.0)]
        strict_s = out.strict_quantile_s(0.99)
        strict = digits(strict_s * 1e3) if math.isfinite(strict_s) else "never"
        ends = [f"{out.issued - out.statuses[OK]:,}", f"{out.statuses[LOST]:,}"]
        rows.append([run.name, offered, digits(out.good_per_s), *latencies, strict, *ends])
    text = table(head, rows)
    details = [line for run in runs for line in _kinds(run)]
    if details:
        head = ["run", "kind of call", "outcome", "calls", "p50 ms", "p99 ms", "max ms"]
        text += "\n\n" + table(head, details, left=3)
    return text


def _kinds(run: Run) -> list[list[str]]:
    """A line for each kind and outcome, unless all calls are of one kind and OK."""
    by = sorted(run.outcome.by.items())
    if [status for (_, status), _ in by] == [OK]:
        return []
    return [
        [run.name, kind, status, f"{one.count:,}"]
        + [digits(one.quantile_s(part) * 1e3) for part in (0.5, 0.99, 1.0)]
        for (kind, status), one in by
    ]


def warnings_of(bench: Bench, different_rows: Mapping[str, int]) -> list[str]:
    """Why the figures may mislead, and the first text that came with each kind of failure."""
    found = []
    for run in bench.runs:
        out = run.outcome
        lag_s = out.lag.quantile_s(0.99)
        if lag_s > LAG_MAX_S:
            found.append(
                f"{run.name}: the generator itself was late by {digits(lag_s * 1e3)} ms or more "
                "for 1 % of the calls, which is in the latencies; take a lower rate, more "
                "--processes or a quieter machine"
            )
        if out.client_busy > _BUSY:
            found.append(
                f"{run.name}: the generator used {out.client_busy:.0%} of a core; it may be the "
                "limit: use more --processes"
            )
        if run.streams is not None and any(kind.cancel for kind in bench.target.kinds):
            found.append(f"{run.name}: no call was given up: `cancel` is of --mode open")
        found += [f"{run.name}: {status}: {text}" for status, text in out.messages.items() if text]
        if out.retried or out.reconnects:
            found.append(
                f"{run.name}: {out.reconnects} connections were made anew, {out.retried} calls "
                "sent again that the server had not seen"
            )
    found += [
        f"{kind}: only {count} different rows; repeated rows flatter tree models"
        for kind, count in different_rows.items()
        if count < _FEW_ROWS
    ]
    return list(dict.fromkeys(found))


def document(
    bench: Bench,
    mode: str,
    different_rows: Mapping[str, int],
    about: Mapping[str, Any],
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything about a load as JSON.

    Args:
        bench: With its runs.
        mode: Of `python -m benchmarks load`.
        different_rows: Of each kind of call.
        about: `machine()` as it was before.
        extra: What the mode found.
    """
    workload = bench.workload
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "tool": "stubtail-bench",
        "format": FORMAT,
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "mode": mode,
        "machine": dict(about),
        "versions": versions,
        "processes": bench.target.processes,
        "workload": workload_document(workload),
        "different_rows": dict(different_rows),
        "histogram": {"unit": "us", "relative_error": ERROR, "buckets": "[bucket, count, ...]"},
        "replies": {
            "checked": len(bench.samples),
            "wrong": wrong_replies(bench.target.kinds, bench.samples),
        },
        **extra,
        "runs": [run.document() for run in bench.runs],
    }


def workload_document(workload: Workload) -> dict[str, Any]:
    """A workload as it was run, command line options included; files by their names only."""
    arrivals = workload.arrivals
    return {
        "seconds": workload.seconds,
        "warm_up_s": workload.warm_up_s,
        "connections": workload.connections,
        "seed": workload.seed,
        "patience_s": workload.patience_s,
        "arrivals": {
            "shape": arrivals.shape,
            "rate": arrivals.rate,
            "rate_end": arrivals.rate_end,
            "steps": [list(step) for step in arrivals.steps],
            "even": arrivals.even,
            "trace": PurePath(arrivals.trace).name,
            "start_s": arrivals.start_s,
            "speed": arrivals.speed,
            "scale": arrivals.scale,
        },
        "slow_readers": {
            "connections": workload.slow.connections,
            "bytes_per_s": workload.slow.bytes_per_s,
        },
        "calls": [
            {
                "name": call.title,
                "model": call.model,
                "form": call.form,
                "rows": list(call.rows),
                "weight": call.weight,
                "priority": call.priority,
                "deadline_ms": call.deadline_ms,
                "enforce_deadline": call.enforce_deadline,
                "cancel": call.cancel,
                "cancel_within_ms": call.cancel_within_ms,
                "rows_file": call.rows_file.name if call.rows_file else "",
                "value_range": list(call.value_range),
                "free_dimension": call.free_dimension,
                "inputs": list(call.inputs),
            }
            for call in workload.calls
        ],
    }
