"""Access rules as one part of a server: nothing where the settings name no caller."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stubtail.access.callers import Caller, GuardLimits
from stubtail.access.cells import shared_cells
from stubtail.access.certificates import CertificateNames
from stubtail.access.guard import Guard
from stubtail.access.identity import OPERATOR
from stubtail.access.keys import KeyRing, parse_hash
from stubtail.access.keys_file import Keys, KeysFile
from stubtail.access.methods import methods_with
from stubtail.access.rate import Rate
from stubtail.access.scopes import Grants, parse_scope
from stubtail.access.tenants import Tenancy, TenantRules
from stubtail.config.access import AccessSettings, TenantSettings
from stubtail.lane.priority import PRIORITY_NAMES


class AccessPart:
    """The guard, and what keeps its keys current.

    Args:
        settings: of access.
        clock: monotonic seconds.
        shared: a folder that all workers of the server have; None where there is only one.

    Attributes:
        guard: None where everybody may do everything.
        tenancy: likewise.
        reflects: whether the server describes its API to anybody.

    Raises:
        ModuleNotFoundError: an issuer is configured, and PyJWT is not installed.
        ValueError: a scope, a hash or a name that the settings let through is none.
    """

    def __init__(
        self, settings: AccessSettings, clock: Callable[[], float], shared: Path | None = None
    ) -> None:
        self.guard: Guard | None = None
        self.tenancy: Tenancy | None = None
        self._refreshers: list[Any] = []
        self._settings = settings
        self.reflects = settings.reflection != "off"
        if not settings.guarded:
            return
        rules = {name: _rules(one) for name, one in settings.tenants.items()}
        cells = shared_cells(shared, len(rules)) if shared is not None and rules else None
        self.tenancy = Tenancy(rules, cells)
        self._separate = bool(rules) or _for_tenants(settings)
        self.tenancy.separate = self._separate
        if settings.keys_file:
            path = Path(settings.keys_file)
            self._refreshers.append(KeysFile(path, settings.reload_ms / 1e3, self._keys_changed))
        self.guard = Guard(
            _keys(settings.keys),
            _certificates(settings),
            self._tokens(settings, clock) if settings.issuers else None,
            self.tenancy,
            methods_with(settings.reflection),
            GuardLimits(settings.known_max, settings.known_ms / 1e3),
        )

    def start(self) -> None:
        """Asks issuers for their keys; waits some seconds for each at most.

        Raises:
            OSError: the file of callers cannot be used.
        """
        for refresher in self._refreshers:
            refresher.start()

    def close(self) -> None:
        """Asks no more."""
        for refresher in self._refreshers:
            refresher.close()

    def shared(self, models: Mapping[str, bool]) -> Mapping[str, bool]:
        """Those of the models, by name, that are no tenant's own."""
        if self.tenancy is None:
            return models
        owner = self.tenancy.owner
        return {name: live for name, live in models.items() if not owner(name)}

    def _keys_changed(self, keys: Keys) -> None:
        """The file of callers has these; raises ValueError for a name or key of two of them."""
        assert self.guard is not None
        assert self.tenancy is not None
        twice = sorted(set(keys) & set(self._settings.keys))
        if twice:
            raise ValueError(f"{', '.join(twice[:3])}: there is such a caller in the settings")
        together = {**self._settings.keys, **keys}
        ids = Counter(text.partition(":")[0] for one in together.values() for text in one.hashes)
        twice = sorted(key_id for key_id, times in ids.items() if times > 1)
        if twice:
            raise ValueError(f"{', '.join(twice[:3])}: one key cannot stand for two callers")
        separate = self._separate or _for_tenants(AccessSettings(keys=keys))
        ring = _keys(together)
        # Stricter rules come before the callers that they are for, and go after them.
        self.tenancy.separate |= separate
        self.guard.replace_keys(ring)
        self.tenancy.separate = separate

    def _tokens(self, settings: AccessSettings, clock: Callable[[], float]) -> Any:
        # Imported here: PyJWT and cryptography are needed only where an issuer is configured.
        from stubtail.access.jwks import KeySet  # noqa: PLC0415 - see above
        from stubtail.access.jwks_refresh import JwksRefresher  # noqa: PLC0415 - see above
        from stubtail.access.tokens import Issuer, Tokens  # noqa: PLC0415 - see above

        issuers = []
        for name, one in settings.issuers.items():
            keys = KeySet(one.refresh_ms / 1e3, one.refresh_min_ms / 1e3)
            source = one.jwks_url or one.jwks_file
            self._refreshers.append(JwksRefresher(name, source, one.algorithms, keys, clock))
            issuers.append(
                Issuer(
                    name=name,
                    issuer=one.issuer,
                    audience=one.audience,
                    algorithms=one.algorithms,
                    keys=keys,
                    leeway_s=one.leeway_ms / 1e3,
                    tenant=one.tenant,
                    tenant_claim=one.tenant_claim,
                    scope_claim=one.scope_claim,
                    scopes=[parse_scope(text) for text in one.scopes],
                )
            )
        rate = Rate(settings.verifications_per_s, max(int(settings.verifications_per_s), 1))
        return Tokens(issuers, lambda: rate.take(clock()) == 0.0)


def _keys(keys: Keys) -> KeyRing[Caller]:
    return KeyRing(
        (
            Caller(f"key:{name}", one.tenant, Grants(map(parse_scope, one.scopes)), one.proxy),
            [parse_hash(text) for text in one.hashes],
            one.ends_unix_s(),
        )
        for name, one in keys.items()
    )


def _for_tenants(settings: AccessSettings) -> bool:
    """Whether any of the callers may call for a tenant that is not the operator."""
    callers = [(one.tenant, one.proxy) for one in settings.keys.values()]
    callers += [(one.tenant, one.proxy) for one in settings.certificates.values()]
    callers += [(one.tenant, bool(one.tenant_claim)) for one in settings.issuers.values()]
    return any(tenant not in {"", OPERATOR} or names for tenant, names in callers)


def _certificates(settings: AccessSettings) -> CertificateNames[Caller]:
    return CertificateNames(
        (
            one.uri,
            Caller(name, one.tenant, Grants(map(parse_scope, one.scopes)), one.proxy),
        )
        for name, one in settings.certificates.items()
    )


def _rules(one: TenantSettings) -> TenantRules:
    return TenantRules(
        models=one.models,
        calls_per_s=one.calls_per_s,
        burst=one.burst,
        concurrency=one.concurrency_max,
        queue_share=one.queue_share,
        weight=one.weight,
        urgency=PRIORITY_NAMES.index(one.priority_max),
    )
