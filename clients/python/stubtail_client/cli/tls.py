"""TLS on the command line: which files say whom to trust and who we are."""

import argparse
from pathlib import Path

import grpc

from stubtail_client.cli.csv_rows import InputError


def add_tls(parser: argparse.ArgumentParser) -> None:
    """The options of every command for a server with TLS."""
    parser.add_argument("--tls", action="store_true", help="connect with TLS")
    for option, about in (
        (
            "--ca",
            "authorities to trust, PEM (default: those that gRPC brings along); implies --tls",
        ),
        ("--cert", "our certificate, PEM, where the server asks for one; implies --tls"),
        ("--key", "its key, PEM"),
    ):
        parser.add_argument(option, type=Path, metavar="FILE", help=about)


def credentials_of(arguments: argparse.Namespace) -> grpc.ChannelCredentials | None:
    """What the options ask for; None for plain text.

    Raises:
        InputError: a file cannot be read, or a certificate comes without its key.
    """
    if (arguments.cert is None) != (arguments.key is None):
        raise InputError("--cert and --key belong together: give both or neither")
    if not arguments.tls and arguments.ca is None and arguments.cert is None:
        return None
    return grpc.ssl_channel_credentials(
        _read(arguments.ca), _read(arguments.key), _read(arguments.cert)
    )


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
