"""How a call says who makes it: in its metadata, and in one spelling out of many."""

from collections.abc import Sequence
from typing import Final

CREDENTIAL_KEY: Final = "authorization"
TENANT_KEY: Final = "stubtail-tenant"  # whom a proxy calls for
BEARER: Final = "Bearer"

Pairs = Sequence[tuple[str, str | bytes]]


def said_in(metadata: Pairs) -> tuple[str | None, str | None]:
    """The credential and the tenant; of several that are said, the first ones."""
    credential = tenant = None
    for key, value in metadata:
        if key == CREDENTIAL_KEY and credential is None:
            credential = str(value)
        elif key == TENANT_KEY and tenant is None:
            tenant = str(value)
    return credential, tenant


def canonical(credential: str) -> str:
    """The one spelling of it: the scheme has no case, and spaces around the value mean nothing."""
    scheme, _, value = credential.partition(" ")
    return f"{BEARER} {value.strip()}" if scheme.lower() == BEARER.lower() else credential
