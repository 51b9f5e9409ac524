"""The guard: who gets in, what is remembered, and what tenants can tell of each other."""

import time

import pytest

from stubtail.access.callers import Caller, GuardLimits
from stubtail.access.certificates import CertificateNames
from stubtail.access.guard import Guard
from stubtail.access.identity import CALL, UNGUARDED, Identity, current, current_permit
from stubtail.access.keys import KeyRing, new_key
from stubtail.access.methods import methods_with
from stubtail.access.scopes import grants_of
from stubtail.access.tenants import Tenancy, TenantRules
from stubtail.access.tokens import Tokens
from stubtail.errors import CallError, Code
from tests.unit.access.signed import Signer, key_set
from tests.unit.access.test_tokens import issuer_of

SCORE = "/stubtail.v1.ScoringService/Score"
LOAD = "/inference.GRPCInferenceService/RepositoryModelLoad"
HEALTH = "/grpc.health.v1.Health/Check"
SIGNER = Signer()
NAMES = ("web", "acme", "other", "ops", "gateway", "old")
MADE = {name: new_key() for name in NAMES}
KEYS = {name: f"Bearer {key}" for name, (key, _) in MADE.items()}
SCOPES = ["stubtail:predict", "stubtail:read"]


class Times:
    """Clocks that a test sets."""

    unix_s = 1_000.0


def guard_of(known_max: int = 100, **rules: TenantRules) -> Guard:
    """A guard with callers of every kind."""
    tenants = {"web": "", "acme": "acme", "other": "other", "ops": "*", "gateway": "", "old": ""}
    callers = {
        name: Caller(
            f"key:{name}",
            tenant,
            grants_of([*SCOPES, *(["stubtail:manage"] if name in {"ops", "acme"} else [])]),
            proxy=name == "gateway",
        )
        for name, tenant in tenants.items()
    }
    ring = KeyRing(
        (callers[name], [MADE[name][1]], 2_000.0 if name == "old" else 1e12) for name in NAMES
    )
    certificates = CertificateNames([("spiffe://example.org/*", callers["acme"])])
    tokens = Tokens([issuer_of(key_set(SIGNER), tenant_claim="org")], lambda: True)
    tenancy = Tenancy({"acme": TenantRules(models=["acme-*"]), **rules})
    limits = GuardLimits(known_max=known_max, known_s=100.0)
    return Guard(
        ring, certificates, tokens, tenancy, methods_with("read"), limits, lambda: Times.unix_s
    )


def reason(guard: Guard, credential: object, path: str = SCORE, now: float = 0.0, **more) -> str:
    """The reason of the refusal."""
    with pytest.raises(CallError) as caught:
        guard.admit(credential, path, now, **more)
    return caught.value.reason


@pytest.fixture(autouse=True)
def start_of_time() -> None:
    """Each test begins at the same second."""
    Times.unix_s = 1_000.0


def test_who_shows_a_key_is_its_owner() -> None:
    """And may what the settings say."""
    permit = guard_of().admit(KEYS["acme"], SCORE, 0.0)
    assert (permit.identity.caller, permit.identity.tenant) == ("key:acme", "acme")
    assert permit.scope == "predict"
    assert permit.tenant is not None
    assert permit.tenant.name == "acme"


@pytest.mark.parametrize(
    ("credential", "found"),
    [
        (None, "CREDENTIAL_MISSING"),
        (b"Bearer abc", "CREDENTIAL_MISSING"),  # as no transport has it
        ("", "CREDENTIAL_MISSING"),
        ("Bearer", "CREDENTIAL_INVALID"),
        ("Bearer ", "CREDENTIAL_INVALID"),
        ("Basic abc", "CREDENTIAL_INVALID"),
        ("Bearer stk_aaaaaaaa_" + "b" * 43, "CREDENTIAL_INVALID"),
        pytest.param(KEYS["web"][7:], "CREDENTIAL_INVALID", id="a key without its scheme"),
        ("Bearer \xff\xfe", "CREDENTIAL_INVALID"),
        ("Bearer \udcff", "CREDENTIAL_INVALID"),
        ("Bearer a.b.c", "CREDENTIAL_INVALID"),
    ],
)
def test_who_shows_nothing_good_is_nobody(credential: object, found: str) -> None:
    """With the reason, and the same again, which is remembered for a moment."""
    guard = guard_of()
    assert reason(guard, credential) == reason(guard, credential) == found


