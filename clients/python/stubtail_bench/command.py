"""The commands `load` and `compare`, for `stubtail-bench` and for `python -m benchmarks`."""

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stubtail_bench import compare as comparison
from stubtail_bench.arrangement import Arrangement
from stubtail_bench.arrivals import CALLS_MAX
from stubtail_bench.asked import expect_figures, expect_places, expect_sweep, expect_use
from stubtail_bench.crew import Target
from stubtail_bench.door import Door
from stubtail_bench.errors import LoadError
from stubtail_bench.figures import digits
from stubtail_bench.machine import machine
from stubtail_bench.modes import Bench, highest_rate
from stubtail_bench.outcome import Outcome
from stubtail_bench.page import page
from stubtail_bench.report import document, tables, warnings_of
from stubtail_bench.requests import make_pool, wrong_replies
from stubtail_bench.served import Served, describe, parse_tensor, prove
from stubtail_bench.workload import CallSpec, Workload, load_workload
from stubtail_client.cli.csv_rows import InputError
from stubtail_client.cli.tls import credentials_of
from stubtail_client.connection import is_loopback
from stubtail_client.credentials import parts_of
from stubtail_client.errors import InvalidArgument

_BY_HAND = "stopped"
STOPPED = 130  # exit status after Ctrl-C, as of a shell
_RATE_MOST = 1e6  # that a search tries
_OFFLINE_STREAMS = 32  # on each connection: more than any server here runs at once


def load(options: argparse.Namespace) -> int:
    """Runs `load`; 0 when calls were answered and no reply was wrong, 130 when it was stopped.

    Raises:
        LoadError: The load cannot be made.
    """
    about = machine()
    expect_places(options.json, options.html)
    workload = _workload(options)
    door = _door(options)
    rng = np.random.default_rng(workload.seed)
    pools = [
        make_pool(call, served, rng)
        for call, served in zip(
            workload.calls, _served(options.server, workload.calls, door), strict=True
        )
    ]
    kinds = [pool.kind for pool in pools]
    prove(options.server, kinds, door)
    target = Target(
        options.server,
        kinds,
        workload.connections,
        workload.slow,
        workload.patience_s,
        options.processes,
        door,
    )
    bench = Bench(target, workload, options.traces)
    stopped, extra = _complete_runs(options, bench)
    different = {pool.kind.name: pool.different_rows for pool in pools}
    warnings = warnings_of(bench, different)
    found = document(bench, options.mode, different, about, extra)
    _say(tables(bench.runs))
    if stopped:
        _say(f"{stopped}: these runs were complete, the one that was going is left out")
    for text in (*warnings, *(f"{key}: {value}" for key, value in _told(extra))):
        _say(text)
    if options.json:
        options.json.write_text(json.dumps(found, allow_nan=False) + "\n", encoding="utf-8")
    if options.html:
        options.html.write_text(page(found, warnings), encoding="utf-8")
    wrong = wrong_replies(kinds, bench.samples)
    if wrong:
        _say(f"{wrong} of {len(bench.samples)} replies looked at have not the rows asked for")
    if stopped:
        return STOPPED if stopped == _BY_HAND else 1
    return 1 if wrong or not any(run.outcome.answered.count for run in bench.runs) else 0


def _door(options: argparse.Namespace) -> Door:
    """What is shown to the server; raises LoadError for what cannot be shown."""
    try:
        found = credentials_of(options)
        _, secret = parts_of(found, options.server, loopback=is_loopback(options.server))
        metadata = secret.metadata() if secret else ()
    except (InputError, InvalidArgument) as error:
        raise LoadError(str(error)) from None
    tls = found is not None and found.channel is not None
    return Door(metadata, tls, options.ca, options.cert, options.key, options.server)


def _served(address: str, calls: Sequence[CallSpec], door: Door) -> list[Served]:
    """What each call's model takes: as it was named for the call, or as the server tells."""
    asked = describe(address, [call.model for call in calls if not call.inputs], door)
    return [
        Served(call.model, tuple(map(parse_tensor, call.inputs)), ())
        if call.inputs
        else asked[call.model]
        for call in calls
    ]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _told(extra: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (key.replace("_", " "), digits(value))
        for key, value in extra.items()
        if isinstance(value, float)
    ]


def _workload(options: argparse.Namespace) -> Workload:
    """The file, or the one kind of call that the options describe, with the options applied."""
    if (options.workload is None) == (options.model is None):
        raise LoadError("name either a --workload or a --model")
    expect_use(options)
    if options.workload is not None:
        workload = load_workload(options.workload)
    else:
        call = CallSpec(
            model=options.model,
            form=options.form,
            rows=(options.rows, options.rows),
            priority=options.priority,
            deadline_ms=options.deadline_ms,
            rows_file=options.rows_file,
            inputs=tuple(options.input),
        )
        workload = Workload([call])
    named = {
        "shape": options.arrivals or ("replay" if options.trace else None),
        "rate": options.rate,
        "rate_end": options.rate_end,
        "trace": options.trace,
        "start_s": options.start,
        "speed": options.speed,
        "scale": options.scale,
    }
    given: dict[str, Any] = {key: value for key, value in named.items() if value is not None}
    arrivals: Arrangement = replace(workload.arrivals, **given)
    if options.seconds is not None:
        arrivals = arrivals.lasting(options.seconds)
    expect_figures(arrivals)
    expect_sweep(options, arrivals)
    named = {
        "seconds": options.seconds,
        "warm_up_s": options.warm_up,
        "connections": options.connections,
        "seed": options.seed,
    }
    given = {key: value for key, value in named.items() if value is not None}
    return replace(workload, arrivals=arrivals, **given)


