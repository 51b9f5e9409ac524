"""The file of callers: read when it rests, kept when it is wrong; and what the guard then does."""

import json
from pathlib import Path

import pytest

from stubtail.access.callers import Caller
from stubtail.access.guard import Guard
from stubtail.access.keys import KeyRing, new_key
from stubtail.access.keys_file import KeysFile, KeysFileError, read_keys
from stubtail.access.part import AccessPart
from stubtail.access.scopes import grants_of
from stubtail.config import load
from stubtail.errors import CallError
from tests.unit.access.test_guard import KEYS, MADE, SCORE, SIGNER, guard_of, reason


def write(path: Path, *names: str, more: str = "") -> None:
    """A file with these callers, each with a hash of its own."""
    tables = [f'[access.keys.{name}]\nhashes = ["{new_key()[1]}"]\n' for name in names]
    path.write_text("".join(tables) + more)


class Followed:
    """A file that is looked at when a test says so, and what was told."""

    def __init__(self, path: Path) -> None:
        self.told: list[list[str]] = []
        self.file = KeysFile(path, 3600.0, lambda keys: self.told.append(sorted(keys)))
        self.file.start()


def test_a_change_is_taken_when_it_rests(tmp_path: Path) -> None:
    """At the second look that sees the same; what has not changed is not read again."""
    path = tmp_path / "keys.toml"
    write(path, "web")
    followed = Followed(path)
    followed.file.look()
    assert followed.told == [["web"]]
    write(path, "web", "batch")
    followed.file.look()
    assert followed.told == [["web"]]
    write(path, "web", "batch", "third")  # it is still being written
    followed.file.look()
    assert followed.told == [["web"]]
    followed.file.look()
    followed.file.look()
    assert followed.told == [["web"], ["batch", "third", "web"]]
    followed.file.close()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[access.keys.web", "not valid TOML"),
        ('[access.keys.web]\nhashes = ["stk_secret"]\n', "stubtail keys new"),
        ("[server]\nport = 1\n", "may only have"),
        ('[access]\nreflection = "open"\n', "may only have"),
        ("[access.keys.web]\nhashes = []\n", "one or two hashes"),
        pytest.param("", "it is empty", id="empty"),
    ],
)
def test_what_is_wrong_never_replaces_what_works(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str, said: str
) -> None:
    """It is told once, without a word of what may be a key; a start with it fails."""
    path = tmp_path / "keys.toml"
    write(path, "web")
    followed = Followed(path)
    path.write_text(content)
    for _ in range(4):
        followed.file.look()
    assert followed.told == [["web"]]
    (record,) = [one for one in caplog.records if one.msg == "callers kept"]
    assert said in record.problem  # type: ignore[attr-defined]  # our own field
    assert "secret" not in caplog.text
    if content:  # before there was any key, none is what the owner may mean
        with pytest.raises(KeysFileError):
            read_keys(path)
    path.unlink()
    for _ in range(3):
        followed.file.look()
    assert followed.told == [["web"]]
    write(path, "new")
    for _ in range(2):
        followed.file.look()
    assert followed.told[-1] == ["new"]


def test_keys_come_and_go_and_others_stay(tmp_path: Path) -> None:
    """Two live keys while one is exchanged; who has gone is refused at the next call."""
    (old, old_hash), (new, new_hash) = new_key(), new_key()
    path = tmp_path / "keys.toml"
    settings = tmp_path / "stubtail.toml"
    settings.write_text(f"[access]\nkeys_file = {json.dumps(str(path))}\nreload_ms = 3600000\n")

    def hashes(*kept: object) -> None:
        names = json.dumps([str(one) for one in kept])
        path.write_text(f'[access.keys.web]\nhashes = {names}\nscopes = ["stubtail:predict"]\n')

    hashes(old_hash)
    part = AccessPart(load(settings, (), {}).access, lambda: 0.0)
    part.start()
    guard = part.guard
    assert isinstance(guard, Guard)

    def says(key: str) -> str:
        try:
            return guard.admit(f"Bearer {key}", SCORE, 0.0).identity.caller
        except CallError as error:
            return error.reason

    follower = next(one for one in part._refreshers if isinstance(one, KeysFile))

    def follow() -> None:
        for _ in range(2):
            follower.look()

    assert (says(old), says(new)) == ("key:web", "CREDENTIAL_INVALID")
    hashes(old_hash, new_hash)
    follow()
    assert (says(old), says(new)) == ("key:web", "key:web")
    hashes(new_hash)
    follow()
    assert (says(old), says(new)) == ("CREDENTIAL_INVALID", "key:web")
    part.close()


