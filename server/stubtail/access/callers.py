"""Callers as the settings name them, and the bounds of what is remembered of any."""

from dataclasses import dataclass

from stubtail.access.scopes import Grants


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whom the settings name.

    Attributes:
        name: for people: "key:web".
        tenant: whose models it sees.
        grants: what it may do.
        proxy: whether it may name the tenant of each call.
    """

    name: str
    tenant: str
    grants: Grants
    proxy: bool = False


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """Bounds of what is remembered.

    Attributes:
        known_max: verified credentials.
        known_s: how long one is taken without another look, at most.
    """

    known_max: int = 10_000
    known_s: float = 300.0
