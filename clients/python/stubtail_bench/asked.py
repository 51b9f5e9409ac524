"""What a command line asks for and cannot get: told before the load, which may take hours."""

import argparse
from pathlib import Path
from typing import Final

from stubtail_bench.arrangement import Arrangement
from stubtail_bench.errors import LoadError

# What a workload file says of its calls: the option that says it of the one kind without a file.
_OF_A_CALL: Final = {
    "form": "infer",
    "rows": 1,
    "input": [],
    "rows_file": None,
    "priority": "",
    "deadline_ms": 0.0,
}
_OF_A_SCHEDULE: Final = ("arrivals", "rate", "rate_end", "trace", "start", "speed", "scale")
_CLOSED: Final = ("closed", "single-stream", "offline")


def expect_places(*files: Path | None) -> None:
    """Raises LoadError where a result could not be written: better now than after the load."""
    for file in files:
        if file is not None and not file.parent.is_dir():
            raise LoadError(f"{file}: there is no folder {file.parent} to write it into")
        if file is not None and file.is_dir():
            raise LoadError(f"{file} is a folder: name a file to write into")


def expect_figures(arrivals: Arrangement) -> None:
    """Raises LoadError for a shape whose figures are missing."""
    shape = arrivals.shape
    if shape in {"poisson", "constant"} and not arrivals.rate:
        raise LoadError(f"--rate must be more than 0 for {shape} arrivals")
    if shape == "ramp" and not arrivals.rate + arrivals.rate_end:
        raise LoadError("a ramp needs a --rate, a --rate-end or both")
    if shape == "step" and not arrivals.steps:
        raise LoadError(
            "steps are told in a --workload: [arrivals] with steps = [[rate, seconds], ...]"
        )
    if shape == "replay" and not arrivals.trace:
        raise LoadError("a replay needs a --trace: nasa, azure_conversations, azure_code or a file")


def expect_sweep(options: argparse.Namespace, arrivals: Arrangement) -> None:
    """Raises LoadError for --rates beside what has no rate, and would be measured without them."""
    if options.rates is None:
        return
    if options.mode != "open":
        raise LoadError(f"--rates are of --mode open; {options.mode} has no rates to go through")
    if options.arrivals and arrivals.shape not in {"poisson", "constant"}:
        raise LoadError(f"--rates are of poisson and constant arrivals, not of {arrivals.shape}")


def expect_use(options: argparse.Namespace) -> None:
    """Raises LoadError for options that would be passed over in silence."""
    if options.workload is not None:
        for name, default in _OF_A_CALL.items():
            if getattr(options, name) != default:
                raise LoadError(
                    f"{_written(name)} is of a --model: the --workload says it of each call"
                )
    if options.mode in _CLOSED:
        for name in _OF_A_SCHEDULE:
            if getattr(options, name) is not None:
                raise LoadError(
                    f"{_written(name)} is of a schedule; --mode {options.mode} has none"
                )
    if options.mode == "server":
        if options.repeats > 1:
            raise LoadError("--repeats are not of --mode server, which repeats runs by itself")
        if options.rate is not None and options.rate < 1:
            raise LoadError("--rate must be at least 1 for --mode server: that is where it begins")


def _written(name: str) -> str:
    return "--" + name.replace("_", "-")
