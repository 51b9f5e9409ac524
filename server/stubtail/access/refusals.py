"""The errors of callers who may not: unknown, without a scope, or beyond a quota.

What a caller is told never depends on whether a model or a key exists that is not the caller's.
"""

from collections.abc import Callable
from enum import Enum
from functools import lru_cache, wraps
from math import ceil, log
from typing import Any, ParamSpec

from stubtail.errors import CallError, Code
from stubtail.lane.refusals import quota_error

MODELS_MAX = 1024  # cached errors
RATES_MAX = 4096  # likewise, by tenant and wait
SHOWN_CHARACTERS_MAX = 128  # of names that callers choose
WAIT_STEP = 1.2
LOG_STEP = log(WAIT_STEP)

_Says = ParamSpec("_Says")


class Unknown(Enum):
    """Why a credential says nothing, with what its owner can do about it."""

    MISSING = (
        "CREDENTIAL_MISSING",
        "the call has no credential; send the metadata authorization: Bearer <key or token>",
    )
    INVALID = ("CREDENTIAL_INVALID", "the credential is not known here, or is damaged")
    EXPIRED = ("CREDENTIAL_EXPIRED", "the credential has expired; get a new one")
    AUDIENCE = (
        "CREDENTIAL_AUDIENCE",
        "the token was made for another service, or by an issuer that is not known here",
    )
    ALGORITHM = (
        "CREDENTIAL_ALGORITHM",
        "the token is signed by an algorithm that is not accepted here",
    )
    KEY_UNKNOWN = (
        "CREDENTIAL_KEY_UNKNOWN",
        "the token is signed with a key that its issuer does not publish",
    )


class UnknownCallerError(Exception):
    """A credential was looked at and says nothing."""

    def __init__(self, why: Unknown) -> None:
        super().__init__(why.name)
        self.why = why


def _kept(
    errors_max: int,
) -> Callable[[Callable[_Says, CallError]], Callable[_Says, CallError]]:
    """Keeps the trailers, which are what is expensive: a refusal must cost next to nothing.

    Each call gets an error of its own, as these are raised: one that is raised again and again
    grows its traceback, and with it keeps every request that was refused.
    """

    def of(make: Callable[_Says, CallError]) -> Callable[_Says, CallError]:
        find: Any = lru_cache(maxsize=errors_max)(make)

        @wraps(make)
        def raised(*args: _Says.args, **kwargs: _Says.kwargs) -> CallError:
            kept: CallError = find(*args, **kwargs)
            return kept.fresh()

        return raised

    return of


@_kept(len(Unknown))
def unauthenticated(why: Unknown) -> CallError:
    """UNAUTHENTICATED with the reason."""
    reason, message = why.value
    return CallError(Code.UNAUTHENTICATED, reason, message)


def scope_missing(scope: str, model: str = "") -> CallError:
    """PERMISSION_DENIED that names the scope; `model` where it is only missing for this one."""
    return _scope_missing(scope, model[:SHOWN_CHARACTERS_MAX])


@_kept(MODELS_MAX)
def _scope_missing(scope: str, model: str) -> CallError:
    missing = f"stubtail:{scope}:{model}" if model else f"stubtail:{scope}"
    return CallError(
        Code.PERMISSION_DENIED,
        "SCOPE_MISSING",
        f"the credential lacks the scope {missing}; ask whoever gave it to you",
        metadata={"scope": missing},
    )


def method_denied(path: str) -> CallError:
    """PERMISSION_DENIED for a method that no scope opens."""
    return _method_denied(path[:SHOWN_CHARACTERS_MAX])


@_kept(MODELS_MAX)
def _method_denied(path: str) -> CallError:
    return CallError(
        Code.PERMISSION_DENIED,
        "SCOPE_MISSING",
        f"{path} is open to nobody: the server has no scope for it",
        metadata={"scope": "", "method": path},
    )


def shared_model(model: str) -> CallError:
    """PERMISSION_DENIED for changing a model that other tenants use as well."""
    name = model[:SHOWN_CHARACTERS_MAX]
    return CallError(
        Code.PERMISSION_DENIED,
        "MODEL_SHARED",
        f'the model "{name}" is not your tenant\'s own; its operator can change it',
        metadata={"model": name},
    )


def shared_statistics(model: str) -> CallError:
    """PERMISSION_DENIED for the numbers of a model that other tenants call as well."""
    name = model[:SHOWN_CHARACTERS_MAX]
    return CallError(
        Code.PERMISSION_DENIED,
        "MODEL_SHARED",
        f'the numbers of "{name}" tell of other tenants, too; ask its operator for them',
        metadata={"model": name},
    )


def tenant_mismatch() -> CallError:
    """PERMISSION_DENIED for a call that names a tenant without being a trusted proxy."""
    return CallError(
        Code.PERMISSION_DENIED,
        "TENANT_MISMATCH",
        "the tenant comes from the credential; leave out the metadata stubtail-tenant",
    )


def rate_exceeded(tenant: str, wait_s: float) -> CallError:
    """RESOURCE_EXHAUSTED: more calls than the quota; another is admitted in `wait_s` seconds.

    The caller is told to wait up to a fifth longer: so few errors serve all calls of a flood. They
    are kept: whoever raises one raises its `fresh()`.
    """
    return _rate_exceeded(tenant, ceil(log(max(wait_s, 1e-3)) / LOG_STEP - 1e-6))


@lru_cache(maxsize=RATES_MAX)
def _rate_exceeded(tenant: str, step: int) -> CallError:
    message = "the tenant's calls per second are used up"
    return quota_error(tenant, "QUOTA_RATE", message, WAIT_STEP**step)


@_kept(1)
def credentials_busy() -> CallError:
    """UNAVAILABLE: more new credentials came than can be checked; known ones go on."""
    return CallError(
        Code.UNAVAILABLE,
        "CREDENTIALS_BUSY",
        "too many new credentials at once; try again shortly",
        retry_after_s=0.1,
    )


@_kept(1)
def audit_blocked() -> CallError:
    """UNAVAILABLE: what cannot be noted is not done."""
    return CallError(
        Code.UNAVAILABLE,
        "AUDIT_BLOCKED",
        "the act cannot be noted in the audit log for the moment, so it is not done",
        retry_after_s=1.0,
    )