def test_the_scheme_is_spelled_as_one_likes() -> None:
    """RFC 7235: it has no case."""
    value = KEYS["web"].split()[1]
    assert guard_of().admit("bearer  " + value, SCORE, 0.0).identity.caller == "key:web"


def test_a_key_ends_with_its_day() -> None:
    """Also one that is remembered."""
    guard = guard_of()
    assert guard.admit(KEYS["old"], SCORE, 0.0).identity.ends_s == 1_000.0
    Times.unix_s = 1_999.0
    assert guard.admit(KEYS["old"], SCORE, 999.0)
    Times.unix_s = 2_001.0
    assert reason(guard, KEYS["old"], now=1_001.0) == "CREDENTIAL_EXPIRED"


def test_a_verified_token_is_not_verified_again_until_it_must() -> None:
    """Once within `known_s`, and again after it."""
    Times.unix_s = time.time()
    guard = guard_of()
    token = f"Bearer {SIGNER.token(exp=time.time() + 3_600)}"
    first = guard.admit(token, SCORE, 0.0).identity
    assert guard.admit(token, SCORE, 99.0).identity is first
    assert guard.admit(token, SCORE, 101.0).identity is not first
    assert first.caller == "token:corp:alice"


def test_a_token_is_remembered_by_all_of_it() -> None:
    """One that differs in one character alone is looked at as another one."""
    Times.unix_s = time.time()
    guard = guard_of()
    token = f"Bearer {SIGNER.token()}"
    guard.admit(token, SCORE, 0.0)
    changed = token[:-5] + ("A" if token[-5:-4] != "A" else "B") + token[-4:]
    assert reason(guard, changed) == "CREDENTIAL_INVALID"


def test_what_is_remembered_is_bounded() -> None:
    """Credentials that are good, and those that are not."""
    Times.unix_s = time.time()
    guard = guard_of(known_max=20)
    for index in range(60):
        guard.admit(f"Bearer {SIGNER.token(sub=f's{index}')}", SCORE, 0.0)
    for index in range(2_000):
        reason(guard, f"Bearer x{index}")
    assert len(guard._known) <= 20
    assert len(guard._refused) <= 1_024


def test_a_scope_that_is_missing_is_named() -> None:
    """In words, and for programs."""
    with pytest.raises(CallError) as caught:
        guard_of().admit(KEYS["web"], LOAD, 0.0)
    assert caught.value.code is Code.PERMISSION_DENIED
    assert caught.value.about_scope == "stubtail:manage"
    assert "stubtail:manage" in caught.value.message


def test_a_method_without_a_scope_is_denied_to_everybody() -> None:
    """The operator, too."""
    assert reason(guard_of(), KEYS["ops"], "/stubtail.v1.New/Method") == "SCOPE_MISSING"


def test_health_is_open() -> None:
    """Nothing is asked for, and nothing is counted."""
    guard = guard_of()
    assert guard.is_open(HEALTH)
    assert guard.find(None, HEALTH, 0.0, None) is None
    assert not guard.is_open(SCORE)


@pytest.mark.parametrize("name", ["web", "acme", "ops"])
def test_a_caller_does_not_choose_its_tenant(name: str) -> None:
    """What it says of it besides its credential is refused, unless it says what is true."""
    guard = guard_of()
    assert reason(guard, KEYS[name], tenant="other") == "TENANT_MISMATCH"
    own = guard.admit(KEYS["acme"], SCORE, 0.0, tenant="acme").identity
    assert own.tenant == "acme"


@pytest.mark.parametrize("tenant", ["*", "a b", "", "x" * 65])
def test_a_trusted_proxy_names_tenants_but_never_the_operator(tenant: str) -> None:
    """Each call belongs to the tenant that it names, with the rights of the proxy."""
    guard = guard_of()
    permit = guard.admit(KEYS["gateway"], SCORE, 0.0, tenant="acme")
    assert (permit.identity.tenant, permit.identity.caller) == ("acme", "key:gateway")
    assert permit.tenant is guard.admit(KEYS["acme"], SCORE, 0.0).tenant
    if tenant:
        assert reason(guard, KEYS["gateway"], tenant=tenant) == "TENANT_MISMATCH"


