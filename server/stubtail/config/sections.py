"""All settings by section, each with its type, unit, default, bound and the bound's reason."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from stubtail.config.access import AccessSettings
from stubtail.config.anomaly import AnomalySettings
from stubtail.config.audit import AuditSettings
from stubtail.config.forecasting import ForecastingSettings
from stubtail.config.lifecycle import DrainSettings, LogSettings, SupervisorSettings
from stubtail.config.llm import LlmSettings
from stubtail.config.llm_limits import (
    LlmCacheSettings,
    LlmLimitsSettings,
    LlmPrivacySettings,
)
from stubtail.config.llm_local import LlmLocalSettings
from stubtail.config.rules import Rule
from stubtail.config.scheduling import SchedulingSettings
from stubtail.config.security import TlsSettings
from stubtail.config.supply import SupplySettings
from stubtail.config.tracing import TracingSettings

MIB = 1024 * 1024
Port = Annotated[int, Rule("TCP port; 0 takes a free one", 0, 65535, why="TCP has no others")]


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
    http_auth: Annotated[
        Literal["auto", "always", "never"],
        Rule(
            "whether /metrics asks for a credential with the scope read",
            why="auto: where others reach the port; probes are always open",
        ),
    ] = "auto"
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
        Rule("threads of the native front", 1, 64, why="one alone starves when the lane is full"),
    ] = 2
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
    start_wait_ms: Annotated[
        int,
        Rule(
            "longest wait for models before the ports open, ms",
            0,
            3_600_000,
            why="a version that hangs must not keep the others from answering",
        ),
    ] = 30_000
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
class Settings:
    """All settings, by section."""

    server: ServerSettings = field(default_factory=ServerSettings)
    models: ModelsSettings = field(default_factory=ModelsSettings)
    supply: SupplySettings = field(default_factory=SupplySettings)
    limits: LimitsSettings = field(default_factory=LimitsSettings)
    scheduling: SchedulingSettings = field(default_factory=SchedulingSettings)
    drain: DrainSettings = field(default_factory=DrainSettings)
    log: LogSettings = field(default_factory=LogSettings)
    supervisor: SupervisorSettings = field(default_factory=SupervisorSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    access: AccessSettings = field(default_factory=AccessSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    llm: LlmSettings = field(default_factory=LlmSettings)
    anomaly: AnomalySettings = field(default_factory=AnomalySettings)
    forecasting: ForecastingSettings = field(default_factory=ForecastingSettings)
    llm_limits: LlmLimitsSettings = field(default_factory=LlmLimitsSettings)
    llm_cache: LlmCacheSettings = field(default_factory=LlmCacheSettings)
    llm_privacy: LlmPrivacySettings = field(default_factory=LlmPrivacySettings)
    llm_local: LlmLocalSettings = field(default_factory=LlmLocalSettings)
    tracing: TracingSettings = field(default_factory=TracingSettings)
