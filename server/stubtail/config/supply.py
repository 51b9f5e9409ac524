"""The settings of model supply: how versions are checked, and whose signature counts."""

from dataclasses import dataclass
from typing import Annotated, Literal

from stubtail.config.rules import Rule

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SupplySettings:
    """What a version must be before it is served, and what finding that out may take."""

    verify_in: Annotated[
        Literal["process", "server"],
        Rule(
            "where a version is checked and run first",
            why="a crash or a memory bomb must not end the server; server: no other process",
        ),
    ] = "process"
    verify_ms_max: Annotated[
        int,
        Rule(
            "longest check of a version, ms",
            100,
            3_600_000,
            why="an endless loop must end; a graph of 512 MiB takes some 20 s",
        ),
    ] = 60_000
    verify_memory_bytes_max: Annotated[
        int,
        Rule(
            "memory of a check besides eight times its graph, bytes",
            64 * MIB,
            2**40,
            why="a graph of a few bytes can ask for any; at most half of what is left is given",
        ),
    ] = 2048 * MIB
    verify_idle_ms: Annotated[
        int,
        Rule(
            "the checking process ends after this long without work, ms",
            0,
            3_600_000,
            why="starting it takes 0.3 s, keeping it some 100 MB",
        ),
    ] = 5000
    nodes_max: Annotated[
        int,
        Rule("most nodes of a graph", 1, 10_000_000, why="one run visits every node"),
    ] = 200_000
    initializer_bytes_max: Annotated[
        int,
        Rule(
            "most bytes of a graph's constants, by their shapes",
            1024,
            2**40,
            why="few bytes can claim many; as much as a graph can have",
        ),
    ] = 512 * MIB
    require_signature: Annotated[
        bool,
        Rule("refuse versions without a good signature", why="needs public_key_files"),
    ] = False
    public_key_files: Annotated[
        tuple[str, ...],
        Rule("Ed25519 public keys whose signatures count, PEM", why="two while one is replaced"),
    ] = ()