def test_a_name_that_the_settings_have_is_refused(tmp_path: Path) -> None:
    """Or a file could take over a caller that the settings describe."""
    path = tmp_path / "keys.toml"
    write(path, "web")
    settings = tmp_path / "stubtail.toml"
    write(settings, "web")
    settings.write_text(f"access.keys_file = {json.dumps(str(path))}\n" + settings.read_text())
    part = AccessPart(load(settings, (), {}).access, lambda: 0.0)
    with pytest.raises(KeysFileError, match="web"):
        part.start()


def test_only_callers_by_key_are_looked_at_again() -> None:
    """A token that was verified is not verified again, and a proxy's tenants go with its key."""
    guard = guard_of()
    token = f"Bearer {SIGNER.token()}"
    before = guard.admit(token, SCORE, 0.0).identity
    assert guard.admit(KEYS["gateway"], SCORE, 0.0, tenant="acme").identity.tenant == "acme"
    caller = Caller("key:acme", "acme", grants_of(["stubtail:predict"]))
    guard.replace_keys(KeyRing([(caller, [MADE["acme"][1]], 1e12)]))
    assert guard.admit(token, SCORE, 0.0).identity is before
    assert reason(guard, KEYS["gateway"], tenant="acme") == "CREDENTIAL_INVALID"
    assert reason(guard, KEYS["web"]) == "CREDENTIAL_INVALID"
    assert guard.admit(KEYS["acme"], SCORE, 0.0).identity.caller == "key:acme"


def test_a_proxys_calls_have_the_rights_that_it_has_now() -> None:
    """A thread that was slow with its old key must not leave its grants behind."""
    guard = guard_of()
    before = guard.identify(KEYS["gateway"], 0.0)
    caller = Caller("key:gateway", "", grants_of(["stubtail:read"]), proxy=True)
    guard.replace_keys(KeyRing([(caller, [MADE["gateway"][1]], 1_050.0)]))
    guard.enter(before, SCORE, "acme")
    assert reason(guard, KEYS["gateway"], tenant="acme") == "SCOPE_MISSING"


def test_who_is_looked_up_while_keys_are_exchanged_is_not_remembered() -> None:
    """A thread that found the old key must not bring it back."""
    guard = guard_of()
    real = guard._look
    rings: list[KeyRing[Caller]] = []

    def slow(credential: str, now: float) -> object:
        found = real(credential, now)
        if not rings:
            rings.append(KeyRing[Caller](()))
            guard.replace_keys(rings[0])
        return found

    guard._look = slow  # type: ignore[method-assign,assignment]  # between look-up and memory
    assert guard.admit(KEYS["web"], SCORE, 0.0)
    assert reason(guard, KEYS["web"]) == "CREDENTIAL_INVALID"


def test_who_is_alone_has_the_whole_queue_until_others_come(tmp_path: Path) -> None:
    """A key of a tenant in the file is the first; when it goes, it is as before."""
    path, settings = tmp_path / "keys.toml", tmp_path / "stubtail.toml"
    write(path, "web")
    settings.write_text(f"access.keys_file = {json.dumps(str(path))}\n")
    part = AccessPart(load(settings, (), {}).access, lambda: 0.0)
    assert part.tenancy is not None
    common = part.tenancy.account("")
    shares = []
    for tenant in ("", "acme", ""):
        write(path, "web", more=f"tenant = {json.dumps(tenant)}\n")
        part._keys_changed(read_keys(path))
        shares.append((common.queue_share, part.tenancy.account("acme").queue_share))
    assert shares == [(1.0, 1.0), (0.5, 0.5), (1.0, 1.0)]
