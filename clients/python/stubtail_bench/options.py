"""The options of `load` and `compare`, each number with the bounds that a workload file has."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Final

from stubtail_bench import compare as comparison
from stubtail_bench.arrangement import SHAPES
from stubtail_bench.workload import (
    CONNECTIONS_MAX,
    DEADLINE_MAX_MS,
    FORMS,
    PRIORITIES,
    ROWS_MAX,
    SECONDS_MAX,
    SEED_MAX,
)
from stubtail_client.cli.tls import add_tls

MODES: Final = ("open", "closed", "single-stream", "server", "offline")
RATE_MAX: Final = 1e9
PROCESSES_MAX: Final = 256  # more than the cores of one machine are of no use
STREAMS_MAX: Final = 10_000  # on one connection; servers allow fewer
REPEATS_MAX: Final = 1_000


def number(low: float, high: float = RATE_MAX, *, above: bool = False) -> Callable[[str], float]:
    """A type of argparse: a number from `low` (more than that with `above`) to `high`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high or (above and value == low):
            relation = "more than" if above else "at least"
            raise argparse.ArgumentTypeError(
                f"must be a number, {relation} {low:g} and at most {high:g}, got {text!r}"
            )
        return value

    return read


def whole(low: int, high: int) -> Callable[[str], int]:
    """A type of argparse: a whole number from `low` to `high`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(
                f"must be a whole number of {low} to {high}, got {text!r}"
            )
        return value

    return read


def address(text: str) -> str:
    """A type of argparse: `host:port`."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise argparse.ArgumentTypeError(f"must be host:port, such as 127.0.0.1:8500, got {text!r}")
    return text


def add_load_arguments(parser: argparse.ArgumentParser, traces: Path = Path()) -> None:
    """The options of `load`; `traces` is the default folder of recorded traces."""
    parser.add_argument(
        "server", type=address, metavar="SERVER", help="host:port of a gRPC inference server"
    )
    _what(parser)
    _how(parser, traces)
    add_tls(parser)
    out = parser.add_argument_group("results")
    out.add_argument("--json", type=Path, metavar="FILE", help="everything, for `compare`")
    out.add_argument("--html", type=Path, metavar="FILE", help="one page with pictures")


def _what(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what is sent (a workload file, or one kind of call)")
    what.add_argument("--workload", type=Path, metavar="FILE", help="TOML file")
    what.add_argument("--model", metavar="NAME", help="without a file: the model to call")
    what.add_argument(
        "--form", choices=FORMS, default="infer", help="ModelInfer (infer), or stubtail's Score"
    )
    rows = whole(1, ROWS_MAX)
    what.add_argument("--rows", type=rows, default=1, metavar="N", help="in each call (1)")
    what.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME:TYPE:SHAPE",
        help="of the model, such as x:FP32:-1,30, where the server does not tell",
    )
    what.add_argument("--rows-file", type=Path, metavar="CSV", help="real rows to draw from")
    what.add_argument(
        "--priority",
        choices=PRIORITIES,
        default="",
        metavar="CLASS",
        help=f"{', '.join(filter(None, PRIORITIES))} (none is sent)",
    )
    what.add_argument(
        "--deadline-ms",
        type=number(0, DEADLINE_MAX_MS),
        default=0.0,
        metavar="MS",
        help="0: none (0)",
    )


def _how(parser: argparse.ArgumentParser, traces: Path) -> None:
    how = parser.add_argument_group("how it comes (wins over the file)")
    how.add_argument(
        "--mode",
        choices=MODES,
        default="open",
        help="open: calls leave when they are due (open); the last three are MLPerf's scenarios",
    )
    how.add_argument("--arrivals", choices=SHAPES, help="shape of an open load (poisson)")
    rate, factor = number(0), number(0, above=True)
    seconds = number(0, SECONDS_MAX)
    how.add_argument(
        "--rate", type=rate, metavar="R", help="calls a second (100); with server: where to begin"
    )
    how.add_argument("--rates", metavar="R,R,...", help="one open run for each: a sweep")
    how.add_argument("--rate-end", type=rate, metavar="R", help="where a ramp ends (0)")
    how.add_argument("--trace", help="for replay: nasa, azure_conversations, azure_code or a file")
    how.add_argument("--start", type=rate, metavar="S", help="where in the trace to begin (0)")
    how.add_argument("--speed", type=factor, metavar="F", help="times faster than recorded (1)")
    how.add_argument("--scale", type=factor, metavar="F", help="times the recorded calls (1)")
    how.add_argument("--traces", type=Path, default=traces, metavar="DIR", help="of known traces")
    how.add_argument(
        "--seconds",
        type=number(0, SECONDS_MAX, above=True),
        metavar="S",
        help="of each run, after its warm-up (10)",
    )
    how.add_argument("--warm-up", type=seconds, metavar="S", help="in no figure (2)")
    how.add_argument(
        "--connections", type=whole(1, CONNECTIONS_MAX), metavar="N", help="of each process (8)"
    )
    how.add_argument(
        "--streams",
        type=whole(1, STREAMS_MAX),
        default=8,
        metavar="N",
        help="closed: in flight a connection (8)",
    )
    how.add_argument(
        "--processes",
        type=whole(1, PROCESSES_MAX),
        default=1,
        metavar="N",
        help="of the generator (1)",
    )
    how.add_argument("--seed", type=whole(0, SEED_MAX), metavar="N", help="of all draws (1)")
    how.add_argument(
        "--repeats",
        type=whole(1, REPEATS_MAX),
        default=1,
        metavar="N",
        help="of every run, for `compare` (1)",
    )
    how.add_argument(
        "--p99-ms",
        type=number(0, above=True),
        default=10.0,
        metavar="MS",
        help="bound of the mode server (10)",
    )


def add_compare_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `compare`."""
    parser.add_argument("a", type=Path, metavar="A.json", help="of `load --json`, before")
    parser.add_argument("b", type=Path, metavar="B.json", help="the same, after")
    parser.add_argument(
        "--band",
        type=number(0, 1),
        default=comparison.BAND,
        help=f"a ratio that close to 1 is never a difference ({comparison.BAND:g})",
    )
    parser.add_argument("--fail-if-worse", action="store_true", help="exit with 1 where B is worse")
