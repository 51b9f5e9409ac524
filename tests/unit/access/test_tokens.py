"""JWT bearer tokens: what is believed, and why everything else is not."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stubtail.access.jwks import KeySet, parse_keys
from stubtail.access.refusals import Unknown, UnknownCallerError
from stubtail.access.scopes import Scope
from stubtail.access.tokens import Issuer, Tokens
from stubtail.errors import CallError
from tests.unit.access.signed import ALGORITHMS, AUDIENCE, ISSUER, Signer, document, key_set

SIGNER = Signer()


def issuer_of(keys: KeySet, **changes: Any) -> Issuer:
    """The issuer as settings describe it."""
    fields: dict[str, Any] = {
        "name": "corp",
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "algorithms": ALGORITHMS,
        "keys": keys,
        "leeway_s": 10.0,
        "tenant": "",
        "tenant_claim": "",
        "scope_claim": "scope",
    }
    return Issuer(**{**fields, **changes})


def tokens_of(*signers: Signer, **changes: Any) -> Tokens:
    """What verifies the tokens of these keys."""
    return Tokens([issuer_of(key_set(*signers), **changes)], lambda: True)


def why(tokens: Tokens, token: str | bytes) -> Unknown:
    """The reason why a token says nothing."""
    with pytest.raises(UnknownCallerError) as caught:
        tokens.verify(token.encode() if isinstance(token, str) else token)
    return caught.value.why


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_good_token_says_who_and_what(algorithm: str) -> None:
    """Of each algorithm; scopes of other systems are passed over."""
    signer = Signer(algorithm)
    said = tokens_of(signer).verify(signer.token().encode())
    assert said.caller == "token:corp:alice"
    assert said.tenant == ""
    assert said.grants.scopes() == [Scope("predict", "*"), Scope("read", "*")]


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 1_000_000_000}, Unknown.EXPIRED),
        ({"aud": "another"}, Unknown.AUDIENCE),
        ({"aud": ["a", "b"]}, Unknown.AUDIENCE),
        ({"iss": "https://evil.example"}, Unknown.AUDIENCE),
        ({"iss": ISSUER + "/"}, Unknown.AUDIENCE),
        ({"iss": None}, Unknown.AUDIENCE),
        ({"aud": None}, Unknown.AUDIENCE),
        ({"exp": None}, Unknown.INVALID),
        ({"sub": None}, Unknown.INVALID),
        ({"sub": ""}, Unknown.INVALID),
        ({"sub": "a" * 257}, Unknown.INVALID),
        ({"sub": "\ud800"}, Unknown.INVALID),
        ({"nbf": 4_000_000_000}, Unknown.INVALID),
        ({"exp": 1e400}, Unknown.INVALID),
        ({"exp": 10**400}, Unknown.INVALID),
        ({"scope": "x" * 9_000}, Unknown.INVALID),
    ],
)
def test_claims_that_do_not_fit_are_refused_with_their_reason(
    claims: dict[str, Any], reason: Unknown
) -> None:
    """Each by its own."""
    found = why(tokens_of(SIGNER), SIGNER.token(**claims))
    assert found in {reason, Unknown.INVALID} if claims == {"aud": None} else found is reason


def test_a_token_ends_when_its_check_says_so() -> None:
    """With the leeway: else one that passes has ended, is never remembered, and begins nothing."""
    late = int(time.time()) - 1
    said = tokens_of(SIGNER).verify(SIGNER.token(exp=late).encode())
    assert said.expires_unix_s == late + 10.0


def test_a_wrong_signature_is_refused() -> None:
    """Of another key with the same id, and of a token that was changed."""
    assert why(tokens_of(SIGNER), Signer().token()) is Unknown.INVALID
    head, body, signature = SIGNER.token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["scope"] = "stubtail:manage"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    assert why(tokens_of(SIGNER), f"{head}.{forged}.{signature}") is Unknown.INVALID


def test_the_algorithm_is_not_the_tokens_to_choose() -> None:
    """`none`, a symmetric one over the public key, and one that the key is not for."""
    tokens = tokens_of(SIGNER)
    nothing: Any = None
    unsigned = jwt.encode({"iss": ISSUER}, nothing, algorithm="none", headers={"kid": "k1"})
    assert why(tokens, unsigned) is Unknown.ALGORITHM
    # What PyJWT refuses to make: HS256 with the published key as the secret, by hand.
    head = {"alg": "HS256", "kid": "k1"}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (head, {"iss": ISSUER})
    ]
    assert why(tokens, ".".join([*parts, "AAAA"])) is Unknown.ALGORITHM
    rsa = Signer("RS256", "k1")
    assert why(tokens, rsa.token()) is Unknown.ALGORITHM  # k1 is a key of an elliptic curve
    narrow = tokens_of(rsa, algorithms=("ES256",))
    assert why(narrow, rsa.token()) is Unknown.ALGORITHM


def test_an_unknown_key_is_refused_and_wanted() -> None:
    """It is asked for, and no more than once in the pause, however many there are."""
    keys = key_set(SIGNER)
    keys.asked(0.0)
    tokens = Tokens([issuer_of(keys)], lambda: True)
    assert keys.wait_s(31.0) > 0.0
    stranger = Signer()
    for index in range(50):
        token = stranger.token(headers={"kid": f"other{index}"})
        assert why(tokens, token) is Unknown.KEY_UNKNOWN
    assert keys.wait_s(31.0) == 0.0
    keys.asked(31.0)
    assert why(tokens, stranger.token(headers={"kid": "another"})) is Unknown.KEY_UNKNOWN
    assert keys.wait_s(32.0) == pytest.approx(29.0)


def test_a_token_without_a_key_id_needs_an_only_key() -> None:
    """With two keys it says nothing."""
    nameless = Signer(key_id="")
    assert tokens_of(nameless).verify(nameless.token().encode()).caller == "token:corp:alice"
    assert why(tokens_of(SIGNER, Signer(key_id="k2")), nameless.token()) is Unknown.KEY_UNKNOWN


@pytest.mark.parametrize("header", ["jku", "x5u", "jwk", "x5c", "crit"])
def test_a_token_does_not_bring_its_own_key(header: str) -> None:
    """Nor extensions that have to be understood."""
    value: Any = {"jwk": SIGNER.published(), "crit": ["b64"], "x5c": ["AAAA"]}.get(
        header, "https://x"
    )
    assert why(tokens_of(SIGNER), SIGNER.token(headers={header: value})) is Unknown.INVALID


def test_the_issuers_scopes_are_the_most() -> None:
    """A token that says more has no more."""
    most = [Scope("read", "*"), Scope("predict", "churn*")]
    said = "stubtail:read stubtail:manage stubtail:predict:churn-2 stubtail:predict:ltv"
    token = SIGNER.token(scope=said).encode()
    grants = tokens_of(SIGNER, scopes=most).verify(token).grants
    assert grants.scopes() == [Scope("predict", "churn-2"), Scope("read", "*")]
    every = tokens_of(SIGNER, scopes=most).verify(SIGNER.token(scope="stubtail:predict").encode())
    assert every.grants.scopes() == []


@pytest.mark.parametrize("said", [["stubtail:read", 7], 7, None, {"a": 1}])
def test_scopes_may_be_a_list_and_anything_else_is_none(said: Any) -> None:
    """What is no text in it is passed over."""
    grants = tokens_of(SIGNER).verify(SIGNER.token(scope=said).encode()).grants
    assert grants.scopes() == ([Scope("read", "*")] if isinstance(said, list) else [])


@pytest.mark.parametrize("tenant", ["*", "a b", "", "a" * 65, 7, ["acme"]])
def test_a_token_never_makes_an_operator(tenant: Any) -> None:
    """The tenant is a name; an empty one is the common tenant."""
    tokens = tokens_of(SIGNER, tenant_claim="org")
    assert tokens.verify(SIGNER.token(org="acme").encode()).tenant == "acme"
    if tenant == "":
        assert tokens.verify(SIGNER.token(org=tenant).encode()).tenant == ""
    else:
        assert why(tokens, SIGNER.token(org=tenant)) is Unknown.INVALID


def test_signatures_are_checked_only_as_often_as_agreed() -> None:
    """Beyond, the caller is told to come back; bad tokens that need no signature still end."""
    allowed = iter([True, False])
    tokens = Tokens([issuer_of(key_set(SIGNER))], lambda: next(allowed))
    tokens.verify(SIGNER.token().encode())
    with pytest.raises(CallError) as caught:
        tokens.verify(SIGNER.token(sub="bob").encode())
    assert caught.value.reason == "CREDENTIALS_BUSY"
    assert why(tokens, "nonsense") is Unknown.INVALID


TOKENS = tokens_of(SIGNER)
GOOD = SIGNER.token().encode()


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.binary(max_size=60), max_size=5).map(b".".join),
        st.lists(
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(
                        st.sampled_from(["alg", "kid", "iss", "x"]), inner, max_size=3
                    )
                ),
                max_leaves=5,
            ),
            min_size=2,
            max_size=2,
        ).map(
            lambda parts: b".".join(
                [
                    *(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in parts),
                    b"AA",
                ]
            )
        ),
        st.tuples(st.integers(0, len(GOOD) - 1), st.binary(max_size=3)).map(
            lambda cut: GOOD[: cut[0]] + cut[1] + GOOD[cut[0] + 1 :]
        ),
    )
)
def test_whatever_comes_is_refused_with_a_reason(token: bytes) -> None:
    """Nothing but an UnknownCallerError, or the good token itself."""
    try:
        said = TOKENS.verify(token)
    except UnknownCallerError:
        return
    assert said.caller == "token:corp:alice"


def test_old_keys_survive_an_outage_and_withdrawn_ones_do_not() -> None:
    """A failed request changes nothing; a new set replaces the old one."""
    keys = key_set(SIGNER)
    for now in (0.0, 400.0, 800.0):
        assert keys.wait_s(now) == 0.0
        keys.asked(now)  # and nothing comes
    tokens = Tokens([issuer_of(keys)], lambda: True)
    assert tokens.verify(GOOD).caller == "token:corp:alice"
    keys.replace(parse_keys(document(Signer(key_id="k2")), ALGORITHMS))
    assert why(tokens, GOOD) is Unknown.KEY_UNKNOWN


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": []}',
     b'{"keys": [1, {}, {"kty": "oct", "k": "AA"}]}',
     b"[" * 100_000, b'{"keys": [{"kty": "RSA", "n": "AA", "e": 7}]}', b"x" * 300_000],
)  # fmt: skip
def test_what_is_no_set_of_keys_is_refused(content: bytes) -> None:
    """And the old keys stay, as the refresher replaces nothing then."""
    with pytest.raises(ValueError, match=r"keys|key for"):
        parse_keys(content, ALGORITHMS)


def test_keys_for_other_uses_are_passed_over() -> None:
    """For encryption, or for another algorithm than the settings have."""
    entries = [SIGNER.published(), Signer(key_id="k2").published(use="enc")]
    entries.append(Signer("RS256", "k3").published(alg="RS512"))
    found = parse_keys(json.dumps({"keys": entries}).encode(), ALGORITHMS)
    assert found.keys() == {"k1"}
    assert found["k1"].algorithms == ("ES256",)
