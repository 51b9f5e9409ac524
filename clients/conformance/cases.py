"""Reads the cases: what a client does, what the server of the case does, and what must be seen."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
SERVERS = ("real", "rolling", "faults", "tls", "two", "none")


@dataclass(frozen=True, slots=True)
class Case:
    """One case; README.md describes each part.

    Attributes:
        name: unlike all others.
        file: where it is written.
        server: which server it needs, one of SERVERS.
        client: options that the client is made with.
        calls: what the client does, one after the other.
        script: what the scripted server does, attempt by attempt; the last one repeats.
        broken: what the broken server does instead, so that the case must fail.
        expect_calls: what the client must have seen of each call.
        expect_server: what the scripted server must have seen.
        document: the case as it is written, for runners.
    """

    name: str
    file: Path
    server: str
    client: dict[str, Any]
    calls: list[dict[str, Any]]
    script: list[dict[str, Any]]
    broken: list[dict[str, Any]]
    expect_calls: list[dict[str, Any]]
    expect_server: dict[str, Any]
    document: dict[str, Any]


def read(paths: list[Path] | None = None) -> list[Case]:
    """All cases, in the order of the files and within them.

    Args:
        paths: the files; None for those of this folder.

    Raises:
        ValueError: a case is not what README.md says.
    """
    found = [
        _case(path, document)
        for path in (sorted((FOLDER / "vectors").glob("*.json")) if paths is None else paths)
        for document in json.loads(path.read_text(encoding="utf-8"))["cases"]
    ]
    names = [case.name for case in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"cases with one name: {sorted(twice)}")
    return found


KNOWN = {"name", "server", "client", "calls", "script", "broken", "expect", "about"}


def _case(path: Path, document: dict[str, Any]) -> Case:
    name = document.get("name", "?")
    unknown = set(document) - KNOWN
    if unknown:
        raise ValueError(f"{path.name}: {name}: unknown keys {sorted(unknown)}")
    expect = document["expect"]
    if document["server"] not in SERVERS:
        raise ValueError(f"{path.name}: {name}: no server {document['server']!r}")
    if len(expect["calls"]) != len(document["calls"]):
        raise ValueError(f"{path.name}: {name}: {len(expect['calls'])} expectations for the calls")
    return Case(
        name=name,
        file=path,
        server=document["server"],
        client=document.get("client", {}),
        calls=document["calls"],
        script=document.get("script", []),
        broken=document.get("broken", []),
        expect_calls=expect["calls"],
        expect_server=expect.get("server", {}),
        document=document,
    )
