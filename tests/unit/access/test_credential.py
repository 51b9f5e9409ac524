"""What a call says of its caller: the first of each, and however it spells it."""

import time

import pytest

from stubtail.access.credential import canonical, said_in
from stubtail.errors import CallError
from tests.unit.access.signed import Signer
from tests.unit.access.test_guard import KEYS, LOAD, SCORE, SIGNER, Noted, Times, guard_of

KEY = KEYS["web"].split()[1]
SPELLINGS = [
    f"{scheme} {' ' * before}{KEY}{' ' * after}"
    for scheme in ("Bearer", "bearer", "BEARER", "bEARER")
    for before in range(20)
    for after in range(20)
]


def test_the_first_of_each_counts() -> None:
    """As on both transports."""
    pairs = [("a", "b"), ("authorization", "x"), ("stubtail-tenant", "t")]
    assert said_in(()) == said_in(pairs[:1]) == (None, None)
    assert said_in([*pairs, ("authorization", "y"), ("stubtail-tenant", "u")]) == ("x", "t")


def test_spellings_are_one_credential() -> None:
    """RFC 7235: the scheme has no case; and what is around the value means nothing."""
    assert {canonical(one) for one in SPELLINGS} == {f"Bearer {KEY}"}
    for other in (f"Basic {KEY}", f"Bearer\t{KEY}", f"Bearer x {KEY}", KEY):
        assert canonical(other) != f"Bearer {KEY}"


def test_spellings_of_one_caller_push_nobody_out() -> None:
    """Each would take a place, and the others' tokens would have to be verified again."""
    Times.unix_s = time.time()
    guard = guard_of(known_max=20)
    token = f"Bearer {SIGNER.token(exp=time.time() + 3_600)}"
    first = guard.admit(token, SCORE, 0.0).identity
    assert {guard.admit(one, SCORE, 0.0).identity.caller for one in SPELLINGS} == {"key:web"}
    assert guard.admit(token, SCORE, 0.0).identity is first
    forged = f"Bearer {Signer().token()}"
    for one in (forged, *(forged.replace(" ", " " * spaces) for spaces in range(2, 2_000))):
        with pytest.raises(CallError):
            guard.admit(one, SCORE, 0.0)
    assert len(guard._refused) == 1


def test_a_denial_says_for_whom_a_proxy_called() -> None:
    """The tenant of the call, and not the gateway's own."""
    guard = guard_of()
    guard.audit = noted = Noted()
    tenants = []
    noted.denied = lambda error, path, identity, *_: tenants.append(identity.tenant)  # type: ignore[method-assign]
    for tenant in ("acme", None):
        with pytest.raises(CallError) as caught:
            guard.admit(KEYS["gateway"], LOAD, 0.0, tenant=tenant)
        more = (("stubtail-tenant", tenant),) if tenant else ()
        said = (("authorization", f"bearer  {KEYS['gateway'].split()[1]}"), *more)
        guard.note(caught.value, LOAD, "peer", said)
    assert tenants == ["acme", ""]
