"""What can be typed after `forecast`."""

import argparse

MODELS = ("auto", "zero-shot", "global-trees", "ets", "theta", "seasonal-naive")

_EPILOG = """\
The first line of the file names the columns. The first column of dates is the time, the last column
of numbers the value; --time and --value choose others. An empty cell is a missing value.

examples:
  the next two years of a monthly series, with a picture:
    {program} forecast air_passengers.csv --horizon 24 --plot out.png
  the stock that covers demand nine times of ten:
    {program} forecast demand.csv --horizon 14 --levels 0.9 --non-negative --integer
  values without times, every five minutes, as CSV:
    {program} forecast load.csv --frequency 5min --horizon 48 --output next.csv

{exit_codes}"""


def add_forecast(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    common: argparse.ArgumentParser,
    program: str,
    exit_codes: str,
) -> None:
    """Adds the command."""
    forecast = commands.add_parser(
        "forecast",
        parents=[common],
        help="forecast a column of a CSV file",
        description="Forecast one series; nothing is trained first.",
        epilog=_EPILOG.format(program=program, exit_codes=exit_codes),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    forecast.add_argument("input", metavar="FILE", help="a CSV file; - reads stdin")
    forecast.add_argument(
        "--horizon", type=int, default=24, metavar="N", help="steps to forecast (default: 24)"
    )
    forecast.add_argument("--model", choices=MODELS, default="auto", help="default: auto")
    forecast.add_argument(
        "--levels",
        type=_numbers,
        default=(0.1, 0.5, 0.9),
        metavar="A,B",
        help="quantiles (default: 0.1,0.5,0.9)",
    )
    forecast.add_argument("--value", metavar="NAME", help="the column of numbers")
    forecast.add_argument("--time", metavar="NAME", help="the column of times")
    forecast.add_argument(
        "--frequency", default="", metavar="F", help="5min, h, D, W, M, Q; found from the times"
    )
    forecast.add_argument(
        "--season", type=_numbers, default=(), metavar="A,B", help="season lengths, where known"
    )
    forecast.add_argument("--non-negative", action="store_true", help="no forecast below 0")
    forecast.add_argument("--integer", action="store_true", help="whole numbers")
    forecast.add_argument("--plot", metavar="FILE", help="draw it into a PNG, SVG or PDF file")
    forecast.add_argument("--output", metavar="FILE", help="write all steps as CSV; - to stdout")
    forecast.add_argument("--json", action="store_true", help="one JSON object instead of a table")


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers") from None
