"""The one door: from the credential of a call to what it may do, or to the reason why nothing.

Both transports ask it for every method that is not open. A credential that was seen before costs a
look-up in one dict, by all of its characters, and another for the method.
"""

import time
from collections.abc import Callable, Mapping
from math import inf
from typing import TYPE_CHECKING, Final

from stubtail.access.auditor import Auditor
from stubtail.access.callers import Caller, GuardLimits
from stubtail.access.certificates import CertificateNames
from stubtail.access.credential import BEARER, Pairs, canonical, said_in
from stubtail.access.identity import OPERATOR, Identity, Permit, Realm
from stubtail.access.keys import KeyRing, looks_like_key
from stubtail.access.methods import OPEN
from stubtail.access.refusals import (
    Unknown,
    UnknownCallerError,
    method_denied,
    scope_missing,
    tenant_mismatch,
    unauthenticated,
)
from stubtail.access.scopes import Grants
from stubtail.access.tenants import NAME, Tenancy
from stubtail.errors import CallError, Code

if TYPE_CHECKING:  # PyJWT is imported only where an issuer of tokens is configured
    from stubtail.access.tokens import Tokens

REALMS_MAX: Final = 4096  # pairs of tenant and grants; tokens can have any grants
REFUSED_S: Final = 1.0  # a bad credential is not looked at again for so long
REFUSED_MAX: Final = 1024
KEY_CALLERS: Final = "key:"  # how the names of callers with API keys begin
DENIALS: Final = (Code.UNAUTHENTICATED, Code.PERMISSION_DENIED)


