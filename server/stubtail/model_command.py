"""The command `stubtail models`: sign versions, or check them as a server would."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from stubtail.config import ConfigError, Flag, Settings, load
from stubtail.models.errors import ModelError
from stubtail.models.layout import Found, folder_within, scan_models
from stubtail.models.loader import Loader
from stubtail.models.session import SessionOptions
from stubtail.models.signing import (
    KeyFileError,
    read_password,
    read_private_key,
    sign,
    signature_file,
)
from stubtail.models.source import read_version
from stubtail.options import repository_options
from stubtail.verifying import new_verifier

EXIT_GOOD: Final = 0
EXIT_REFUSED: Final = 1
EXIT_WRONG: Final = 2
EPILOG: Final = """\
A key is made with
  openssl genpkey -algorithm ed25519 -out signing.pem
  openssl pkey -in signing.pem -pubout -out signing.pub
and a server asks for signatures with
  --set supply.require_signature=true --set supply.public_key_files=signing.pub
"""


class _Chosen(NamedTuple):
    """One version to look at."""

    name: str
    version: str
    found: Found


def run(arguments: Sequence[str], out: TextIO, errors: TextIO) -> int:
    """Runs the command.

    Args:
        arguments: those after `stubtail models`.
        out: gets one line for each version.
        errors: gets what is wrong with the usage or with the folder.

    Returns:
        The exit code: 0 all are good, 1 some version is not, 2 wrong usage.
    """
    options = _parser().parse_args(arguments)
    try:
        settings = load(options.config, _flags(options))
    except ConfigError as error:
        errors.write("".join(f"stubtail: {problem}\n" for problem in error.problems))
        return EXIT_WRONG
    root = Path(settings.models.directory)
    bounds = repository_options(settings)
    scan = scan_models(
        root, models_max=bounds.models_max, versions_max=bounds.versions_max, tenants=True
    )
    errors.write("".join(f"stubtail: {problem}\n" for problem in scan.problems))
    chosen = list(_choose(scan.models, options.names))
    if not chosen:
        errors.write(f"stubtail: no such version in {root}\n")
        return EXIT_WRONG
    if options.action == "verify":
        return _verify(settings, chosen, root, bounds.session, out)
    return _sign(options, chosen, root, bounds.session, out, errors)


def _verify(
    settings: Settings, chosen: list[_Chosen], root: Path, session: SessionOptions, out: TextIO
) -> int:
    loader = Loader(new_verifier(settings))
    code = EXIT_GOOD
    try:
        for name, version, found in chosen:
            try:
                inside = folder_within(root, name)
                model = loader.load(found.path, name, version, options=session, inside=inside)
            except ModelError as error:
                code = EXIT_REFUSED
                out.write(f"{name}@{version}: refused: {error}\n")
                continue
            signed = f", signed by {model.signed_by}" if model.signed_by else ""
            notes = "".join(f"; note: {note}" for note in model.notes)
            out.write(f"{name}@{version}: good, sha256 {model.sha256}{signed}{notes}\n")
    finally:
        loader.close()
    return code


def _sign(
    options: argparse.Namespace,
    chosen: list[_Chosen],
    root: Path,
    session: SessionOptions,
    out: TextIO,
    errors: TextIO,
) -> int:
    try:
        password = read_password(options.password_file) if options.password_file else None
        key = read_private_key(options.key_file, password)
    except (KeyFileError, OSError) as error:
        errors.write(f"stubtail: {error}\n")
        return EXIT_WRONG
    code = EXIT_GOOD
    for name, version, found in chosen:
        try:
            source = read_version(
                found.path,
                folder_within(root, name),
                graph_bytes_max=session.graph_bytes_max,
                manifest_bytes_max=session.manifest_bytes_max,
            )
            _put(signature_file(source), sign(source, name, version, key))
        except (ModelError, OSError) as error:
            code = EXIT_REFUSED
            out.write(f"{name}@{version}: not signed: {error}\n")
            continue
        out.write(f"{name}@{version}: signed\n")
    return code


def _put(file: Path, content: bytes) -> None:
    """Puts a file in place whole: a server that looks meanwhile sees the old one or the new one."""
    passing = file.with_name(f".{file.name}.tmp")
    passing.write_bytes(content)
    passing.replace(file)


def _choose(models: Mapping[str, Mapping[str, Found]], names: Sequence[str]) -> Iterator[_Chosen]:
    """The versions that `name` or `name@version` name; all of them without names."""
    for name in sorted(models):
        for version in sorted(models[name], key=int):
            if not names or name in names or f"{name}@{version}" in names:
                yield _Chosen(name, version, models[name][version])


def _flags(options: argparse.Namespace) -> list[Flag]:
    flags = [Flag("--models", "models.directory", options.models)] if options.models else []
    for assignment in options.set:
        key, _, text = assignment.partition("=")
        flags.append(Flag(f"--set {key}", key.strip(), text))
    return flags


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stubtail models",
        description="Signs versions of models, or checks them as a server would.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    signing = actions.add_parser("sign", help="write model.sig beside each graph")
    signing.add_argument("--key-file", metavar="PEM", type=Path, required=True)
    signing.add_argument("--password-file", metavar="FILE", type=Path, help="opens the key")
    verifying = actions.add_parser("verify", help="load and run each in a process of its own")
    for action in (signing, verifying):
        action.add_argument("names", nargs="*", metavar="NAME[@VERSION]", help="all without one")
        action.add_argument("--models", metavar="DIR", help="folder of models (exported_models)")
        action.add_argument("--config", metavar="FILE", type=Path, help="settings in TOML")
        action.add_argument("--set", metavar="SECTION.KEY=VALUE", action="append", default=[])
    return parser
