"""What can be typed after `decide`, and how its small languages become objects."""

import argparse
import json
from typing import Any

from stubtail_client.options import PRIORITIES
from stubtail_client.wishes import (
    Bounds,
    Limit,
    MaxChange,
    NamedObjective,
    Profit,
    Range,
    Revenue,
    ValueAtRisk,
)

_TOP = 10

_EPILOG = """\
Expressions are a subset of CEL over features, parameters and outputs: `score` is the model's main
output, `lower` and `upper` its bounds, `context.x` the value of x as it is now. Quote them.

examples:
  the price of a product for the most profit, at most 10 % away from today's:
    {program} decide pricing --row - --try price=1.5:3.5:101 \\
      --profit price,cost --within price=10% --coverage 0.9 < product.json
  the same without the product's cost among the features of the model:
    {program} decide pricing --row - --try price=1.5:3.5:101 \\
      --maximise '(price - unit_cost) * score' --set unit_cost=1.2 < product.json
  which contract and support offer lowers churn most for each dollar that it costs:
    {program} decide churn --row - \\
      --try 'contract=Month-to-month,One year,Two year' --try tech_support=No,Yes \\
      --maximise '(context.score - score) / (
        (contract == context.contract ? 0 : contract == "Two year" ? 60 : 30)
        + (tech_support == context.tech_support ? 0 : 20))' \\
      --require 'score <= 0.5' < customer.json

The answer is a what-if: what the model expects of rows like these. It is association in past rows,
not cause.

{exit_codes}"""


def add_decide(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    common: argparse.ArgumentParser,
    program: str,
    exit_codes: str,
) -> None:
    """Adds the command."""
    decide = commands.add_parser(
        "decide",
        parents=[common],
        help="rank what could be done by what a model predicts",
        description="Score candidate actions with a model and print them ranked.",
        epilog=_EPILOG.format(program=program, exit_codes=exit_codes),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    decide.add_argument("model", metavar="NAME", help="a model, or NAME@VERSION")
    decide.add_argument(
        "--row", required=True, metavar="JSON", help="the features as they are; - reads stdin"
    )
    _add_candidates(decide)
    _add_objectives(decide)
    _add_constraints(decide)
    decide.add_argument(
        "--coverage", type=float, metavar="SHARE", help="bounds for this share of rows, such as 0.9"
    )
    decide.add_argument(
        "--top", type=_top, default=_TOP, metavar="N", help="how many to print (default: 10)"
    )
    decide.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    decide.add_argument("--priority", choices=PRIORITIES, help="how much the call matters")


def _add_candidates(decide: argparse.ArgumentParser) -> None:
    decide.add_argument(
        "--try",
        dest="axes",
        action="append",
        type=_axis,
        metavar="NAME=VALUES",
        help="values of a feature or parameter: first:last:steps, or a,b,c; repeat for all "
        "combinations",
    )
    decide.add_argument(
        "--candidates", type=_candidates, metavar="JSON", help="a JSON list of changes instead"
    )
    decide.add_argument(
        "--set",
        dest="parameters",
        action="append",
        type=_parameter,
        default=[],
        metavar="NAME=VALUE",
        help="a value for expressions that is no feature, such as cost=1.2",
    )


def _add_objectives(decide: argparse.ArgumentParser) -> None:
    wanted = decide.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--maximise", metavar="EXPRESSION", help="more of it is better")
    wanted.add_argument("--minimise", metavar="EXPRESSION", help="less of it is better")
    wanted.add_argument(
        "--revenue", dest="named", type=_revenue, metavar="PRICE", help="most price * score"
    )
    wanted.add_argument(
        "--profit",
        dest="named",
        type=_profit,
        metavar="PRICE,COST",
        help="most (price - cost) * score",
    )
    wanted.add_argument(
        "--value-at-risk",
        dest="named",
        type=_value_at_risk,
        metavar="VALUE[,COST]",
        help="least value * score + cost",
    )


def _add_constraints(decide: argparse.ArgumentParser) -> None:
    for option, read, metavar, meaning in (
        ("--within", _within, "NAME=CHANGE", "how far it may move: 10%% or 0.5"),
        ("--between", _between, "NAME=MIN:MAX", "between two numbers; one may be left out"),
        ("--require", _limit, "CONDITION", "what must hold, such as 'score >= 0.5'"),
    ):
        decide.add_argument(
            option,
            dest="constraints",
            action="append",
            type=read,
            default=[],
            metavar=metavar,
            help=meaning,
        )
    decide.add_argument(
        "--allow-outside-range",
        action="store_true",
        help="also values beyond the range seen in training",
    )


def _top(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 10_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 10,000")


def _pair(text: str, expected: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name.strip() and equals and value.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
    return name.strip(), value.strip()


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def _axis(text: str) -> tuple[str, Range | list[str]]:
    """A range, or words that the command turns into numbers where the feature is one."""
    name, values = _pair(text, "NAME=first:last:steps or NAME=a,b,c")
    parts = values.split(":")
    if len(parts) == 3 and parts[2].strip().isdecimal():
        return name, Range(_number(parts[0]), _number(parts[1]), int(parts[2]))
    return name, [value.strip() for value in values.split(",")]


def _candidates(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"it is no JSON: {error}") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise argparse.ArgumentTypeError("it is not a list such as '[{\"price\": 1.9}]'")
    return found


def _parameter(text: str) -> tuple[str, float | str]:
    name, value = _pair(text, "NAME=VALUE")
    try:
        return name, float(value)
    except ValueError:
        return name, value


def _revenue(text: str) -> NamedObjective:
    return Revenue(text)


def _profit(text: str) -> NamedObjective:
    price, _, cost = text.partition(",")
    if not price or not cost:
        raise argparse.ArgumentTypeError(f"{text!r} is not PRICE,COST")
    return Profit(price.strip(), cost.strip())


def _value_at_risk(text: str) -> NamedObjective:
    value, _, cost = text.partition(",")
    return ValueAtRisk(value.strip(), cost.strip())


def _within(text: str) -> MaxChange:
    name, change = _pair(text, "NAME=10% or NAME=0.5")
    if change.endswith("%"):
        return MaxChange(name, relative=_number(change[:-1]) / 100)
    return MaxChange(name, absolute=_number(change))


def _between(text: str) -> Bounds:
    name, limits = _pair(text, "NAME=MIN:MAX")
    low, colon, high = limits.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=MIN:MAX")
    minimum, maximum = (_number(side) if side.strip() else None for side in (low, high))
    return Bounds(name, minimum, maximum)


def _limit(text: str) -> Limit:
    """`x >= 1` has a slack in the unit of x; any other condition holds or does not."""
    for operator in (">=", "<="):
        left, found, right = text.rpartition(operator)
        try:
            limit = float(right)
        except ValueError:
            continue
        if found and left.count("(") == left.count(")") and not set("&|?<>=!") & set(left):
            at_least, at_most = (limit, None) if operator == ">=" else (None, limit)
            return Limit(left.strip(), at_least, at_most)
    return Limit(text)