def test_a_tenant_sees_its_models_and_shared_ones() -> None:
    """The operator sees all; nobody manages what is shared but the operator."""
    guard = guard_of()
    permits = {
        name: guard.admit(KEYS[name], SCORE, 0.0) for name in ("web", "acme", "other", "ops")
    }
    assert {n: p.sees("acme-1@2") for n, p in permits.items()} == {
        "web": False, "acme": True, "other": False, "ops": True,
    }  # fmt: skip
    assert all(permit.sees("churn") for permit in permits.values())
    assert [permits[name].rules("acme-1") for name in ("acme", "ops", "other")] == [
        True,
        True,
        False,
    ]
    assert [permits[name].rules("churn") for name in ("acme", "ops")] == [False, True]


def test_realms_are_shared_by_those_who_are_alike() -> None:
    """And by nobody else: caches hang on them."""
    guard = guard_of()
    realms = {
        n: guard.admit(KEYS[n], SCORE, 0.0).realm for n in ("web", "gateway", "acme", "other")
    }
    assert realms["web"] is realms["gateway"]
    assert len({id(realm) for realm in realms.values()}) == 3


def test_calls_beyond_the_rate_are_told_when_to_come_back() -> None:
    """The tenant's, not another's; what is refused is not counted."""
    guard = guard_of(other=TenantRules(calls_per_s=10.0, burst=3))
    for _ in range(3):
        guard.admit(KEYS["other"], SCORE, 0.0)
    with pytest.raises(CallError) as caught:
        guard.admit(KEYS["other"], SCORE, 0.0)
    assert (caught.value.code, caught.value.reason) == (Code.RESOURCE_EXHAUSTED, "QUOTA_RATE")
    trailing = dict(caught.value.trailing_metadata)
    assert 100 <= int(trailing["grpc-retry-pushback-ms"]) <= 120
    guard.admit(KEYS["acme"], SCORE, 0.0)
    guard.admit(KEYS["other"], SCORE, 0.1)


def test_a_certificate_is_somebody_by_its_uri() -> None:
    """Its tenant and grants are those of the settings."""
    guard = guard_of()
    identity = guard.identify_certificate((b"spiffe://example.org/ns/a",), 0.0)
    assert (identity.caller, identity.tenant) == ("certificate:spiffe://example.org/ns/a", "acme")
    assert guard.enter(identity, SCORE, None).scope == "predict"
    with pytest.raises(CallError) as caught:
        guard.identify_certificate((b"spiffe://evil.org/ns/a",), 0.0)
    assert caught.value.reason == "CREDENTIAL_INVALID"


def test_the_http_port_asks_by_scope() -> None:
    """Not every page is a method."""
    guard = guard_of()
    identity = guard.identify(KEYS["web"], 0.0)
    assert guard.permit(identity, "read").identity is identity
    with pytest.raises(CallError, match="stubtail:manage"):
        guard.permit(identity, "manage")


class Noted:
    """An audit log that listens."""

    has_room = True

    def __init__(self) -> None:
        self.denials: list[tuple[str, str, str, str]] = []

    def denied(self, error, path, identity: Identity | None, peer: str, metadata) -> None:
        """Who, what and why."""
        caller = identity.caller if identity else ""
        self.denials.append((caller, path, error.reason, peer))

    def act(self, *_: object) -> None:
        """Nothing here administers."""


def test_denials_are_noted_and_other_errors_are_not() -> None:
    """With the caller where it is known."""
    guard = guard_of(web=TenantRules())
    guard.audit = noted = Noted()
    for credential in (KEYS["web"], None):
        with pytest.raises(CallError) as caught:
            guard.admit(credential, LOAD, 0.0)
        said = (("user-agent", "x"), *((("authorization", credential),) if credential else ()))
        guard.note(caught.value, LOAD, "ipv4:10.0.0.1:1", said)
    guard.note(CallError(Code.NOT_FOUND, "MODEL_NOT_FOUND", "none"), LOAD, "", ())
    assert noted.denials == [
        ("key:web", LOAD, "SCOPE_MISSING", "ipv4:10.0.0.1:1"),
        ("", LOAD, "CREDENTIAL_MISSING", "ipv4:10.0.0.1:1"),
    ]


def test_without_access_rules_everybody_may_everything() -> None:
    """What endpoints find when nothing is configured."""
    permit = current_permit()
    assert permit is UNGUARDED
    assert (current().caller, current().tenant, permit.tenant) == ("", "", None)
    permit.require("anything")
    assert permit.sees("anything")
    assert permit.rules("anything")
    token = CALL.set(guard_of().admit(KEYS["acme"], SCORE, 0.0))
    assert current().caller == "key:acme"
    CALL.reset(token)
