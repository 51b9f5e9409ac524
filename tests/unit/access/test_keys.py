"""API keys: what is kept of them, and who is recognised by them."""

import hmac
import sys
import tomllib

import pytest

from stubtail.access import keys
from stubtail.access.keys import KeyRing, looks_like_key, new_key, parse_hash
from stubtail.access_command import keys as keys_command


def test_a_new_key_is_recognised_by_its_hash_alone() -> None:
    """What `keys new` prints for the settings finds the owner of the key, and no other."""
    key, kept = new_key()
    ring = KeyRing([("web", [parse_hash(str(kept))], 9.0)])
    assert ring.find(key.encode()) == ("web", 9.0)
    assert key not in str(kept)
    assert looks_like_key(key.encode())


def test_a_key_is_printed_once_with_its_hash(capsys: pytest.CaptureFixture[str]) -> None:
    """And the hash is that of the key, in TOML that the settings take, whatever the name is."""
    for name in ("web", 'a "b".c'):
        assert keys_command(["new", "--name", name], sys.stdout) == 0
        first, _, *settings = capsys.readouterr().out.splitlines()
        assert first.startswith("key, shown only now:")
        ((found, entry),) = tomllib.loads("\n".join(settings))["access"]["keys"].items()
        assert found == name
        ring = KeyRing([(name, [parse_hash(text) for text in entry["hashes"]], 1.0)])
        assert ring.find(first.split()[-1].encode()) == (name, 1.0)


def test_two_keys_are_live_while_one_is_exchanged() -> None:
    """Both find the owner."""
    (old, old_hash), (new, new_hash) = new_key(), new_key()
    ring = KeyRing([("web", [old_hash, new_hash], 1.0)])
    assert ring.find(old.encode()) == ring.find(new.encode()) == ("web", 1.0)


def test_every_key_is_another_one() -> None:
    """Ids and secrets."""
    made = {new_key()[0] for _ in range(200)}
    assert len({key.split("_")[1] for key in made}) == len(made) == 200


@pytest.mark.parametrize("change", ["last", "first", "id", "cut", "longer", "space"])
def test_a_key_that_differs_is_nobodys(change: str) -> None:
    """In any place."""
    key, kept = new_key()
    ring = KeyRing([("web", [kept], 1.0)])
    wrong = {
        "last": key[:-1] + ("A" if key[-1] != "A" else "B"),
        "first": key[:13] + ("A" if key[13] != "A" else "B") + key[14:],
        "id": "stk_" + ("a" if key[4] != "a" else "b") + key[5:],
        "cut": key[:-1],
        "longer": key + "A",
        "space": key + " ",
    }[change]
    assert ring.find(wrong.encode()) is None


def test_an_unknown_id_takes_the_steps_of_a_wrong_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """One hash and one comparison in constant time each, so that time does not tell ids."""
    compared: list[tuple[int, int]] = []

    def compare(left: bytes, right: bytes) -> bool:
        compared.append((len(left), len(right)))
        return hmac.compare_digest(left, right)

    monkeypatch.setattr(keys, "compare_digest", compare)
    key, kept = new_key()
    ring = KeyRing([("web", [kept], 1.0)])
    stranger = new_key()[0]
    for tried in (key[:-2] + "AA", stranger, "stk_", "nonsense"):
        assert ring.find(tried.encode()) is None
    assert compared == [(32, 32)] * 4


@pytest.mark.parametrize(
    "text", ["", "abc", "stk_abcdefgh_secret", "abcdefgh:12", "ABCDEFGH:" + "0" * 64]
)
def test_what_is_no_hash_is_not_repeated(text: str) -> None:
    """It may be the key itself, put there by mistake."""
    with pytest.raises(ValueError, match="keys new") as caught:
        parse_hash(text)
    assert not text or text not in str(caught.value)
