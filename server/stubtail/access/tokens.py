"""JWT bearer tokens (RFC 7519, 8725): what the issuer signed, checked against its settings.

The algorithm comes from the settings and the key, never from the token. `jku`, `x5u` and `jwk`,
with which a token would bring its own key, are refused.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import jwt

from stubtail.access.jwks import KeySet
from stubtail.access.refusals import Unknown, UnknownCallerError, credentials_busy
from stubtail.access.scopes import Grants, Scope, grants_of, matches
from stubtail.access.tenants import NAME

TOKEN_BYTES_MAX: Final = 8192  # half of the metadata that a call may have
SUBJECT_CHARACTERS_MAX: Final = 256
_OWN_KEY: Final = ("jku", "x5u", "jwk", "x5c")
_REQUIRED: Final = ["exp", "iss", "aud", "sub"]


@dataclass(frozen=True, slots=True)
class Issuer:
    """One issuer of tokens as the settings describe it.

    Attributes:
        name: in our settings.
        issuer: the claim `iss` of its tokens.
        audience: what their claim `aud` has to contain.
        algorithms: that it signs with.
        keys: what it publishes.
        leeway_s: how far clocks may differ.
        tenant: of all its tokens, where `tenant_claim` is empty.
        tenant_claim: where a token says its tenant.
        scope_claim: where it says its scopes.
        scopes: the most that any of its tokens may do; empty for no bound.
    """

    name: str
    issuer: str
    audience: str
    algorithms: Collection[str]
    keys: KeySet
    leeway_s: float
    tenant: str
    tenant_claim: str
    scope_claim: str
    scopes: Sequence[Scope] = ()


class Bearer(NamedTuple):
    """What a token says: who, of which tenant, with which grants, until when (Unix seconds)."""

    caller: str
    tenant: str
    grants: Grants
    expires_unix_s: float


class Tokens:
    """Verifies tokens of some issuers.

    Args:
        issuers: all of them.
        may_verify: whether one more signature may be checked now: it takes up to 0.2 ms, and
            strangers can send as many tokens as they like.
    """

    def __init__(self, issuers: Sequence[Issuer], may_verify: Callable[[], bool]) -> None:
        self._issuers = {issuer.issuer: issuer for issuer in issuers}
        self._may_verify = may_verify

    def verify(self, token: bytes) -> Bearer:
        """What a token says.

        Raises:
            UnknownCallerError: it says nothing, with the reason.
            CallError: UNAVAILABLE where no more signatures can be checked for the moment.
        """
        if len(token) > TOKEN_BYTES_MAX:
            raise UnknownCallerError(Unknown.INVALID)
        try:
            header = jwt.get_unverified_header(token)
            body = jwt.decode(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise UnknownCallerError(Unknown.INVALID) from error
        said = body.get("iss")
        issuer = self._issuers.get(said) if isinstance(said, str) else None
        if issuer is None:
            raise UnknownCallerError(Unknown.AUDIENCE)
        claims = self._claims(token, header, issuer)
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_CHARACTERS_MAX:
            raise UnknownCallerError(Unknown.INVALID)
        try:
            subject.encode()  # half of a surrogate pair is no text: it could be sent nowhere
            # As its check allows: what is good there is not over for calls that take a while.
            expires_unix_s = float(claims["exp"]) + issuer.leeway_s
        except (OverflowError, TypeError, ValueError) as error:
            raise UnknownCallerError(Unknown.INVALID) from error
        return Bearer(
            f"token:{issuer.name}:{subject}",
            _tenant(claims, issuer),
            _grants(claims, issuer),
            expires_unix_s,
        )

    def _claims(self, token: bytes, header: dict[str, Any], issuer: Issuer) -> dict[str, Any]:
        algorithm = header.get("alg")
        if algorithm not in issuer.algorithms:
            raise UnknownCallerError(Unknown.ALGORITHM)
        if any(name in header for name in _OWN_KEY):
            raise UnknownCallerError(Unknown.INVALID)
        key_id = header.get("kid", "")
        key = issuer.keys.find(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise UnknownCallerError(Unknown.KEY_UNKNOWN)
        if algorithm not in key.algorithms:
            raise UnknownCallerError(Unknown.ALGORITHM)
        if not self._may_verify():
            raise credentials_busy()
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=[str(algorithm)],
                audience=issuer.audience,
                issuer=issuer.issuer,
                leeway=issuer.leeway_s,
                options={"require": _REQUIRED},
            )
        except jwt.ExpiredSignatureError as error:
            raise UnknownCallerError(Unknown.EXPIRED) from error
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError) as error:
            raise UnknownCallerError(Unknown.AUDIENCE) from error
        except (jwt.PyJWTError, ValueError, OverflowError) as error:
            raise UnknownCallerError(Unknown.INVALID) from error


def _tenant(claims: dict[str, Any], issuer: Issuer) -> str:
    if not issuer.tenant_claim:
        return issuer.tenant
    tenant = claims.get(issuer.tenant_claim, "")
    # "*" is no name: a token can never make its bearer the operator.
    if tenant != "" and not (isinstance(tenant, str) and NAME.fullmatch(tenant)):
        raise UnknownCallerError(Unknown.INVALID)
    return str(tenant)


def _grants(claims: dict[str, Any], issuer: Issuer) -> Grants:
    said = claims.get(issuer.scope_claim, "")
    texts = said.split() if isinstance(said, str) else said
    if not isinstance(texts, list):
        return Grants(())
    granted = grants_of(text for text in texts if isinstance(text, str))
    if not issuer.scopes:
        return granted
    return Grants(
        scope
        for scope in granted.scopes()
        if any(
            scope.action == most.action and matches(most.pattern, scope.pattern)
            for most in issuer.scopes
        )
    )