def _complete_runs(options: argparse.Namespace, bench: Bench) -> tuple[str, dict[str, Any]]:
    """Runs the mode; why it ended early, empty where it did not, and what it found.

    Hours of runs are not lost to Ctrl-C in a later one, nor to a server that did not survive them.
    """
    try:
        return "", _run(options, bench)
    except KeyboardInterrupt:
        why = _BY_HAND
        if not bench.runs:
            raise
    except (LoadError, OSError) as error:
        why = str(error)
        if not bench.runs:
            raise
    return why, {"stopped": True}


def _run(options: argparse.Namespace, bench: Bench) -> dict[str, Any]:
    """Runs the mode; what it found besides the runs, for the JSON document."""
    arrivals = bench.workload.arrivals
    if options.mode == "server":
        return _server(bench, options.p99_ms / 1e3)
    for _ in range(options.repeats):
        if options.mode == "closed":
            bench.closed(options.streams, f"{options.streams} in flight a connection")
        elif options.mode == "single-stream":
            bench.closed(1, "one call at a time", connections=1)
        elif options.mode == "offline":
            bench.closed(_OFFLINE_STREAMS, f"{_OFFLINE_STREAMS} in flight a connection")
        elif options.rates is not None:
            for rate in _rates(options.rates):
                bench.open(arrivals.at(rate), f"{rate:g}/s")
        else:
            bench.open(arrivals, arrivals.shape)
    if options.mode == "single-stream":
        p90_ms = bench.runs[-1].outcome.answered.quantile_s(0.9) * 1e3
        return {"p90_ms": p90_ms if math.isfinite(p90_ms) else None}
    if options.mode == "offline":
        return {"rows_per_s": bench.rows_per_s(bench.runs[-1])}
    return {}


def _rates(text: str) -> list[float]:
    try:
        rates = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise LoadError(f"--rates must be numbers with commas between, got {text!r}") from error
    if not all(rate > 0 for rate in rates):
        raise LoadError("--rates must all be more than 0")
    return rates


@dataclass(frozen=True, slots=True)
class _Bound:
    """Whether a run keeps the bound of the mode server."""

    p99_s: float

    def holds(self, outcome: Outcome) -> bool:
        return outcome.strict_quantile_s(0.99) <= self.p99_s


def _server(bench: Bench, p99_s: float) -> dict[str, Any]:
    arrivals = Arrangement("poisson")
    bound = _Bound(p99_s)

    def holds(rate: float) -> bool:
        run = bench.open(arrivals.at(rate), f"{digits(rate)}/s")
        kept = bound.holds(run.outcome)
        p99_ms = run.outcome.strict_quantile_s(0.99) * 1e3
        word = "holds" if kept else "fails"
        p99 = digits(p99_ms) if math.isfinite(p99_ms) else "none"
        sys.stderr.write(f"{digits(rate)}/s {word}: p99 {p99} ms\n")
        return kept

    # A rate whose calls could not be planned at once would end the search without a result.
    longest_s = max(bench.workload.seconds, bench.workload.warm_up_s)
    most = min(_RATE_MOST, CALLS_MAX / longest_s)
    found = highest_rate(holds, first=bench.workload.arrivals.rate, most=most)
    if found.rate >= most:
        sys.stderr.write(f"no rate above {digits(most)}/s is tried: it may keep more\n")
    if not found.rate:
        sys.stderr.write(f"no rate kept p99 within {digits(p99_s * 1e3)} ms\n")
    return {
        "highest_rate": found.rate,
        "p99_bound_ms": p99_s * 1e3,
        "probes": [{"rate": rate, "held": held} for rate, held in found.probes],
    }


def compare(options: argparse.Namespace) -> int:
    """Runs `compare`; raises LoadError for a file that is no result, or without a run in common."""
    before, after = comparison.read(options.a), comparison.read(options.b)
    differences = comparison.compare(before, after, band=options.band)
    if not differences:
        raise LoadError("the two have no run of the same name")
    _say(comparison.show(differences))
    for text in comparison.unlike(options.a, options.b):
        _say(f"not the same load: {text}")
    repeats = min(len(runs) for runs in (*before.values(), *after.values()))
    if repeats < 3:
        _say(
            "with fewer than 3 runs of a name, noise from run to run is not seen: --repeats 5 in "
            "both would show it"
        )
    return 1 if options.fail_if_worse and any(one.worse for one in differences) else 0
