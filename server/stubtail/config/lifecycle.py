"""The settings of a server's life: how it logs, how it leaves, when workers start again."""

from dataclasses import dataclass
from typing import Annotated, Literal

from stubtail.config.rules import Rule


@dataclass(frozen=True, slots=True)
class DrainSettings:
    """How the server leaves."""

    delay_ms: Annotated[
        int,
        Rule(
            "time between NOT_SERVING and refusing calls, ms",
            0,
            600_000,
            why="load balancers need a moment to look away; set 2000 to 5000 behind one",
        ),
    ] = 0
    grace_ms: Annotated[
        int,
        Rule("time for accepted calls to finish, ms", 0, 3_600_000, why="the platform kills later"),
    ] = 30_000


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is logged and how it looks."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Rule("least level that is written", why="info has one line per event of the life cycle"),
    ] = "info"
    format: Annotated[
        Literal["auto", "text", "json"],
        Rule("form of a line; auto: text on a terminal, else json", why="people or machines read"),
    ] = "auto"
    queue_lines_max: Annotated[
        int,
        Rule("most lines waiting to be written", 16, 1_000_000, why="further ones are dropped"),
    ] = 10_000


@dataclass(frozen=True, slots=True)
class SupervisorSettings:
    """When a worker process is started again."""

    restart_backoff_min_ms: Annotated[
        int, Rule("first wait before a restart, ms", 1, 600_000, why="a crash must not spin")
    ] = 200
    restart_backoff_max_ms: Annotated[
        int, Rule("longest wait before a restart, ms", 1, 600_000, why="capacity must come back")
    ] = 10_000
    stable_after_ms: Annotated[
        int,
        Rule(
            "ready for this long forgets earlier crashes, ms",
            1,
            3_600_000,
            why="rare crashes must not add up",
        ),
    ] = 30_000
    start_attempts_max: Annotated[
        int,
        Rule(
            "failed starts before giving up, when none ever was ready",
            1,
            1000,
            why="a mistake in the set-up must be told, not repeated",
        ),
    ] = 3
    start_timeout_ms: Annotated[
        int,
        Rule("longest time from start to ready, ms", 100, 3_600_000, why="large models load long"),
    ] = 120_000
    heartbeat_interval_ms: Annotated[
        int,
        Rule("time between two signs of life, ms", 10, 60_000, why="each one wakes an idle worker"),
    ] = 500
    heartbeat_timeout_ms: Annotated[
        int,
        Rule(
            "silence after which a worker counts as hung, ms",
            100,
            3_600_000,
            why="loading a model holds the interpreter for seconds",
        ),
    ] = 15_000
