"""Half-written files: nothing is loaded before its files rest, by a clock that is passed in."""

import shutil
from pathlib import Path

import pytest

from stubtail.models.layout import Found, Scan
from stubtail.models.settling import Settling
from tests.unit.models.repository_bench import Bench


def scan(unknown=(), **versions):
    """A scan of the model `m`; `v1="a"` says that version 1 has the files `a`."""
    found = {name[1:]: Found(Path(name), ((text, 1, 1, 1),)) for name, text in versions.items()}
    models = {} if "m" in unknown else {"m": found}
    return Scan(models=models, unknown=frozenset(unknown), root=(1, 1))


def words(settled):
    """The settled versions of the model, by the word of their files."""
    return {version: found.fingerprint[0][0] for version, found in settled["m"].items()}


def test_new_files_wait():
    """A new version is there once its files have not changed for the settling time."""
    settling = Settling(0.25)
    settled, wait_s = settling.observe(scan(v1="a"), 10.0)
    assert words(settled) == {}
    assert wait_s == pytest.approx(0.25)
    settled, wait_s = settling.observe(scan(v1="b"), 10.125)  # still being written
    assert words(settled) == {}
    assert wait_s == pytest.approx(0.25)
    settled, wait_s = settling.observe(scan(v1="b"), 10.25)
    assert words(settled) == {}
    assert wait_s == pytest.approx(0.125)
    settled, wait_s = settling.observe(scan(v1="b"), 10.375)
    assert words(settled) == {"1": "b"}
    assert wait_s is None


def test_known_files_stay_meanwhile():
    """While a known version is rewritten, its old state stands, so that nothing is unloaded."""
    settling = Settling(0.25)
    settling.observe(scan(v1="a"), 0.0, at_once=lambda _: True)
    settled, wait_s = settling.observe(scan(v1="b", v2="x"), 1.0)
    assert words(settled) == {"1": "a"}
    assert wait_s is not None
    assert words(settling.observe(scan(v1="b", v2="x"), 1.25)[0]) == {"1": "b", "2": "x"}


def test_removed_files_are_gone_at_once():
    """Absence needs no settling: the policy decides what follows from it."""
    settling = Settling(0.2)
    settling.observe(scan(v1="a", v2="a"), 0.0, at_once=lambda _: True)
    assert words(settling.observe(scan(v1="a"), 0.1)[0]) == {"1": "a"}


def test_at_once():
    """At the start, and for the model that an operator loads, files are taken as they are."""
    settling = Settling(0.2)
    settled, wait_s = settling.observe(scan(v1="a"), 0.0, at_once=lambda name: name == "m")
    assert words(settled) == {"1": "a"}
    assert wait_s is None
    settled, _ = settling.observe(scan(v1="b"), 0.0, at_once=lambda name: name == "other")
    assert words(settled) == {"1": "a"}


def test_a_model_that_cannot_be_read_keeps_its_state():
    """After a glitch of the disk, known versions are known at once."""
    settling = Settling(0.2)
    settling.observe(scan(v1="a"), 0.0, at_once=lambda _: True)
    settling.observe(scan(unknown=("m",)), 1.0)
    assert words(settling.observe(scan(v1="a"), 2.0)[0]) == {"1": "a"}


def test_no_settling_time():
    """Zero switches settling off."""
    assert words(Settling(0.0).observe(scan(v1="a"), 0.0)[0]) == {"1": "a"}


def test_what_settles_is_found_by_its_model():
    """Each model is asked about in each look, and in a fresh copy of the folder all settle."""
    compared = []

    class Name(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other):
            compared.append(other)
            return str.__eq__(self, other)

    found = Found(Path("1"), (("a", 1, 1, 1),))
    models = {f"m{number}": {"1": found} for number in range(100)}
    settling = Settling(0.2)
    settling.observe(Scan(models=models, root=(1, 1)), 0.0)
    assert settling.pending(Name("m7")) == {"1"}
    assert not settling.pending(Name("other"))
    assert len(compared) < 10
    settling.observe(Scan(models=models, root=(1, 1)), 0.2)
    assert not settling.pending("m7")


async def test_a_model_between_a_bad_version_and_the_next_is_not_gone(tmp_path):
    """Its folder is there, so callers are told to wait, even before the new files rest."""
    bench = Bench(tmp_path)
    broken = bench.break_("1")
    await bench.settle()
    assert bench.error("m").reason == "MODEL_FAILED"
    bench.put("2", offset=2.0)
    shutil.rmtree(broken)
    await bench.repository.refresh()
    assert bench.error("m").reason == "MODEL_LOADING"
    assert bench.states() == {"m@2": "LOADING"}
    await bench.settle()
    assert bench.answer() == 2.0
    shutil.rmtree(tmp_path / "m")
    await bench.repository.refresh()
    assert bench.error("m").reason == "MODEL_NOT_FOUND"
