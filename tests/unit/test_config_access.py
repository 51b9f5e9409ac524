"""The settings of access: what contradicts itself is told before a server starts."""

from pathlib import Path
from typing import Any

import pytest

from stubtail.access.keys import new_key
from stubtail.access.part import AccessPart
from stubtail.config import ConfigError, from_document, load, to_document
from stubtail.config.sections import Settings

HASH = str(new_key()[1])
KEY = f'[access.keys.web]\nhashes = ["{HASH}"]\n'
ISSUER = """
[access.issuers.corp]
issuer = "https://idp"
audience = "stubtail"
jwks_url = "https://idp/jwks"
"""


def read(tmp_path: Path, text: str) -> Settings:
    """The settings of a file with this text."""
    path = tmp_path / "stubtail.toml"
    path.write_text(text)
    return load(path, environ={})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[access.keys.web]\ntenant = "a"', "one or two hashes, got 0"),
        (f"[access.keys.web]\nhashes = {[HASH] * 3}", "one or two hashes, got 3"),
        ('[access.keys.web]\nhashes = ["stk_abc"]', "stubtail keys new"),
        (KEY + 'scopes = ["predict"]', "is no scope"),
        (KEY + 'scopes = ["stubtail:all"]', "is no scope"),
        (KEY + 'tenant = "a b"', "a name of letters"),
        (KEY + 'expires = "tomorrow"', "a day as"),
        ('[access.certificates.a]\nuri = "spiffe://a/b"', "tls.client_ca_file"),
        ('[access.certificates.a]\nuri = "spiffe://*"', "a name as spiffe"),
        (ISSUER.replace("https://idp/", "http://idp/"), "must be https"),
        (ISSUER + 'jwks_file = "x"', "one of the two"),
        (ISSUER + 'algorithms = ["HS256"]', "can forge it"),
        (ISSUER + 'algorithms = ["none"]', "can forge it"),
        (ISSUER + "algorithms = []", "at least one"),
        (ISSUER.replace('audience = "stubtail"', ""), "tokens of others"),
        ('[access.tenants.a]\nmodels = ["x"]', "none are configured"),
        ('[audit]\ndirectory = "x"', "nobody is known"),
    ],
)
def test_what_cannot_be_is_told_with_its_key(tmp_path: Path, text: str, told: str) -> None:
    """And never with a secret: what stands in place of a hash may be the key itself."""
    with pytest.raises(ConfigError, match=told) as caught:
        read(tmp_path, text)
    assert "access." in str(caught.value) or "audit." in str(caught.value)
    if "stk_" not in text:
        return
    assert "stk_abc" not in str(caught.value)


def test_without_callers_there_is_no_guard(tmp_path: Path) -> None:
    """Everybody may do everything, and nothing of it is imported or started."""
    part = AccessPart(read(tmp_path, "").access, lambda: 0.0)
    assert part.guard is None
    assert part.shared({"churn": True}) == {"churn": True}


def test_workers_get_the_same_settings(tmp_path: Path) -> None:
    """They are handed over as plain values."""
    settings = read(tmp_path, KEY + 'scopes = ["stubtail:read"]\n[access.tenants.a]\nweight = 2.0')
    document: Any = to_document(settings)
    again = from_document(Settings, document)
    assert again == settings
    part = AccessPart(again.access, lambda: 0.0)
    assert part.guard is not None
    assert part.tenancy is not None
    assert part.tenancy.account("a").weight == 2.0
