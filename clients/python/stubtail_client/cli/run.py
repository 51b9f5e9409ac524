"""Runs one command and turns every failure into a message with its mend and an exit code."""

import dataclasses
import io
import json
import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence

from stubtail_client.cli import chat, tables
from stubtail_client.cli.arguments import PROGRAM, build_parser
from stubtail_client.cli.csv_rows import InputError
from stubtail_client.cli.decide import decide_row
from stubtail_client.cli.detect import detect_file
from stubtail_client.cli.explain import explain_row
from stubtail_client.cli.forecast import forecast_file
from stubtail_client.cli.score import score_file
from stubtail_client.cli.tls import credentials_of
from stubtail_client.client import Client
from stubtail_client.errors import InvalidArgument, NotFound, StubtailError, Unavailable
from stubtail_client.health import HealthStatus

DONE = 0
REFUSED = 1
MISUSED = 2
UNREACHABLE = 3
INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: the words after the program; None takes those of the process.

    Returns:
        The exit code; the help of `arguments` lists them.
    """
    arguments = build_parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name that a terminal lacks is no failure
    try:
        with Client(
            arguments.server,
            timeout=arguments.timeout,
            wait_for_ready=False,
            credentials=credentials_of(arguments),
        ) as client:
            return _COMMANDS[arguments.command](client, arguments)
    except InputError as error:
        return _fail(MISUSED, str(error))
    except StubtailError as error:
        return _fail_call(error, arguments)
    except BrokenPipeError:
        # The reader of the pipe, `head` for one, has enough. Python would complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED


def _score(client: Client, arguments: Namespace) -> int:
    score_file(client, arguments)
    return DONE


def _explain(client: Client, arguments: Namespace) -> int:
    _print(*explain_row(client, arguments))
    return DONE


def _decide(client: Client, arguments: Namespace) -> int:
    lines = decide_row(client, arguments)
    if arguments.json:
        _print(*lines)
    else:
        _print_page(lines)
    return DONE


def _detect(client: Client, arguments: Namespace) -> int:
    lines = detect_file(client, arguments)
    if arguments.json:
        _print(*lines)
    else:
        _print_page(lines)
    return DONE


def _chat(client: Client, arguments: Namespace) -> int:
    chat.chat(client, arguments)
    return DONE


def _embed(client: Client, arguments: Namespace) -> int:
    _print(*chat.embed(client, arguments))
    return DONE


def _llms(client: Client, arguments: Namespace) -> int:
    _print_page(chat.llms(client, arguments))
    return DONE


def _providers(client: Client, arguments: Namespace) -> int:
    _print_page(chat.providers(client, arguments))
    return DONE


def _forecast(client: Client, arguments: Namespace) -> int:
    _print_page(forecast_file(client, arguments))
    return DONE


def _models(client: Client, arguments: Namespace) -> int:
    models = client.models()
    if arguments.json:
        for model in models:
            _print(json.dumps(dataclasses.asdict(model)))
    elif models:
        _print_page(tables.models_table(models))
    else:
        _print("the server has no models; put one into its models folder")
    return DONE


def _model(client: Client, arguments: Namespace) -> int:
    model = client.model(arguments.model)
    if arguments.json:
        document = dataclasses.asdict(model)
        del document["manifest_json"]
        document["manifest"] = model.manifest
        _print(json.dumps(document, indent=2))
    else:
        _print_page(tables.model_page(model))
    return DONE


def _health(client: Client, arguments: Namespace) -> int:
    status = client.health(arguments.service)
    _print(status.name)
    return DONE if status is HealthStatus.SERVING else REFUSED


_COMMANDS = {
    "score": _score,
    "explain": _explain,
    "decide": _decide,
    "detect": _detect,
    "forecast": _forecast,
    "chat": _chat,
    "embed": _embed,
    "llms": _llms,
    "providers": _providers,
    "models": _models,
    "model": _model,
    "health": _health,
}


_LLM_COMMANDS = ("chat", "embed", "llms", "providers")


def _print(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _print_page(lines: Sequence[str]) -> None:
    """A terminal would wrap what is too wide, which nobody can read."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    _print(*(line if len(line) <= width else f"{line[: width - 1]}…" for line in lines))


def _fail(code: int, *lines: str) -> int:
    sys.stdout.flush()
    sys.stderr.write("".join(f"{line}\n" for line in (f"error: {lines[0]}", *lines[1:])))
    return code


def _fail_call(error: StubtailError, arguments: Namespace) -> int:
    if isinstance(error, Unavailable) and error.reason == "CONNECTION_FAILED":
        return _fail(
            UNREACHABLE,
            f"no stubtail server answers at {arguments.server}",
            "  start one in the repository:  make serve",
            "  or name another:              --server HOST:PORT",
            f"  ({error.message})",
        )
    lines = [f"{error.message} [{error.code}{_and(error.reason)}]", *_notes(error)]
    if isinstance(error, InvalidArgument) and error.violations:
        what = "rows" if arguments.command in {"score", "explain"} else "question"
        lines[0] = f"the server refuses the {what} [{error.code}{_and(error.reason)}]"
        lines[1:1] = [f"  - {violation}" for violation in error.violations]
        # Of `detect` there need be no model.
        if arguments.command not in (*_LLM_COMMANDS, "forecast") and arguments.model:
            lines.append(f"  the features of the model:  {PROGRAM} model {arguments.model}")
    if isinstance(error, NotFound) and arguments.command != "health":
        listing = "llms" if arguments.command in _LLM_COMMANDS else "models"
        lines.append(f"  the models of the server:  {PROGRAM} {listing}")
    if error.retry_after_s is not None:
        lines.append(f"  try again in {error.retry_after_s:g} s")
    return _fail(REFUSED, *lines)


def _notes(error: StubtailError) -> list[str]:
    """The notes that were added on the way, for instance which rows of a file it is about."""
    return [f"  {note}" for note in getattr(error, "__notes__", ())]


def _and(reason: str) -> str:
    return f", {reason}" if reason else ""
