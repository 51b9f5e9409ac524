"""What can be typed after `python -m stubtail_client`, and the help that teaches it."""

import argparse

from stubtail_client.cli.chat_arguments import CHAT_TIMEOUT_S, add_chat
from stubtail_client.cli.decide_arguments import add_decide
from stubtail_client.cli.detect import add_detect
from stubtail_client.cli.forecast_arguments import add_forecast
from stubtail_client.cli.tls import add_tls
from stubtail_client.connection import DEFAULT_SERVER
from stubtail_client.errors import InvalidArgument
from stubtail_client.options import PRIORITIES, checked_coverage, checked_timeout

PROGRAM = "python -m stubtail_client"
TIMEOUT_S = 10.0  # a chunk of a file may wait longer than a single customer

_EXIT_CODES = """\
exit codes:
  0  done (health: it serves)
  1  the server refused or failed (health: it does not serve)
  2  the command or the input file is wrong
  3  the server cannot be reached
"""
_MAIN_EPILOG = f"""\
examples:
  {PROGRAM} models
  {PROGRAM} model churn
  {PROGRAM} score churn --input customers.csv
  {PROGRAM} score churn --input customers.csv --output scored.csv
  {PROGRAM} explain churn --row '{{"tenure": 3, "contract": "Two year"}}'
  {PROGRAM} decide churn --row - --try tech_support=No,Yes --minimise score < customer.json
  {PROGRAM} chat fast "Why is the sky blue?"
  {PROGRAM} forecast air_passengers.csv --plot out.png
  {PROGRAM} score --help

{_EXIT_CODES}"""
_SCORE_EPILOG = f"""\
The first line of the file names the columns. Columns that are features of the model are sent;
others, such as a customer number, are only shown. An empty cell is a missing value. `model NAME`
lists the features.

examples:
  a table on the terminal, of the first 20 rows:
    {PROGRAM} score churn --input customers.csv --limit 20
  the same rows with the columns `score` and `label` behind them:
    {PROGRAM} score churn --input customers.csv --output scored.csv
  one JSON object a line, from a pipe:
    head -100 customers.csv | {PROGRAM} score churn --input - --json
  with bounds that hold the true value in nine of ten rows, and the level of risk:
    {PROGRAM} score churn --input customers.csv --coverage 0.9 --levels
  a big file beside live traffic, on a version of your choice:
    {PROGRAM} score churn@2 --input all.csv --output scored.csv --priority low

{_EXIT_CODES}"""
_EXPLAIN_EPILOG = f"""\
The bars say what the model made of each value, against what it expects on average. They do not say
what would happen if a value were changed.

examples:
  {PROGRAM} explain churn --row '{{"tenure": 3, "contract": "Two year", ...}}'
  {PROGRAM} explain churn --row - --top 5 --coverage 0.9 < customer.json

{_EXIT_CODES}"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Ask a stubtail server for scores, answers, models and health.",
        epilog=_MAIN_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = _common_options(TIMEOUT_S)
    _add_score(commands, common)
    _add_explain(commands, common)
    add_decide(commands, common, PROGRAM, _EXIT_CODES)
    add_detect(commands, common, PROGRAM, _EXIT_CODES)
    add_forecast(commands, common, PROGRAM, _EXIT_CODES)
    add_chat(commands, _common_options(CHAT_TIMEOUT_S), PROGRAM, _EXIT_CODES)
    models = commands.add_parser("models", parents=[common], help="list all models")
    _add_json(models, "one JSON object a line instead of a table")
    model = commands.add_parser("model", parents=[common], help="describe a model")
    model.add_argument("model", metavar="NAME", help="a model, or NAME@VERSION")
    _add_json(model, "one JSON object instead of a table")
    health = commands.add_parser("health", parents=[common], help="ask whether the server serves")
    health.add_argument(
        "service", nargs="?", default="", help="one of its services or models (default: the whole)"
    )
    return parser


def _common_options(timeout_s: float) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--server", default=DEFAULT_SERVER, metavar="HOST:PORT", help="default: %(default)s"
    )
    common.add_argument(
        "--timeout",
        type=_timeout,
        default=timeout_s,
        metavar="SECONDS",
        help="how long one call may take (default: %(default)g)",
    )
    add_tls(common)
    return common


def _add_score(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    common: argparse.ArgumentParser,
) -> None:
    score = commands.add_parser(
        "score",
        parents=[common],
        help="score the rows of a CSV file",
        description="Score each row of a CSV file with a model.",
        epilog=_SCORE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    score.add_argument("model", metavar="NAME", help="a model, or NAME@VERSION")
    score.add_argument("--input", required=True, metavar="FILE", help="a CSV file; - reads stdin")
    score.add_argument(
        "--output", metavar="FILE", help="write CSV there instead of a table; - writes to stdout"
    )
    _add_json(score, "one JSON object a row instead of a table or of CSV")
    score.add_argument("--limit", type=_positive, metavar="N", help="score the first N rows only")
    score.add_argument(
        "--columns",
        type=lambda names: names.split(","),
        metavar="A,B",
        help="which columns of the file the table shows (default: the four that differ most)",
    )
    score.add_argument(
        "--delimiter", type=_delimiter, default=",", help="between two cells (default: a comma)"
    )
    _add_coverage(score)
    score.add_argument("--levels", action="store_true", help="the level of each score, too")
    score.add_argument(
        "--priority", choices=PRIORITIES, help="how much the calls matter (default: normal)"
    )


def _add_explain(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    common: argparse.ArgumentParser,
) -> None:
    explain = commands.add_parser(
        "explain",
        parents=[common],
        help="score one row and say why",
        description="Score one row with a model, and show how far each feature moved the score.",
        epilog=_EXPLAIN_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    explain.add_argument("model", metavar="NAME", help="a model, or NAME@VERSION")
    explain.add_argument(
        "--row", required=True, metavar="JSON", help="one JSON object of features; - reads stdin"
    )
    explain.add_argument(
        "--top", type=_positive, default=8, metavar="N", help="reasons to show (default: 8)"
    )
    _add_coverage(explain)
    _add_json(explain, "one JSON object instead of a table")


def _add_coverage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--coverage",
        type=_coverage,
        metavar="SHARE",
        help="bounds that hold the true value in this share of rows, such as 0.9",
    )


def _add_json(parser: argparse.ArgumentParser, meaning: str) -> None:
    parser.add_argument("--json", action="store_true", help=meaning)


def _timeout(text: str) -> float:
    try:
        return checked_timeout(float(text))
    except InvalidArgument as error:
        raise argparse.ArgumentTypeError(error.message) from None
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None


def _coverage(text: str) -> float:
    try:
        return checked_coverage(float(text))
    except (InvalidArgument, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 1") from None


def _positive(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")


def _delimiter(text: str) -> str:
    character = "\t" if text in ("\\t", "tab") else text
    if len(character) == 1:
        return character
    raise argparse.ArgumentTypeError(f"{text!r} is not one character")
