"""Who calls and what this call may do: the objects that a call carries, and where to find them."""

from collections.abc import Callable
from contextvars import ContextVar
from math import inf
from typing import Final

from stubtail.access.refusals import rate_exceeded, scope_missing
from stubtail.access.scopes import Grants
from stubtail.access.tenants import Account
from stubtail.errors import CallError

OPERATOR: Final = "*"  # the tenant of those who see all models; no token can claim it


class Realm:
    """What decides which answers a caller can get: equal for equal tenants and grants.

    Caches of requests that resolve models have one part for each realm. Compared by identity:
    the guard makes one object for each pair.

    Attributes:
        tenant: whose models are seen besides the shared ones.
        grants: what may be done with which models.
        folder: the tenant whose folder is looked into before the shared one; "" for none.
        sees: whether a model is shared or the tenant's own, by its key.
        rules: whether the model is the tenant's to manage, likewise.
    """

    __slots__ = ("folder", "grants", "rules", "sees", "tenant")

    def __init__(
        self,
        tenant: str,
        grants: Grants,
        sees: Callable[[str], bool],
        rules: Callable[[str], bool],
    ) -> None:
        self.tenant = tenant
        self.grants = grants
        self.folder = "" if tenant == OPERATOR else tenant
        self.sees = sees
        self.rules = rules


class Identity:
    """Who calls. Made once for a credential and shared by its calls.

    Attributes:
        caller: "key:web", "token:corp:alice" or "certificate:spiffe://.."; "" without access rules.
        tenant: from the credential, never from what the caller says besides; "" is common to all
            without one, "*" is the operator.
        expires_s: when it has to be verified again, seconds of the monotonic clock.
        ends_s: when the credential itself ends, likewise; a stream ends with it.
        realm: what decides which answers it can get.
        account: the tenant's part of the lane; None without access rules.
        proxy: whether it may name the tenant of each call.
        permits: by path, as they are asked for.
    """

    __slots__ = ("account", "caller", "ends_s", "expires_s", "permits", "proxy", "realm", "tenant")

    def __init__(
        self,
        caller: str,
        tenant: str,
        realm: Realm,
        account: Account | None,
        expires_s: float = inf,
        *,
        ends_s: float = inf,
        proxy: bool = False,
    ) -> None:
        self.caller = caller
        self.tenant = tenant
        self.realm = realm
        self.account = account
        self.expires_s = expires_s
        self.ends_s = ends_s
        self.proxy = proxy
        self.permits: dict[str, Permit] = {}


class Permit:
    """What one caller may do with one method.

    Attributes:
        identity: who calls.
        scope: such as "predict"; "" where none is needed.
        realm: of the identity.
        tenant: the tenant's part of the lane; None without access rules.
        counts: whether calls count against a rate.
    """

    __slots__ = ("counts", "identity", "realm", "scope", "tenant")

    def __init__(self, identity: Identity, scope: str) -> None:
        self.identity = identity
        self.realm = identity.realm
        self.scope = scope
        self.tenant = account = identity.account
        self.counts = account is not None and account.rate is not None

    def own(self) -> "Permit":
        """A copy for one stream, that changes with its caller's rights while others do not."""
        return Permit(self.identity, self.scope)

    def follow(self, other: "Permit") -> None:
        """From now on it says what the other one does: an open stream's, whose rights change."""
        self.identity, self.realm, self.scope = other.identity, other.realm, other.scope
        self.tenant, self.counts = other.tenant, other.counts

    def count(self, now: float) -> None:
        """Counts a call against the tenant's rate; streams do so for each of their messages.

        Raises:
            CallError: RESOURCE_EXHAUSTED with the time to wait, and nothing is counted.
        """
        error = self.over_quota(now)
        if error is not None:
            raise error.fresh()

    def over_quota(self, now: float) -> CallError | None:
        """As `count`, with the error as a value that is kept and not to be raised.

        A flood is refused so: raising and catching an error costs as much as all the rest.
        """
        account = self.tenant
        if account is not None and account.rate is not None:
            wait_s = account.rate.take(now)
            if wait_s:
                return rate_exceeded(account.name, wait_s)
        return None

    def allows(self, model: str) -> bool:
        """Whether the scope covers this model, `name` or `name@version`, there or not."""
        return not self.scope or self.realm.grants.allows(self.scope, model.partition("@")[0])

    def names(self, model: str) -> bool:
        """Whether the caller may name a model so: only the operator says whose it is."""
        return self.realm.tenant == OPERATOR or "/" not in model.partition("@")[0]

    def sees(self, model: str) -> bool:
        """Whether the model is not another tenant's, by its key; of absent models, too."""
        return self.realm.sees(model.partition("@")[0])

    def require(self, model: str) -> None:
        """Does nothing where the scope covers the model.

        Raises:
            CallError: PERMISSION_DENIED that names the scope which is missing. It is the same for
                models that are not there or another tenant's.
        """
        if not self.allows(model):
            raise scope_missing(self.scope, model.partition("@")[0])

    def rules(self, model: str) -> bool:
        """Whether the caller may change the model for everybody who sees it, by its key.

        With tenants that is their own models, and for the operator all of them.
        """
        return self.realm.rules(model.partition("@")[0])


def _always(_: str) -> bool:
    return True


ANONYMOUS: Final = Identity("", "", Realm("", Grants(()), _always, _always), None)
UNGUARDED: Final = Permit(ANONYMOUS, "")
# Set by a transport before an endpoint runs, in the task of the call or on the lane's thread.
CALL: Final[ContextVar[Permit]] = ContextVar("stubtail_call", default=UNGUARDED)


# The models that the current administrative call is about, for the audit log; None for others.
ABOUT: Final[ContextVar[list[str] | None]] = ContextVar("stubtail_about", default=None)


def note_model(model: str) -> None:
    """Tells the audit log which model, `name` or `name@version`, an act is about."""
    about = ABOUT.get()
    if about is not None:
        about.append(model)


# Tells the audit log that a message of the current stream was denied, and the stream goes on.
DENIAL: Final[ContextVar[Callable[[CallError], None] | None]] = ContextVar(
    "stubtail_denial", default=None
)


def note_denial(error: CallError) -> None:
    """Tells the audit log of an error in a stream; of others than denials it takes no note."""
    note = DENIAL.get()
    if note is not None:
        note(error)


def current_permit() -> Permit:
    """What the call that is being handled may do."""
    return CALL.get()


def current() -> Identity:
    """Who makes the call that is being handled."""
    return CALL.get().identity