class Guard:
    """Who calls, and what the call may do.

    Any thread may ask. What is remembered is replaced or filled entry by entry; a race costs a
    second verification.

    Args:
        keys: of callers whom the settings name.
        certificates: of callers whom the settings name.
        tokens: verifies what issuers signed; None where there are none.
        tenancy: whose models are whose.
        methods: the scope of each path; "" is open.
        limits: of what is remembered.
        unix_clock: seconds since 1970, which the ends of tokens and keys are written in.

    Attributes:
        audit: told of denials and of administrative acts; None where there is no log.
    """

    def __init__(
        self,
        keys: KeyRing[Caller],
        certificates: CertificateNames[Caller],
        tokens: "Tokens | None",
        tenancy: Tenancy,
        methods: Mapping[str, str],
        limits: GuardLimits,
        unix_clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._certificates = certificates
        self._tokens = tokens
        self._tenancy = tenancy
        self._methods = methods
        self._limits = limits
        self._unix_clock = unix_clock
        self._known: dict[object, Identity] = {}
        self._refused: dict[str, tuple[Unknown, float]] = {}
        self._realms: dict[tuple[str, Grants], Realm] = {}
        self._open = frozenset(path for path, scope in methods.items() if scope == OPEN)
        self.audit: Auditor | None = None

    def replace_keys(self, keys: KeyRing[Caller]) -> None:
        """From now on these keys count; those that have gone do so for calls that come later."""
        self._keys = keys
        # In this order: who was looked up in the old ring a moment ago sees that it is not current.
        self._known = {
            credential: identity
            for credential, identity in list(self._known.items())
            if not identity.caller.startswith(KEY_CALLERS)
        }
        self._refused = {}

    def is_open(self, path: str) -> bool:
        """Whether the method is answered without a credential."""
        return path in self._open

    def find(self, credential: object, path: str, now: float, tenant: str | None) -> Permit | None:
        """As `admit`, but nothing is counted; None for a method that is open.

        In one step for who called before: this is the hot path.
        """
        identity = self._known.get(credential)
        if identity is not None and tenant is None and now < identity.expires_s:
            permit = identity.permits.get(path)
            if permit is not None:
                return permit
        return None if path in self._open else self._enter(credential, path, now, tenant)

    def admit(self, credential: object, path: str, now: float, tenant: str | None = None) -> Permit:
        """What a call may do; counts it against its tenant's rate.

        Args:
            credential: the value of `authorization`; None or anything else says that there is none.
            path: of the method.
            now: monotonic seconds.
            tenant: what the call itself says of its tenant, which only proxies may.

        Raises:
            CallError: UNAUTHENTICATED, PERMISSION_DENIED or RESOURCE_EXHAUSTED.
        """
        permit = self._enter(credential, path, now, tenant)
        permit.count(now)
        return permit

    def _enter(self, credential: object, path: str, now: float, tenant: str | None) -> Permit:
        identity = self._known.get(credential)
        if identity is None or identity.expires_s <= now:
            identity = self.identify(credential, now)
        return self.enter(identity, path, tenant)

    def enter(self, identity: Identity, path: str, tenant: str | None) -> Permit:
        """As `admit`, for a caller who is known already; nothing is counted."""
        if tenant is not None and tenant != identity.tenant:
            identity = self._on_behalf(identity, tenant)
        permit = identity.permits.get(path)
        if permit is None:
            permit = self._permit(identity, path)
        return permit

    def note(
        self,
        error: CallError,
        path: str,
        peer: str,
        metadata: Pairs,
        uris: tuple[bytes, ...] = (),
    ) -> None:
        """Tells the audit log of a call that was denied; other errors are none of its business."""
        if self.audit is None or error.code not in DENIALS:
            return
        credential, tenant = said_in(metadata)
        known = self._known.get(uris if credential is None else canonical(credential))
        if known is not None and known.proxy:
            known = self._known.get((known.caller, tenant), known)
        self.audit.denied(error, path, known, peer, metadata)

    def note_of(
        self, error: CallError, path: str, permit: Permit, peer: str, metadata: Pairs
    ) -> None:
        """As `note`, where the caller is known."""
        if self.audit is not None and error.code in DENIALS:
            self.audit.denied(error, path, permit.identity, peer, metadata)

    def identify(self, credential: object, now: float) -> Identity:
        """Who a credential stands for, looked at in full; remembered until it has to be again.

        Raises:
            CallError: UNAUTHENTICATED, or UNAVAILABLE where it cannot be looked at now.
        """
        if not isinstance(credential, str) or not credential:
            raise unauthenticated(Unknown.MISSING)
        # However it is spelled, it is remembered once: nobody's spellings push out other callers.
        credential = canonical(credential)
        known = self._known.get(credential)
        if known is not None and now < known.expires_s:
            return known
        refused = self._refused.get(credential)
        if refused is not None and now < refused[1]:
            raise unauthenticated(refused[0])
        keys = self._keys
        try:
            identity = self._look(credential, now)
        except UnknownCallerError as unknown:
            if len(self._refused) >= REFUSED_MAX:
                self._refused = {}
            self._refused[credential] = (unknown.why, now + REFUSED_S)
            raise unauthenticated(unknown.why) from None
        self._remember(credential, identity)
        if keys is not self._keys:
            self._known.pop(credential, None)
        return identity

    def identify_certificate(self, uris: tuple[bytes, ...], now: float) -> Identity:
        """Who a client certificate with these URI names stands for; as `identify`."""
        identity = self._known.get(uris)
        if identity is not None and now < identity.expires_s:
            return identity
        found = self._certificates.find(uris)
        if found is None:
            raise unauthenticated(Unknown.INVALID)
        name, caller = found
        identity = self._identity(f"certificate:{name}", caller, now + self._limits.known_s, inf)
        self._remember(uris, identity)
        return identity

    def permit(self, identity: Identity, scope: str) -> Permit:
        """What somebody may do by a scope rather than by a method, as on the HTTP port.

        Raises:
            CallError: PERMISSION_DENIED that names the scope.
        """
        if not identity.realm.grants.has(scope):
            raise scope_missing(scope)
        return Permit(identity, scope)

    def _look(self, credential: str, now: float) -> Identity:
        scheme, _, text = credential.partition(" ")
        value = text.encode(errors="replace")
        if scheme != BEARER or not value:
            raise UnknownCallerError(Unknown.INVALID)
        longest_s = now + self._limits.known_s
        if looks_like_key(value):
            found = self._keys.find(value)
            if found is None:
                raise UnknownCallerError(Unknown.INVALID)
            caller, ends_unix_s = found
            left_s = ends_unix_s - self._unix_clock()
            if left_s <= 0.0:
                raise UnknownCallerError(Unknown.EXPIRED)
            return self._identity(caller.name, caller, longest_s, now + left_s)
        if self._tokens is None or b"=" in value:  # RFC 7515 has no padding: one spelling of each
            raise UnknownCallerError(Unknown.INVALID)
        said = self._tokens.verify(value)
        left_s = said.expires_unix_s - self._unix_clock()
        caller = Caller(said.caller, said.tenant, said.grants)
        return self._identity(said.caller, caller, longest_s, now + left_s)

    def _identity(self, name: str, caller: Caller, longest_s: float, ends_s: float) -> Identity:
        return Identity(
            name,
            caller.tenant,
            self._realm(caller.tenant, caller.grants),
            self._tenancy.account(caller.tenant),
            min(longest_s, ends_s),
            ends_s=ends_s,
            proxy=caller.proxy,
        )

    def _on_behalf(self, identity: Identity, tenant: str) -> Identity:
        if not identity.proxy or not NAME.fullmatch(tenant):
            raise tenant_mismatch()
        key = (identity.caller, tenant)
        known = self._known.get(key)
        grants = identity.realm.grants
        if (
            known is None
            or known.expires_s < identity.expires_s
            or known.realm.grants != grants  # of a key that was exchanged meanwhile
        ):
            realm = self._realm(tenant, grants)
            account = self._tenancy.account(tenant)
            known = Identity(
                identity.caller, tenant, realm, account, identity.expires_s, ends_s=identity.ends_s
            )
            self._remember(key, known)
        return known

    def _realm(self, tenant: str, grants: Grants) -> Realm:
        realm = self._realms.get((tenant, grants))
        if realm is None:
            tenancy, owner = self._tenancy, self._tenancy.owner

            def sees(model: str) -> bool:
                return owner(model) in {"", tenant} or tenant == OPERATOR

            def rules(model: str) -> bool:
                return not tenancy.separate or tenant == OPERATOR or owner(model) == tenant != ""

            if len(self._realms) >= REALMS_MAX:
                self._realms = {}
            realm = self._realms[tenant, grants] = Realm(tenant, grants, sees, rules)
        return realm

    def _permit(self, identity: Identity, path: str) -> Permit:
        scope = self._methods.get(path)
        if scope is None:
            raise method_denied(path)
        if scope and not identity.realm.grants.has(scope):
            raise scope_missing(scope)
        permit = identity.permits[path] = Permit(identity, scope)
        return permit

    def _remember(self, key: object, identity: Identity) -> None:
        if len(self._known) >= self._limits.known_max:
            # The oldest tenth goes; whoever still calls is verified once more.
            for old in list(self._known)[: max(self._limits.known_max // 10, 1)]:
                self._known.pop(old, None)
        self._known[key] = identity
