"""The settings of access: who may call, with which scopes, and what each tenant may take."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from stubtail.config.rules import Entries, Rule

KEYS_LIVE_MAX = 2  # the old and the new one while they are exchanged
SYMMETRIC = "HS"  # whoever can check such a signature can make one
_SCOPE = re.compile(
    r"stubtail:(read|predict|detect|generate|manage|feedback|automation)(:[A-Za-z0-9_./:*-]{1,128})?"
)
_HASH = re.compile(r"[a-z0-9]{8}:[0-9a-f]{64}")
_URI = re.compile(
    r"[a-z][a-z0-9+.-]*://[A-Za-z0-9._-]+(/[A-Za-z0-9._/-]*)?(?<=/)\*|"
    r"[a-z][a-z0-9+.-]*://[A-Za-z0-9._-]+(/[A-Za-z0-9._/-]*)?"
)
_TENANT = re.compile(r"[A-Za-z0-9_.-]{1,64}|\*|")

Scopes = Annotated[
    tuple[str, ...],
    Rule(
        "what may be done: stubtail:<read|predict|detect|generate|manage|feedback|automation>, "
        "perhaps :<model pattern>",
        why="nothing is allowed that is not named",
    ),
]
TenantName = Annotated[
    str,
    Rule('whose models are seen besides shared ones; "*" sees and manages all', why="none: shared"),
]


@dataclass(frozen=True, slots=True)
class KeySettings:
    """One caller with API keys."""

    hashes: Annotated[
        tuple[str, ...],
        Rule(
            "hashes of one or two keys, as `stubtail keys new` prints them",
            why="two while one is exchanged for the other; never the key itself",
        ),
    ] = ()
    scopes: Scopes = ()
    tenant: TenantName = ""
    expires: Annotated[
        str, Rule("last day of the keys, UTC, as 2027-01-31", why="none: they do not end")
    ] = ""
    proxy: Annotated[
        bool,
        Rule(
            "may name the tenant of each call in stubtail-tenant",
            why="for a gateway that has checked its own callers; anybody else is refused",
        ),
    ] = False

    def ends_unix_s(self) -> float:
        """The end of the last day; infinite without one. Raises ValueError."""
        if not self.expires:
            return float("inf")
        day = date.fromisoformat(self.expires)
        return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + 86_400.0


@dataclass(frozen=True, slots=True)
class CertificateSettings:
    """One caller, or many, by the URI name of their certificates (mutual TLS)."""

    uri: Annotated[
        str,
        Rule(
            "the name, as spiffe://example.org/ns/shop/sa/web or spiffe://example.org/ns/shop/*",
            why="compared exactly; the * stands for the rest of the path",
        ),
    ] = ""
    scopes: Scopes = ()
    tenant: TenantName = ""
    proxy: Annotated[
        bool, Rule("may name the tenant of each call in stubtail-tenant", why="as for keys")
    ] = False


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """One issuer of JWT bearer tokens."""

    issuer: Annotated[str, Rule("the claim iss of its tokens", why="compared exactly")] = ""
    audience: Annotated[
        str, Rule("what the claim aud must have", why="tokens for others are not for us")
    ] = ""
    algorithms: Annotated[
        tuple[str, ...],
        Rule("that it signs with", why="fixed here: a token does not choose; no symmetric ones"),
    ] = ("ES256", "RS256", "EdDSA")
    jwks_url: Annotated[
        str, Rule("where it publishes its keys; https, or http on this machine", why="or a file")
    ] = ""
    jwks_file: Annotated[str, Rule("its keys as a file", why="read again as the URL is")] = ""
    refresh_ms: Annotated[
        int,
        Rule("keys are asked for this often, ms", 1000, 86_400_000, why="it may withdraw one"),
    ] = 300_000
    refresh_min_ms: Annotated[
        int,
        Rule(
            "least time between two requests, ms",
            100,
            3_600_000,
            why="tokens with invented key ids must not become requests",
        ),
    ] = 30_000
    leeway_ms: Annotated[
        int, Rule("how far its clock may differ, ms", 0, 30_000, why="more than 30 s is a fault")
    ] = 10_000
    scope_claim: Annotated[
        str, Rule("claim with the scopes, a text or a list", why="issuers name it differently")
    ] = "scope"
    tenant_claim: Annotated[
        str, Rule("claim with the tenant", why="none: all its tokens have the one below")
    ] = ""
    tenant: TenantName = ""
    scopes: Annotated[
        tuple[str, ...],
        Rule("the most that its tokens may do", why="none: what they say; scopes as for keys"),
    ] = ()


@dataclass(frozen=True, slots=True)
class TenantSettings:
    """One tenant; the entry "default" is for those that have none of their own."""

    models: Annotated[
        tuple[str, ...],
        Rule("names of its private models, perhaps with *", why="all others are shared"),
    ] = ()
    calls_per_s: Annotated[
        float, Rule("calls a second; 0 is no bound", 0, 1_000_000, why="refused before decoding")
    ] = 0.0
    burst: Annotated[
        int, Rule("calls at once before the rate counts", 1, 1_000_000, why="callers come in waves")
    ] = 100
    concurrency_max: Annotated[
        int, Rule("calls at work at a time; 0 is no bound", 0, 1_000_000, why="each holds memory")
    ] = 0
    queue_share: Annotated[
        float,
        Rule(
            "most of all waiting places and of the streams of Watch, where there are tenants",
            0.001,
            1,
            why="one tenant must not fill the queue",
        ),
    ] = 0.5
    weight: Annotated[
        float, Rule("its part of a contended lane", 0.01, 100, why="against others' weights")
    ] = 1.0
    priority_max: Annotated[
        Literal["critical", "high", "normal", "low"],
        Rule("its most urgent class", why="calls that ask for more are taken as this one"),
    ] = "critical"


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Who may call; with no key, issuer and certificate, everybody may do everything."""

    reflection: Annotated[
        Literal["open", "read", "off"],
        Rule("who may ask for the API's description", why="open: anybody; read: with that scope"),
    ] = "read"
    known_max: Annotated[
        int, Rule("verified credentials in memory", 1, 1_000_000, why="each takes about 2 kB")
    ] = 10_000
    known_ms: Annotated[
        int,
        Rule(
            "a credential is verified again after this, ms, or when it expires",
            0,
            86_400_000,
            why="what an issuer withdrew must not go on for ever",
        ),
    ] = 300_000
    verifications_per_s: Annotated[
        float,
        Rule("signatures checked a second", 1, 100_000, why="each takes the lane some 0.1 ms"),
    ] = 2000.0
    keys_file: Annotated[
        str,
        Rule(
            "a file with [access.keys.NAME] tables, besides those here",
            why="read again when it changes: keys come and go without a restart",
        ),
    ] = ""
    reload_ms: Annotated[
        int,
        Rule("how often that file is looked at, ms", 50, 3_600_000, why="taken at the second look"),
    ] = 1000
    keys: Annotated[
        Mapping[str, KeySettings], Entries(KeySettings, "callers with API keys, by name")
    ] = field(default_factory=dict)
    certificates: Annotated[
        Mapping[str, CertificateSettings],
        Entries(CertificateSettings, "callers by the names in their certificates"),
    ] = field(default_factory=dict)
    issuers: Annotated[
        Mapping[str, IssuerSettings], Entries(IssuerSettings, "issuers of JWT bearer tokens")
    ] = field(default_factory=dict)
    tenants: Annotated[
        Mapping[str, TenantSettings], Entries(TenantSettings, "tenants and their quotas")
    ] = field(default_factory=dict)

    @property
    def guarded(self) -> bool:
        """Whether callers need a credential."""
        return bool(self.keys or self.keys_file or self.certificates or self.issuers)


