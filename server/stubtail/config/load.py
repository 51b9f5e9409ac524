"""Loads the settings of this process; the only place that reads the environment."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stubtail.config.sections import Settings
from stubtail.config.sources import Flag, read_settings


def load(
    config_file: Path | None = None,
    flags: Sequence[Flag] = (),
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from the defaults, the file, the environment and the command line, in this order.

    Args:
        config_file: TOML; None takes the one that STUBTAIL_CONFIG names, if any.
        flags: what the command line sets.
        environ: the environment variables; None takes those of this process.

    Raises:
        ConfigError: lists every problem with its source, its key and what is allowed.
    """
    variables = os.environ if environ is None else environ
    return read_settings(Settings, conflicts, config_file, variables, flags)


def conflicts(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong between settings that are right alone: the keys involved and the rule."""
    server, limits, scheduling = settings.server, settings.limits, settings.scheduling
    supervisor = settings.supervisor
    if server.port == server.http_port != 0 and server.host == server.http_host:
        yield ("server.port", "server.http_port"), f"both are {server.port}; they must differ"
    if limits.queue_bytes_max < limits.message_bytes_max:
        queue, message = limits.queue_bytes_max, limits.message_bytes_max
        rule = f"the queue ({queue} bytes) must hold the largest message ({message} bytes)"
        yield ("limits.queue_bytes_max", "limits.message_bytes_max"), rule
    if scheduling.deadline_default_ms > scheduling.deadline_max_ms:
        default, longest = scheduling.deadline_default_ms, scheduling.deadline_max_ms
        rule = f"the default ({default}) must not be above the longest ({longest})"
        yield ("scheduling.deadline_default_ms", "scheduling.deadline_max_ms"), rule
    total = sum(scheduling.shares)
    if total > 1 + 1e-9:
        keys = tuple(f"scheduling.share_{name}" for name in ("critical", "high", "normal", "low"))
        yield keys, f"the four shares add up to {total:.6g}; they must not exceed 1"
    if supervisor.restart_backoff_min_ms > supervisor.restart_backoff_max_ms:
        first, longest = supervisor.restart_backoff_min_ms, supervisor.restart_backoff_max_ms
        rule = f"the first wait ({first}) must not be above the longest ({longest})"
        yield ("supervisor.restart_backoff_min_ms", "supervisor.restart_backoff_max_ms"), rule
    if supervisor.heartbeat_timeout_ms < 2 * supervisor.heartbeat_interval_ms:
        silence, interval = supervisor.heartbeat_timeout_ms, supervisor.heartbeat_interval_ms
        rule = f"the silence ({silence}) must be at least two intervals ({interval} each)"
        yield ("supervisor.heartbeat_timeout_ms", "supervisor.heartbeat_interval_ms"), rule
