"""Clients of all languages have the version of the server."""

import re
from pathlib import Path

import stubtail

CLIENTS = Path(__file__).parents[3] / "clients"


def test_the_go_client_has_the_version_of_the_server() -> None:
    """It is sent as the user agent, where it helps only if it is true."""
    text = (CLIENTS / "go" / "client.go").read_text(encoding="utf-8")
    assert re.findall(r'^const Version = "(.+)"$', text, re.MULTILINE) == [stubtail.__version__]
