"""The settings of the scheduler: who is admitted, who runs next, and for how long."""

from dataclasses import dataclass
from typing import Annotated, Literal

from stubtail.config.rules import Rule

Slack = Annotated[
    float,
    Rule(
        "wait of this class before its calls go first, ms",
        0.01,
        1_000_000,
        why="with none, a class would starve all others; beyond, it would never rise",
    ),
]
Share = Annotated[
    float,
    Rule("part of the queue kept for this class, lent while unused", 0, 1, why="the sum is 1"),
]


@dataclass(frozen=True, slots=True)
class SchedulingSettings:
    """Who runs next, and for how long."""

    deadline_default_ms: Annotated[
        int,
        Rule("deadline of a call that names none, ms", 1, 3_600_000, why="nobody waits for ever"),
    ] = 5000
    deadline_max_ms: Annotated[
        int,
        Rule("longest deadline that counts, ms", 1, 3_600_000, why="a queue holds no dead weight"),
    ] = 30_000
    slack_critical_ms: Slack = 5.0
    slack_high_ms: Slack = 20.0
    slack_normal_ms: Slack = 100.0
    slack_low_ms: Slack = 1000.0
    share_critical: Share = 0.4
    share_high: Share = 0.3
    share_normal: Share = 0.2
    share_low: Share = 0.1
    wait_part_max: Annotated[
        float,
        Rule(
            "part of its time that a call may wait in the queue, of what its own run leaves",
            0.01,
            1,
            why="who is admitted to finish just in time is late by the way back",
        ),
    ] = 0.5
    batch_run_ms_max: Annotated[
        float,
        Rule("longest run that a batch may be predicted, ms", 0.05, 1e4, why="others wait for it"),
    ] = 2.5
    shared_run_ms_max: Annotated[
        float,
        Rule(
            "the same while several tenants share the lane, ms",
            0.05,
            1e4,
            why="one tenant's large batch is another's latency",
        ),
    ] = 0.5
    inline_run_ms_max: Annotated[
        float,
        Rule("models slower than this run in the pool, ms", 0.0, 1e4, why="the lane must answer"),
    ] = 1.0
    breaker_failures_max: Annotated[
        int,
        Rule(
            "failures in a row of the row that a model was warmed with, looked at when a batch gets"
            " no answer, before the model is not run for a while; 0 never",
            0,
            100_000,
            why="each failing run is tried again in parts, and others wait for it",
        ),
    ] = 10
    breaker_open_ms: Annotated[
        int,
        Rule(
            "time before a failing model is tried again, ms; doubles", 1, 3_600_000, why="a guess"
        ),
    ] = 1000
    breaker_open_max_ms: Annotated[
        int,
        Rule("longest time between such tries, ms", 1, 3_600_000, why="it may be well again"),
    ] = 30_000
    pool_threads: Annotated[
        int | Literal["auto"],
        Rule(
            "threads for slow models; auto: the cores of a worker",
            1,
            256,
            why="threads beyond the cores only wait",
        ),
    ] = "auto"

    @property
    def slacks_s(self) -> tuple[float, float, float, float]:
        """Slack in seconds by class: critical, high, normal, low."""
        return (
            self.slack_critical_ms / 1e3,
            self.slack_high_ms / 1e3,
            self.slack_normal_ms / 1e3,
            self.slack_low_ms / 1e3,
        )

    @property
    def shares(self) -> tuple[float, float, float, float]:
        """Reserved share (0 to 1) by class: critical, high, normal, low."""
        return (self.share_critical, self.share_high, self.share_normal, self.share_low)
