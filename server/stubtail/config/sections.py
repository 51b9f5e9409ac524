"""Every setting of the server: its type, unit, default, bound and the reason of the bound."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from stubtail.config.rules import Rule

MIB = 1024 * 1024
Port = Annotated[int, Rule("TCP port; 0 takes a free one", 0, 65535, why="TCP has no others")]
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
class ServerSettings:
    """Where the server listens and with how many processes."""

    host: Annotated[
        str, Rule("address for gRPC", why="local by default: a server must be opened on purpose")
    ] = "127.0.0.1"
    port: Port = 8500
    http_host: Annotated[
        str, Rule("address for metrics and probes", why="local by default, as for gRPC")
    ] = "127.0.0.1"
    http_port: Port = 8501
    transport: Annotated[
        Literal["auto", "native", "grpcio"],
        Rule("who speaks HTTP/2", why="auto takes native where it is installed: it is faster"),
    ] = "auto"
    workers: Annotated[
        int | Literal["auto"],
        Rule("processes on the port; auto: one per core", 1, 256, why="each holds all models"),
    ] = 1
    io_threads: Annotated[
        int,
        Rule("threads of the native front", 1, 64, why="more than cores only adds switching"),
    ] = 1
    acceptors: Annotated[
        int,
        Rule("grpc.aio servers on the port", 1, 64, why="each accepts one call at a time"),
    ] = 16


@dataclass(frozen=True, slots=True)
class ModelsSettings:
    """Which models are served and how they are loaded."""

    directory: Annotated[
        str, Rule("folder of <name>/<version>/model.onnx", why="seen from the working directory")
    ] = "exported_models"
    watch: Annotated[
        bool, Rule("load models when the folder changes", why="off: at start only")
    ] = True
    settle_ms: Annotated[
        int,
        Rule(
            "quiet time after a change before it is read, ms",
            0,
            60_000,
            why="a copy in progress must not be read half-way",
        ),
    ] = 200
    versions_kept: Annotated[
        int,
        Rule(
            "newest versions of a model in memory", 1, 100, why="each takes the memory of a graph"
        ),
    ] = 2
    graph_bytes_max: Annotated[
        int,
        Rule("largest model.onnx, bytes", 1024, 2**31 - 1, why="protobuf ends at 2 GiB"),
    ] = 512 * MIB
    models_max: Annotated[
        int,
        Rule("most models in the folder", 1, 100_000, why="each holds memory and metric series"),
    ] = 1000
    intra_op_threads: Annotated[
        int | Literal["auto"],
        Rule(
            "threads inside one run of a model; auto: 1",
            1,
            256,
            why="small models lose by sharing one run between threads",
        ),
    ] = "auto"


@dataclass(frozen=True, slots=True)
class LimitsSettings:
    """How much one caller, one call and one queue can take."""

    message_bytes_max: Annotated[
        int, Rule("largest message, bytes", 1024, 2**30, why="a message is held in memory whole")
    ] = 16 * MIB
    metadata_bytes_max: Annotated[
        int,
        Rule(
            "largest metadata of a call, bytes",
            1024,
            16384,
            why="the native front refuses more; both transports must answer alike",
        ),
    ] = 16384
    queue_jobs_max: Annotated[
        int, Rule("most calls waiting", 1, 1_000_000, why="each waits in memory")
    ] = 4096
    queue_bytes_max: Annotated[
        int,
        Rule("most bytes waiting", 1024, 2**34, why="few large calls fill memory as many small do"),
    ] = 64 * MIB
    rows_max: Annotated[
        int, Rule("most rows in one call", 1, 2**24, why="a call must not hold the lane for long")
    ] = 65536
    streams_max: Annotated[
        int,
        Rule(
            "most calls at once on a connection",
            1,
            100_000,
            why="one caller must not take the whole queue",
        ),
    ] = 1024
    batch_rows_max: Annotated[
        int, Rule("most rows in one batch", 1, 2**24, why="memory; the time has its own bound")
    ] = 4096
    metric_series_max: Annotated[
        int,
        Rule(
            'most (model, version) pairs in metrics; the rest is "other"',
            1,
            10_000,
            why="every pair costs some 500 lines at each scrape",
        ),
    ] = 512


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
    batch_run_ms_max: Annotated[
        float,
        Rule("longest run that a batch may be predicted, ms", 0.05, 1e4, why="others wait for it"),
    ] = 5.0
    inline_run_ms_max: Annotated[
        float,
        Rule("models slower than this run in the pool, ms", 0.0, 1e4, why="the lane must answer"),
    ] = 1.0
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


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, by section."""

    server: ServerSettings = field(default_factory=ServerSettings)
    models: ModelsSettings = field(default_factory=ModelsSettings)
    limits: LimitsSettings = field(default_factory=LimitsSettings)
    scheduling: SchedulingSettings = field(default_factory=SchedulingSettings)
    drain: DrainSettings = field(default_factory=DrainSettings)
    log: LogSettings = field(default_factory=LogSettings)
    supervisor: SupervisorSettings = field(default_factory=SupervisorSettings)