Conflict = tuple[tuple[str, ...], str]


def access_conflicts(
    access: AccessSettings, *, mutual_tls: bool, audited: bool
) -> Iterator[Conflict]:
    """What is wrong between settings that are right alone: the keys involved and the rule."""
    yield from _caller_conflicts(access)
    if access.certificates and not mutual_tls:
        rule = "callers show certificates only where tls.client_ca_file is set"
        yield ("access.certificates", "tls.client_ca_file"), rule
    for name, issuer in access.issuers.items():
        yield from _issuer_conflicts(f"access.issuers.{name}", issuer)
        yield from _grant_conflicts(f"access.issuers.{name}", issuer.scopes, issuer.tenant)
    if audited and not access.guarded:
        rule = "an audit log says who did what, and nobody is known without access rules"
        yield ("audit.directory", "access.keys"), rule
    if access.tenants and not access.guarded:
        rule = "tenants are known by their callers' credentials, and none are configured"
        yield ("access.tenants", "access.keys"), rule


def _caller_conflicts(access: AccessSettings) -> Iterator[Conflict]:
    for name, key in access.keys.items():
        where = f"access.keys.{name}"
        if not 1 <= len(key.hashes) <= KEYS_LIVE_MAX:
            yield (f"{where}.hashes",), f"one or two hashes, got {len(key.hashes)}"
        if not all(_HASH.fullmatch(one) for one in key.hashes):
            # Not repeated: it may be the key itself.
            yield (f"{where}.hashes",), "each is <id>:<64 hex digits>, from `stubtail keys new`"
        try:
            key.ends_unix_s()
        except ValueError:
            yield (f"{where}.expires",), "a day as 2027-01-31"
        yield from _grant_conflicts(where, key.scopes, key.tenant)
    for name, certificate in access.certificates.items():
        where = f"access.certificates.{name}"
        if not _URI.fullmatch(certificate.uri):
            yield (f"{where}.uri",), "a name as spiffe://domain/path or spiffe://domain/path/*"
        yield from _grant_conflicts(where, certificate.scopes, certificate.tenant)


def _grant_conflicts(where: str, scopes: tuple[str, ...], tenant: str) -> Iterator[Conflict]:
    for scope in scopes:
        if not _SCOPE.fullmatch(scope):
            rule = f"{scope[:80]!r} is no scope; they look like stubtail:predict:churn*"
            yield (f"{where}.scopes",), rule
    if not _TENANT.fullmatch(tenant):
        yield (f"{where}.tenant",), 'a name of letters, digits, "_", "." and "-", or "*"'


def _issuer_conflicts(where: str, issuer: IssuerSettings) -> Iterator[Conflict]:
    for field_name in ("issuer", "audience"):
        if not getattr(issuer, field_name):
            yield (f"{where}.{field_name}",), "must be given: tokens of others must not pass"
    if bool(issuer.jwks_url) == bool(issuer.jwks_file):
        yield (f"{where}.jwks_url", f"{where}.jwks_file"), "one of the two must be given"
    local = issuer.jwks_url.startswith(("http://127.0.0.1:", "http://localhost:", "http://[::1]:"))
    if issuer.jwks_url and not (issuer.jwks_url.startswith("https://") or local):
        yield (f"{where}.jwks_url",), "must be https, or http on this machine"
    for algorithm in issuer.algorithms:
        if algorithm.startswith(SYMMETRIC) or algorithm.lower() == "none":
            rule = f"{algorithm} is not accepted: who can check it can forge it"
            yield (f"{where}.algorithms",), rule
    if not issuer.algorithms:
        yield (f"{where}.algorithms",), "at least one must be given"
