"""Settings to the options of each part: the only place that knows both."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from stubtail.config import Settings
from stubtail.cpu import forecasting_processes, intra_op_threads, pool_threads
from stubtail.endpoints.lane_method import Deadlines
from stubtail.endpoints.served import BatchLimits
from stubtail.lane.policy import Policy
from stubtail.models.repository import RepositoryOptions
from stubtail.models.session import SessionOptions
from stubtail.transport.grpcio_options import GrpcioOptions
from stubtail.transport.native_options import NativeOptions
from stubtail.transport.tls import TlsFiles

if TYPE_CHECKING:  # the front is optional, and most servers never need a breaker
    from collections.abc import Callable

    from stubtail.breaker import BreakerOptions

BREAKER_WINDOW_S = 30.0  # batches that a breaker of a model judges by
BREAKER_RATE = 0.5  # share of them that failed
PATIENCE_S = 5.0  # a check that takes longer begins again after all others: most take 0.1 s


def transport_of(settings: Settings) -> str:
    """Which one, native or grpcio: what `auto` means on this machine."""
    wanted = settings.server.transport
    if wanted != "auto":
        return wanted
    if settings.tls.cert_file:
        return "grpcio"  # the native front has no TLS
    return "native" if find_spec("pygrpc_native") is not None else "grpcio"


def policy(settings: Settings) -> Policy:
    """The options of the scheduler."""
    scheduling, limits = settings.scheduling, settings.limits
    return Policy(
        jobs_max=limits.queue_jobs_max,
        bytes_max=limits.queue_bytes_max,
        slack_s=scheduling.slacks_s,
        shares=scheduling.shares,
        batch_rows_max=limits.batch_rows_max,
        batch_run_s_max=scheduling.batch_run_ms_max / 1e3,
        pool_slots=pool_threads(settings),
        # Two at least, so that a light call is not behind a heavy one; they only wait.
        apart_slots=max(2, forecasting_processes(settings)),
        wait_part_max=scheduling.wait_part_max,
        shared_run_s_max=scheduling.shared_run_ms_max / 1e3,
    )


def model_breakers(settings: Settings) -> "Callable[[], BreakerOptions] | None":
    """What makes the options of the breakers of models, when one is first needed."""
    scheduling = settings.scheduling
    if not scheduling.breaker_failures_max:
        return None

    def make() -> "BreakerOptions":
        from stubtail.breaker import BreakerOptions  # noqa: PLC0415 - pybreaker comes with it

        return BreakerOptions(
            window_s=BREAKER_WINDOW_S,
            attempts_min=2 * scheduling.breaker_failures_max,
            failure_rate=BREAKER_RATE,
            failures_max=scheduling.breaker_failures_max,
            open_s=scheduling.breaker_open_ms / 1e3,
            open_max_s=max(scheduling.breaker_open_ms, scheduling.breaker_open_max_ms) / 1e3,
        )

    return make


def deadlines(settings: Settings) -> Deadlines:
    """The bounds on the time of a call."""
    scheduling = settings.scheduling
    return Deadlines(scheduling.deadline_default_ms / 1e3, scheduling.deadline_max_ms / 1e3)


def batch_limits(settings: Settings) -> BatchLimits:
    """How models are run."""
    scheduling = settings.scheduling
    return BatchLimits(
        settings.limits.rows_max,
        scheduling.inline_run_ms_max / 1e3,
        scheduling.batch_run_ms_max / 1e3,
    )


def grpcio_options(settings: Settings, *, reuse_port: bool) -> GrpcioOptions:
    """The options of the grpc.aio server."""
    limits = settings.limits
    return GrpcioOptions(
        reuse_port=reuse_port,
        acceptors=settings.server.acceptors,
        tls=tls_files(settings),
        tls_reload_s=settings.tls.reload_ms / 1e3,
        message_bytes_max=limits.message_bytes_max,
        metadata_bytes_max=limits.metadata_bytes_max,
        streams_max=limits.streams_max,
    )


def native_options(settings: Settings, *, reuse_port: bool) -> NativeOptions:
    """The options of the native front."""
    server, limits = settings.server, settings.limits
    return NativeOptions(
        host=server.host,
        port=server.port,
        reuse_port=reuse_port,
        io_threads=server.io_threads,
        message_bytes_max=limits.message_bytes_max,
        metadata_bytes_max=limits.metadata_bytes_max,
        streams_max=limits.streams_max,
    )


def tls_files(settings: Settings) -> TlsFiles | None:
    """The certificate of the gRPC port; None for plain text."""
    tls = settings.tls
    if not tls.cert_file:
        return None
    client_ca = Path(tls.client_ca_file) if tls.client_ca_file else None
    return TlsFiles(Path(tls.cert_file), Path(tls.key_file), client_ca)


def repository_options(settings: Settings) -> RepositoryOptions:
    """The options of the repository."""
    models, supply = settings.models, settings.supply
    in_process = supply.verify_in == "process"
    return RepositoryOptions(
        watch=models.watch,
        tenants=settings.access.guarded,
        versions_kept=models.versions_kept,
        settle_ms=models.settle_ms,
        models_max=models.models_max,
        start_wait_s=models.start_wait_ms / 1e3,
        patience_s=PATIENCE_S if in_process and supply.verify_ms_max > PATIENCE_S * 1e3 else None,
        session=SessionOptions(
            intra_op_threads=intra_op_threads(settings),
            graph_bytes_max=models.graph_bytes_max,
            nodes_max=supply.nodes_max,
            initializer_bytes_max=supply.initializer_bytes_max,
            require_signature=supply.require_signature,
            public_key_files=supply.public_key_files,
        ),
    )
