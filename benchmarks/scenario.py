"""What the benchmarks of one promise share: their options, their server and how they end."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.processes import Server, stubtail
from benchmarks.results import FOLDER, Promise, report_promises, save


def add_common(parser: argparse.ArgumentParser) -> None:
    """Options that every benchmark has."""
    parser.add_argument(
        "--models", type=Path, default=Path("exported_models"), metavar="DIR", help="models folder"
    )
    parser.add_argument("--model", default="churn", metavar="NAME", help="which of them to ask")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="for the results")


def add_transport(parser: argparse.ArgumentParser) -> None:
    """The option of those that measure one stubtail server."""
    parser.add_argument("--transport", choices=["native", "grpcio"], default="native")


def server_of(options: argparse.Namespace, models: Path | None = None) -> Server:
    """The stubtail server that the options ask for, not started yet."""
    return stubtail(models or options.models, options.transport)


def finish(
    name: str,
    options: argparse.Namespace,
    about: Mapping[str, Any],
    promises: Sequence[Promise],
    figures: Mapping[str, Any],
) -> int:
    """Prints the promises, saves the figures, and gives the exit status."""
    kept = report_promises(promises)
    document = {
        "transport": options.transport,
        "promises": [promise.document() for promise in promises],
        **figures,
    }
    if options.transport != "native":  # the promises are about the native transport
        name = f"{name}-{options.transport}"
    print(f"figures: {save(name, options.out, document, about)}")
    return 0 if kept else 1
