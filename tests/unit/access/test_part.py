"""Access rules from settings: when there are tenants, and what is wrong in a file of callers."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from stubtail.access.keys import new_key
from stubtail.access.keys_file import KeysFile, KeysFileError
from stubtail.access.part import AccessPart
from stubtail.access.tenants import Account, Tenancy, TenantRules
from stubtail.config import Settings, load
from stubtail.http_port import http_access, start_access
from stubtail.monitoring.http import MonitoringError

UNLOAD = "/inference.GRPCInferenceService/RepositoryModelUnload"
ISSUER = """[access.issuers.corp]
issuer = "https://idp.example"
audience = "stubtail"
jwks_file = "jwks.json"
"""


def caller(name: str, more: str = "", key: str | None = None) -> tuple[str, str]:
    """The credential of a caller who may manage, and its table in a file."""
    made, kept = new_key()
    table = (
        f'[access.keys.{name}]\nhashes = ["{key or kept}"]\nscopes = ["stubtail:manage"]\n{more}\n'
    )
    return f"Bearer {made}", table


def settings_of(folder: Path, text: str) -> Settings:
    """The settings that a file says."""
    path = folder / "stubtail.toml"
    path.write_text(text)
    return load(path, (), {})


def changes_what_is_shared(part: AccessPart, credential: str) -> bool:
    """Whether a caller may unload a model that all share."""
    assert part.guard is not None
    return part.guard.admit(credential, UNLOAD, 0.0).rules("churn")


@pytest.mark.parametrize(
    ("others", "may"),
    [
        ("", True),
        (caller("boss", 'tenant = "*"')[1], True),
        (caller("gold", 'tenant = "gold"')[1], False),
        (caller("gateway", "proxy = true")[1], False),
        (ISSUER, True),
        (ISSUER + 'tenant_claim = "org"\n', False),
        (ISSUER + 'tenant = "gold"\n', False),
    ],
    ids=["alone", "operator", "tenant", "proxy", "issuer", "claim", "issued"],
)
def test_what_is_shared_is_the_operators_where_any_caller_has_a_tenant(
    tmp_path: Path, others: str, may: bool
) -> None:
    """Without rules for any tenant, too: tenants have folders, and metrics tell of all of them."""
    web, table = caller("web")
    boss, everything = caller("owner", 'tenant = "*"')
    part = AccessPart(settings_of(tmp_path, table + everything + others).access, lambda: 0.0)
    assert changes_what_is_shared(part, web) is may
    assert changes_what_is_shared(part, boss)


def test_the_file_of_callers_can_bring_the_first_tenant(tmp_path: Path) -> None:
    """From then on what is shared is the operator's, for those who have called before as well."""
    web, table = caller("web")
    path = tmp_path / "keys.toml"
    path.write_text("")
    settings = settings_of(tmp_path, f"access.keys_file = {json.dumps(str(path))}\n" + table)
    part = AccessPart(settings.access, lambda: 0.0)
    part.start()
    assert changes_what_is_shared(part, web)
    path.write_text(caller("gold", 'tenant = "gold"')[1])
    follower = next(one for one in part._refreshers if isinstance(one, KeysFile))
    for _ in range(2):
        follower.look()
    assert not changes_what_is_shared(part, web)
    part.close()


def test_what_is_shared_is_the_operators_until_the_last_tenants_key_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two steps of a change nobody may do what is allowed neither before nor after."""
    gold, table = caller("gold", 'tenant = "gold"')
    path = tmp_path / "keys.toml"
    path.write_text(table)
    settings = settings_of(tmp_path, f"access.keys_file = {json.dumps(str(path))}\n")
    part = AccessPart(settings.access, lambda: 0.0)
    part.start()
    guard, between = part.guard, list[bool]()
    assert guard is not None
    replace, web = guard.replace_keys, caller("web")

    def watched(keys: Any) -> None:
        between.append(changes_what_is_shared(part, gold))
        replace(keys)

    monkeypatch.setattr(guard, "replace_keys", watched)
    path.write_text(web[1])
    follower = next(one for one in part._refreshers if isinstance(one, KeysFile))
    for _ in range(2):
        follower.look()
    assert between == [False]
    assert changes_what_is_shared(part, web[0])
    part.close()


def test_two_threads_find_one_account() -> None:
    """A tenant's quota would be as many as there are accounts."""
    tenancy = Tenancy({})
    found: list[Account] = []

    class Rules(dict[str, TenantRules]):
        """Another thread makes one between the look and the note."""

        def get(self, name: Any, default: Any = None) -> Any:
            """As a dict's."""
            if not found:
                found.append(Account(name, 0, TenantRules()))
                tenancy._accounts[name] = found[0]
            return default

    tenancy._rules = Rules()
    assert tenancy.account("gold") is found[0] is tenancy.account("gold")


def test_a_key_of_two_callers_is_refused(tmp_path: Path) -> None:
    """It would stand for the one that is written last, and so for what nobody meant."""
    kept = str(new_key()[1])
    path = tmp_path / "keys.toml"
    path.write_text(caller("boss", 'tenant = "*"', kept)[1])
    table = f"access.keys_file = {json.dumps(str(path))}\n" + caller("web", "", kept)[1]
    part = AccessPart(settings_of(tmp_path, table).access, lambda: 0.0)
    with pytest.raises(KeysFileError, match="two callers") as raised:
        part.start()
    assert kept.partition(":")[0] in str(raised.value)
    assert kept.partition(":")[2] not in str(raised.value)


def test_a_change_shows_where_size_and_time_stay(tmp_path: Path) -> None:
    """All hashes are of one length, and tools that copy files copy their times."""
    path = tmp_path / "keys.toml"
    path.write_text(caller("old")[1])
    os.utime(path, ns=(0, 0))
    told: list[list[str]] = []
    follower = KeysFile(path, 3600.0, lambda keys: told.append(sorted(keys)))
    follower.start()
    path.write_text(caller("new")[1])
    os.utime(path, ns=(0, 0))
    for _ in range(2):
        follower.look()
    follower.close()
    assert told == [["old"], ["new"]]


def test_a_supervisor_tells_of_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    """As of everything else that keeps it from starting: by the error that ends in one line."""
    missing = json.dumps(str(tmp_path / "none.toml"))
    text = f'access.keys_file = {missing}\nserver.http_auth = "always"\n'
    access = http_access(settings_of(tmp_path, text))
    assert access is not None
    with pytest.raises(MonitoringError, match="cannot be read"):
        start_access(access)
