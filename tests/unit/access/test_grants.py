"""Scopes, patterns, rates, tenants and names in certificates."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stubtail.access import scopes
from stubtail.access.cells import shared_cells
from stubtail.access.certificates import CertificateNames, parse_uri_pattern
from stubtail.access.rate import Rate
from stubtail.access.refusals import method_denied, scope_missing
from stubtail.access.scopes import Grants, Scope, grants_of, matches, parse_scope
from stubtail.access.tenants import TENANTS_MAX, Tenancy, TenantRules


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("stubtail:read", Scope("read", "*")),
        ("stubtail:predict:churn*", Scope("predict", "churn*")),
        ("stubtail:generate:groq/llama-3.1", Scope("generate", "groq/llama-3.1")),
    ],
)
def test_scopes_are_read(text: str, scope: Scope) -> None:
    """An action, and perhaps a pattern of models."""
    assert parse_scope(text) == scope


@pytest.mark.parametrize(
    "text",
    ["", "read", "stubtail:", "stubtail:all", "stubtail:read:", "stubtail:predict:a b",
     "Stubtail:read", "stubtail:predict:" + "a" * 129, "stubtail:predict:[a]",
     "stubtail:predict:a?"],
)  # fmt: skip
def test_what_is_no_scope_is_none(text: str) -> None:
    """A token may carry it for others; here it grants nothing, and settings refuse it."""
    with pytest.raises(ValueError, match=r"scope|pattern"):
        parse_scope(text)
    assert grants_of([text]).scopes() == []


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*", "anything", True),
        ("churn", "churn", True),
        ("churn", "churns", False),
        ("churn*", "churn", True),
        ("churn*", "my-churn", False),
        ("*-eu", "churn-eu", True),
        ("a*b*c", "a1b2c", True),
        ("a.c", "abc", False),
        ("a*", "a\nb", True),
        ("a*a", "a", False),
        ("ab*ba", "aba", False),
        ("a*b*c", "acb", False),
        ("**", "", True),
        ("*", "a" * 193, True),
        ("*", "a" * 194, False),
    ],
)
def test_patterns(pattern: str, name: str, fits: bool) -> None:
    """A star is any text; everything else is itself."""
    assert matches(pattern, name) is fits


@given(st.text("ab*", max_size=12), st.text("ab", max_size=12))
def test_patterns_fit_as_their_expression_does(pattern: str, name: str) -> None:
    """The regular expression says the same, but takes long for some names."""
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert matches(pattern, name) is (re.fullmatch(expression, name) is not None)


def test_the_worst_pattern_takes_no_time() -> None:
    """A regular expression would try some 10^30 ways to fit this one."""
    assert not matches("*a" * 63 + "*b", "a" * 128)


def test_no_cache_keeps_names_that_no_model_has() -> None:
    """Strangers choose them, and can make them as long as a message."""
    tenancy = Tenancy({"acme": TenantRules(models=["acme-*"])})
    kept = [
        lambda: scopes._fits.cache_info().currsize,
        lambda: len(tenancy._owners),
    ]
    before = [size() for size in kept]
    grants = Grants([Scope("predict", "churn*")])
    for index in range(50):
        name = f"churn{index}".ljust(100_000, "x")
        assert not grants.allows("predict", name)
        assert tenancy.owner(f"acme-{name}") == ""
    assert [size() for size in kept] == before


def test_names_in_refusals_are_cut() -> None:
    """Before they are kept: two that begin alike are one."""
    found = [scope_missing("predict", "x" * length) for length in (128, 129, 1_000_000)]
    assert len({id(error.trailing_metadata) for error in found}) == 1
    assert {error.about_scope for error in found} == {"stubtail:predict:" + "x" * 128}
    denied = [method_denied("/" + "x" * length) for length in (127, 128, 1_000_000)]
    assert len({id(error.trailing_metadata) for error in denied}) == 1


def test_grants_hold_what_they_say_and_nothing_else() -> None:
    """No scope includes another one."""
    grants = Grants([Scope("predict", "churn*"), Scope("predict", "ltv"), Scope("manage", "*")])
    assert grants.has("predict")
    assert not grants.has("read")
    assert grants.allows("predict", "churn-2")
    assert grants.allows("predict", "ltv")
    assert not grants.allows("predict", "pricing")
    assert grants.allows("manage", "pricing")
    assert not grants.allows("read", "churn")


def test_equal_grants_are_equal() -> None:
    """Whatever their order: callers who may the same share caches."""
    first = grants_of(["stubtail:read", "stubtail:predict:a", "stubtail:predict:b"])
    second = grants_of(["stubtail:predict:b", "stubtail:read", "stubtail:predict:a"])
    assert first == second
    assert hash(first) == hash(second)
    assert first != grants_of(["stubtail:read"])
    assert grants_of(["stubtail:read", "stubtail:read:x"]) == grants_of(["stubtail:read"])


def test_a_rate_admits_its_burst_and_then_its_pace() -> None:
    """Ten at once, then one every tenth of a second, whatever was refused between."""
    rate = Rate(10.0, burst=10)
    assert [rate.take(100.0) for _ in range(10)] == [0.0] * 10
    assert rate.take(100.0) == pytest.approx(0.1)
    assert rate.take(100.05) == pytest.approx(0.05)
    assert rate.take(100.1) == 0.0
    assert rate.take(100.1) > 0.0
    assert [rate.take(200.0) for _ in range(11)].count(0.0) == 10


def test_processes_that_share_cells_share_a_rate(tmp_path: Path) -> None:
    """Each has the file in its own memory."""
    first, second = (Rate(10.0, 10, shared_cells(tmp_path, 3), index=1) for _ in range(2))
    admitted = [rate.take(100.0) == 0.0 for rate in (first, second) * 8]
    assert sum(admitted) == 10
    other = Rate(10.0, 10, shared_cells(tmp_path, 3), index=2)
    assert other.take(100.0) == 0.0
    assert first.take(100.0) > 0.0


def test_over_time_a_rate_is_kept() -> None:
    """1,000 tries a second for 100 s at 25 a second."""
    rate = Rate(25.0, burst=5)
    admitted = sum(rate.take(step / 1000) == 0.0 for step in range(100_000))
    assert admitted == pytest.approx(2_500, abs=6)


def test_models_belong_to_the_tenant_whose_pattern_fits() -> None:
    """All others are shared."""
    tenancy = Tenancy({"acme": TenantRules(models=["acme-*", "x"]), "b": TenantRules()})
    assert [tenancy.owner(name) for name in ("acme-1", "x", "churn")] == ["acme", "acme", ""]


def test_accounts_are_bounded() -> None:
    """Tokens can name any number of tenants; beyond the bound they share one account."""
    tenancy = Tenancy({"default": TenantRules(weight=2.0)})
    accounts = {id(tenancy.account(f"t{index}")) for index in range(TENANTS_MAX + 500)}
    assert len(accounts) == TENANTS_MAX + 1
    assert tenancy.account("t1") is tenancy.account("t1")
    assert tenancy.account("t1").weight == 2.0


@pytest.mark.parametrize(
    ("uris", "owner"),
    [
        ([b"spiffe://example.org/ns/shop/sa/web"], "web"),
        ([b"spiffe://example.org/ns/shop/sa/other"], "shop"),
        ([b"spiffe://example.org/ns/shop/"], None),
        ([b"spiffe://example.org/ns/shopping/sa/web"], None),
        ([b"spiffe://evil.org/ns/shop/sa/web"], None),
        ([b"spiffe://example.org.evil.org/ns/shop/sa/web"], None),
        ([b"spiffe://example.org/ns/shop/../bank"], None),
        ([b"https://example.org/ns/shop/sa/web"], None),
        ([b"spiffe://example.org/ns/shop/sa/web", b"spiffe://example.org/ns/shop/sa/b"], None),
        ([b"spiffe://example.org/ns/shop/\xff"], None),
        ([b"spiffe://example.org/ns/shop/%2e"], None),
        ([], None),
    ],
)
def test_names_in_certificates_are_compared_exactly(uris: list[bytes], owner: str | None) -> None:
    """The trust domain in full, the path in full or below a whole segment; one URI only."""
    names = CertificateNames(
        [
            ("spiffe://example.org/ns/shop/sa/web", "web"),
            ("spiffe://example.org/ns/shop/*", "shop"),
        ]
    )
    found = names.find(uris)
    assert (found[1] if found else None) == owner


@pytest.mark.parametrize(
    "text",
    ["", "*", "spiffe://*", "spiffe://a*", "spiffe://a/b*", "spiffe://a/*/c", "a/b", "spiffe://"],
)
def test_patterns_of_names_that_are_too_wide_are_refused(text: str) -> None:
    """A star stands for the rest of a path below a trust domain, and for nothing else."""
    with pytest.raises(ValueError, match=r"name like|trust domain"):
        parse_uri_pattern(text)
