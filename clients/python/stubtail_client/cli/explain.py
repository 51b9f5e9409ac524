"""The command `explain`: one row in, its score and a bar table of the reasons out."""

import json
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from stubtail_client.cli import tables
from stubtail_client.cli.csv_rows import InputError
from stubtail_client.client import Client
from stubtail_client.details import Reasons
from stubtail_client.scores import Row, Scores

_BAR_CELLS = 24
_VALUE_WIDTH_MAX = 28
_EXPECTED = 'a JSON object of features, such as \'{"tenure": 3, "contract": "One year"}\''


def read_row(text: str) -> dict[str, Any]:
    """The row in the argument `--row`; "-" reads it from stdin.

    Raises:
        InputError: it is not a JSON object of numbers, strings and nulls.
    """
    if text == "-":
        text = sys.stdin.read()
    try:
        row = json.loads(text)
    except ValueError as error:
        raise InputError(f"--row is {_EXPECTED}: {error}") from None
    if not isinstance(row, dict) or not row:
        raise InputError(f"--row is {_EXPECTED}")
    for name, value in row.items():
        if isinstance(value, (list, dict)):
            raise InputError(f"--row: {name} is a number, a string or null, not {value!r}")
    return row


def explain_row(client: Client, arguments: Namespace) -> list[str]:
    """Scores one row with reasons; the lines to print.

    Raises:
        InputError: the row is no JSON object, or names a feature that the model does not have.
        StubtailError: the call failed.
    """
    row = read_row(arguments.row)
    model = client.model(arguments.model)
    known = [feature.name for feature in model.features]
    for name in row:
        if known and name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise InputError(f"--row: {name!r} is no feature of {model.name}{hint}")
    top = min(arguments.top, len(model.explained_by)) if model.explained_by else arguments.top
    scores = client.score(
        f"{model.name}@{model.version}", row, explain=top, coverage=arguments.coverage
    )
    if arguments.json:
        return [json.dumps(document(scores), ensure_ascii=False)]
    unicode = tables.can_draw(sys.stdout)
    return page(scores, row, arguments.coverage, unicode=unicode)


def document(scores: Scores) -> dict[str, Any]:
    """The answer for one row as JSON has it; what the model does not give is left out."""
    answer, reasons = scores[0], scores.reasons
    found: dict[str, Any] = {
        "model": scores.model,
        "version": scores.version,
        "score": answer.score,
        "label": answer.label,
        "level": answer.level,
        "lower": answer.lower,
        "upper": answer.upper,
        "outputs": answer.outputs,
    }
    if reasons is not None:
        found |= {
            "base_value": reasons.base_value,
            "reasons": dict(reasons.row(0)),
            "rest": float(reasons.rest[0]),
            "link": reasons.link,
        }
    found["warnings"] = [f"{one.feature}: {one.kind}" for one in scores.warnings] or None
    return {key: value for key, value in found.items() if value is not None}


def page(
    scores: Scores, row: Mapping[str, Any], coverage: float | None, *, unicode: bool
) -> list[str]:
    """The answer for one row as people read it."""
    lines = [_headline(scores, coverage)]
    lines += [f"  {warning.feature}: {warning.kind}" for warning in scores.warnings]
    reasons = scores.reasons
    if reasons is None:
        return lines
    what = "log-odds of the score" if reasons.link == "logit" else "score"
    lines += ["", f"what moved the {what} from {reasons.base_value:.3f}, its mean:", ""]
    return lines + _reason_table(scores[0], reasons, row, unicode=unicode)


def _headline(scores: Scores, coverage: float | None) -> str:
    answer = scores[0]
    words = [f"{scores.model} {scores.version}: {_number(answer.score)}"]
    words += [word for word in (answer.label, answer.level) if word]
    if answer.lower is not None and answer.upper is not None and coverage is not None:
        bounds = f"{_number(answer.lower)} to {_number(answer.upper)}"
        words.append(f"{bounds} with {coverage * 100:g} % coverage")
    return ", ".join(words)


def _reason_table(
    answer: Row, reasons: Reasons, row: Mapping[str, Any], *, unicode: bool
) -> list[str]:
    given = answer.reasons or ()
    most = max((abs(reason.contribution) for reason in given), default=0.0) or 1.0
    cells: list[Sequence[str]] = [
        (
            reason.name,
            _value(row, reason.name),
            f"{reason.contribution:+.3f}",
            tables.stroke(abs(reason.contribution) / most, _BAR_CELLS, unicode=unicode),
        )
        for reason in given
    ]
    rest = float(reasons.rest[0])
    others = len(reasons.names) - len(given)
    if others > 0:
        cells.append((f"{others} other{'s' * (others > 1)}", "", f"{rest:+.3f}", ""))
    total = reasons.base_value + rest + sum(reason.contribution for reason in given)
    cells.append(("together", "", f"{total:.3f}", ""))
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    return [tables.aligned(line, widths, (2,)) for line in cells]


def _value(row: Mapping[str, Any], name: str) -> str:
    """What the row has for a feature; nothing for a group of features."""
    value = row.get(name)
    return "" if value is None else tables.cut(str(value), _VALUE_WIDTH_MAX)


def _number(value: float | None) -> str:
    return "no score" if value is None else f"{value:.4g}"
