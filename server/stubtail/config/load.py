"""Loads the settings of this process; the only place that reads the environment."""

import os
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path

from stubtail.config.access import access_conflicts
from stubtail.config.llm import llm_conflicts
from stubtail.config.llm_limits import cache_conflicts, limit_conflicts
from stubtail.config.llm_local import with_local
from stubtail.config.secrets import Secret, key_conflicts, read_key
from stubtail.config.sections import Settings
from stubtail.config.sources import Flag, read_settings

_PLAIN_VARIABLES = (
    "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "LANG", "LC_ALL", "TZ",
)  # fmt: skip


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

    def all_conflicts(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
        yield from conflicts(settings)
        yield from key_conflicts(settings.llm.providers, variables)

    return read_settings(Settings, all_conflicts, config_file, variables, flags)


def provider_keys(
    settings: Settings, environ: Mapping[str, str] | None = None
) -> dict[str, Secret]:
    """The key of each provider of language models, by its name.

    Raises:
        ValueError: one cannot be read any more; the message says why, without the key.
    """
    variables = os.environ if environ is None else environ
    return {name: read_key(one, variables) for name, one in settings.llm.providers.items()}


def child_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables that a process of ours needs to start at all: none that may hold a secret."""
    variables = os.environ if environ is None else environ
    return {name: variables[name] for name in _PLAIN_VARIABLES if name in variables}


def conflicts(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong between settings that are right alone: the keys involved and the rule."""
    server, limits, scheduling = settings.server, settings.limits, settings.scheduling
    supervisor = settings.supervisor
    if server.port == server.http_port != 0 and server.host == server.http_host:
        yield ("server.port", "server.http_port"), f"both are {server.port}; they must differ"
    yield from _tls_conflicts(settings)
    yield from _http_conflicts(settings)
    yield from access_conflicts(
        settings.access,
        mutual_tls=settings.tls.mode == "mutual",
        audited=bool(settings.audit.directory),
    )
    llm = with_local(settings.llm, settings.llm_local)
    yield from llm_conflicts(llm)
    yield from limit_conflicts(settings.llm_limits, llm)
    yield from cache_conflicts(settings.llm_cache)
    if settings.supply.require_signature and not settings.supply.public_key_files:
        yield (
            ("supply.require_signature", "supply.public_key_files"),
            "signatures are required and no key counts; name the files of public keys",
        )
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


def _tls_conflicts(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
    server, tls = settings.server, settings.tls
    if bool(tls.cert_file) != bool(tls.key_file):
        yield ("tls.cert_file", "tls.key_file"), "TLS needs both, a certificate and its key"
    if tls.client_ca_file and not tls.cert_file:
        yield (
            ("tls.client_ca_file", "tls.cert_file"),
            "callers can show certificates only to a server that has one",
        )
    if tls.cert_file and server.transport == "native":
        yield (
            ("server.transport", "tls.cert_file"),
            "the native transport has no TLS; use auto or grpcio, or a proxy in front",
        )
    if not tls.cert_file and not tls.plain_text and not is_loopback(server.host):
        rule = (
            f"others can reach {server.host}: give a certificate and its key, or set "
            "tls.plain_text=true where a proxy or a closed network keeps strangers out"
        )
        yield ("server.host", "tls.cert_file", "tls.plain_text"), rule


def asks_on_http(settings: Settings) -> bool:
    """Whether the HTTP port asks for a credential before it shows what is behind the probes."""
    wanted = settings.server.http_auth
    return wanted == "always" or (wanted == "auto" and not is_loopback(settings.server.http_host))


def http_scheme(settings: Settings) -> str:
    """How the HTTP port is spoken to: with the certificate of gRPC where others reach it."""
    local = is_loopback(settings.server.http_host)
    return "https" if settings.tls.cert_file and not local else "http"


def _http_conflicts(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
    server, tls = settings.server, settings.tls
    if not asks_on_http(settings):
        return
    if not settings.access.guarded:
        rule = (
            f"the HTTP port on {server.http_host} asks for a credential, and no caller is "
            "configured: name one in access, or set server.http_auth=never where a closed "
            "network keeps strangers out"
        )
        yield ("server.http_host", "server.http_auth", "access.keys"), rule
    elif not tls.cert_file and not tls.plain_text and not is_loopback(server.http_host):
        rule = (
            "credentials would travel in plain text: give a certificate and its key, or set "
            "tls.plain_text=true where a proxy or a closed network keeps strangers out"
        )
        yield ("server.http_host", "tls.cert_file", "tls.plain_text"), rule


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address; a name counts where it is localhost."""
    bare = host.strip("[]")
    try:
        return ip_address(bare).is_loopback
    except ValueError:
        return bare.lower() == "localhost"
