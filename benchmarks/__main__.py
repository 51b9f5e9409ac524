"""`python -m benchmarks`: measures this machine, says what was promised and what was found."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import (
    access,
    anomaly,
    cancel,
    client_cost,
    coalesce,
    connections,
    cores,
    crosscheck,
    decide,
    explain,
    fairness,
    floor,
    forecast,
    llm,
    load_check,
    micro,
    overload,
    readme,
    reload,
    start,
    steady,
)
from benchmarks.errors import BenchmarkError
from benchmarks.peers import command as peers
from benchmarks.storms import command as storms
from stubtail_bench import command as bench
from stubtail_bench import options as bench_options
from stubtail_bench.errors import LoadError

_TRACES = Path("../shared/data/traces")  # recorded arrivals, where this checkout has them
_QUIET_LOAD = 0.5  # waiting processes for each core
_ABOUT = """\
Measures stubtail on this machine and compares it with the cheapest server that grpc.aio can make.

Without a command: `micro`, then `floor`. Each command prints what is promised, what it measured,
PASS or FAIL, and keeps its figures as JSON in benchmarks/results/.
"""
_HOW = """\
how to get figures that mean something:
  Measure on a quiet machine, and read ratios of one run rather than absolute figures: machines
  drift, so servers take turns, each alone, in reversed order every second round.
  Every load goes through a pool of different rows. A tree model that is fed one row again and
  again runs up to 3.5 times too fast.
  Every reply is counted once and needs grpc-status 0. Scores are compared with onnxruntime's own
  before, during and after each load. A run with a wrong answer has no figures.
  `client busy` near 1 means that the load generator was the limit, not the server.

examples:
  python -m benchmarks floor --rounds 1 --seconds 1 --only echo,native --case infer-1x64
  python -m benchmarks floor --mlserver-python /path/to/venv/bin/python
  python -m benchmarks reload --transport grpcio
  python -m benchmarks load 127.0.0.1:8500 --workload benchmarks/workloads/mix.toml
  python -m benchmarks --server-cores 2 overload   # on a machine of four or more
  python -m benchmarks readme          # put the newest results into benchmarks/README.md
"""


@dataclass(frozen=True, slots=True)
class _Command:
    about: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


_COMMANDS = {
    "micro": _Command("each step of a call without a network", micro.add_arguments, micro.run),
    "floor": _Command(
        "our transports, MLServer and a bare grpc.aio echo (the floor) under the same loads",
        floor.add_arguments,
        floor.run,
    ),
    "peers": _Command(
        "other inference servers, the same model, the same calls", peers.add_arguments, peers.run
    ),
    "reload": _Command(
        "p99 at half load while 100 new versions go live", reload.add_arguments, reload.run
    ),
    "fairness": _Command(
        "urgent calls, the lowest class and light models beside a flood",
        fairness.add_arguments,
        fairness.run,
    ),
    "steady": _Command(
        "ten million calls: memory and speed at the end as at the beginning",
        steady.add_arguments,
        steady.run,
    ),
    "cancel": _Command(
        "every third of 100,000 calls cancelled: lost replies, memory",
        cancel.add_arguments,
        cancel.run,
    ),
    "connections": _Command(
        "1,000 connections, each with a call in flight",
        connections.add_arguments,
        connections.run,
    ),
    "overload": _Command(
        "goodput with deadlines at 2 and 5 times the capacity",
        overload.add_arguments,
        overload.run,
    ),
    "storms": _Command(
        "slow readers, idle connections, floods and bombs: do others notice?",
        storms.add_arguments,
        storms.run,
    ),
    "start": _Command("time to the first answer, and memory", start.add_arguments, start.run),
    "access": _Command(
        "what access rules cost, and what a tenant that floods costs the others",
        access.add_arguments,
        access.run,
    ),
    "client": _Command(
        "what the Python client adds to its raw stub, in processor time",
        client_cost.add_arguments,
        client_cost.run,
    ),
    "coalesce": _Command(
        "rows of many callers joined into few calls", coalesce.add_arguments, coalesce.run
    ),
    "decide": _Command(
        "a decision between 1,002 candidates, one call at a time", decide.add_arguments, decide.run
    ),
    "forecast": _Command(
        "forecasts: accuracy on public series beside rivals, and latency",
        forecast.add_arguments,
        forecast.run,
    ),
    "explain": _Command(
        "a score with reasons, and how they agree with TreeSHAP",
        explain.add_arguments,
        explain.run,
    ),
    "llm": _Command(
        "what the proxy to language models adds, beside LiteLLM's", llm.add_arguments, llm.run
    ),
    "anomaly": _Command(
        "anomalies of rows, series and streams against public labels, and their latency",
        anomaly.add_arguments,
        anomaly.run,
    ),
    "load": _Command(
        "any gRPC inference server under a load of your own",
        partial(bench_options.add_load_arguments, traces=_TRACES),
        bench.load,
    ),
    "compare": _Command(
        "do two results of `load` differ beyond noise?",
        bench_options.add_compare_arguments,
        bench.compare,
    ),
    "load-check": _Command(
        "`load` against h2load, against a server that pauses, and at 20,000 calls/s",
        load_check.add_arguments,
        load_check.run,
    ),
    "crosscheck": _Command(
        "our load generator against h2load", crosscheck.add_arguments, crosscheck.run
    ),
    "readme": _Command(
        "write the newest results into the README", readme.add_arguments, readme.run
    ),
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=_ABOUT,
        epilog=_HOW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument(
        "--server-cores",
        type=int,
        metavar="N",
        help="servers get N cores, the load all others (otherwise all share all)",
    )
    commands = top.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for name, command in _COMMANDS.items():
        described = commands.add_parser(
            name,
            help=command.about,
            description=f"{name}: {command.about}.",
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        command.add_arguments(described)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command, or `micro` and `floor` when none is named; the exit status."""
    line = parser()
    options = line.parse_args(arguments)
    names = [options.command] if options.command else ["micro", "floor"]
    if names not in (["readme"], ["compare"]):
        _warn_when_busy(os.getloadavg()[0], os.cpu_count() or 1)
    status = 0
    try:
        if options.server_cores:
            cores.divide(options.server_cores)
    except BenchmarkError as error:
        line.error(str(error))
    for name in names:
        chosen = options if options.command else line.parse_args([name])
        try:
            status |= _COMMANDS[name].run(chosen)
        except (BenchmarkError, LoadError, OSError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            status |= 1
        except KeyboardInterrupt:
            print(f"{name}: stopped, nothing was kept", file=sys.stderr)
            return bench.STOPPED
    return status


def _warn_when_busy(load: float, cores: int) -> None:
    """Says that others use the machine; a server start or a test run beside it spoils figures."""
    if load > _QUIET_LOAD * cores:
        print(f"warning: load average {load:.1f} on {cores} cores; figures will mislead")


if __name__ == "__main__":
    sys.exit(main())
