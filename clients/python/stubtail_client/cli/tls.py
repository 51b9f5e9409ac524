"""Credentials on the command line: whom to trust and who we are, always from files."""

import argparse
from pathlib import Path

from stubtail_client.cli.csv_rows import InputError
from stubtail_client.credentials import Credentials
from stubtail_client.errors import InvalidArgument


def add_tls(parser: argparse.ArgumentParser) -> None:
    """The options of every command for a server with TLS or with access rules."""
    parser.add_argument("--tls", action="store_true", help="connect with TLS")
    for option, about in (
        (
            "--ca",
            "authorities to trust, PEM (default: those that gRPC brings along); implies --tls",
        ),
        ("--cert", "our certificate, PEM, where the server asks for one; implies --tls"),
        ("--key", "its key, PEM"),
        ("--api-key-file", "our API key; a file, because a command line is seen by others"),
        ("--token-file", "our JWT, likewise; read again when it changes"),
    ):
        parser.add_argument(option, type=Path, metavar="FILE", help=about)
    parser.add_argument(
        "--plain-text",
        action="store_true",
        help="send the key or the token to another machine without TLS",
    )


def credentials_of(arguments: argparse.Namespace) -> Credentials | None:
    """What the options ask for; None where they ask for nothing.

    Raises:
        InputError: a file cannot be read, or options do not go together.
    """
    if arguments.api_key_file is not None and arguments.token_file is not None:
        raise InputError("--api-key-file and --token-file: give one of them")
    if (arguments.cert is None) != (arguments.key is None):
        raise InputError("--cert and --key belong together: give both or neither")
    try:
        made = Credentials(
            api_key_file=arguments.api_key_file,
            token_file=arguments.token_file,
            tls=arguments.tls,
            ca=arguments.ca,
            cert=arguments.cert,
            key=arguments.key,
            plain_text=arguments.plain_text,
        )
    except InvalidArgument as error:
        raise InputError(error.message) from None
    return made if made.has_secret or made.channel is not None else None
