"""Settings to the options of each part: the only place that knows both."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from stubtail.config import Settings
from stubtail.cpu import intra_op_threads, pool_threads
from stubtail.endpoints.lane_method import Deadlines
from stubtail.endpoints.served import BatchLimits
from stubtail.lane.policy import Policy
from stubtail.models.repository import RepositoryOptions
from stubtail.models.session import SessionOptions
from stubtail.transport.grpcio import GrpcioOptions
from stubtail.transport.tls import TlsFiles

if TYPE_CHECKING:  # the front is optional
    from stubtail.transport.native import NativeOptions


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
        wait_part_max=scheduling.wait_part_max,
    )


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


def native_options(settings: Settings, *, reuse_port: bool) -> "NativeOptions":
    """The options of the native front, which must be installed."""
    from stubtail.transport.native import NativeOptions  # noqa: PLC0415 - it is optional

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
    models = settings.models
    return RepositoryOptions(
        watch=models.watch,
        versions_kept=models.versions_kept,
        settle_ms=models.settle_ms,
        models_max=models.models_max,
        session=SessionOptions(
            intra_op_threads=intra_op_threads(settings),
            graph_bytes_max=models.graph_bytes_max,
        ),
    )
