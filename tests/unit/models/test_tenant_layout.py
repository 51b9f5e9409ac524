"""Folders of tenants among the models: whose each model is, and what is a problem there."""

import os
from pathlib import Path
from typing import Any

import pytest

from stubtail.models.keys import model_key, name_of, tenant_of
from stubtail.models.layout import Scan, scan_models
from stubtail.models.repository import ModelState, Repository, RepositoryOptions
from stubtail.models.settling import Settling
from tests import model_files


def scan(root: Path, *, models_max: int = 100, tenants: bool = True) -> Scan:
    """A look at `root`."""
    return scan_models(root, models_max=models_max, versions_max=9, tenants=tenants)


def put(path: Path) -> None:
    """Writes a graph, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"graph")


def put_link(path: Path, target: Path) -> None:
    """Makes a link, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def test_a_key_is_taken_apart_as_it_was_made() -> None:
    """Shared models have no tenant."""
    assert model_key("", "churn") == name_of("churn") == "churn"
    assert tenant_of("churn") == ""
    key = model_key("a.b-c_1", "churn.v2")
    assert (tenant_of(key), name_of(key)) == ("a.b-c_1", "churn.v2")


def test_each_layout_within_a_tenants_folder(tmp_path: Path) -> None:
    """Folders of versions, a folder with a graph, and a graph alone; tenants have no tenants."""
    put(tmp_path / "churn" / "1" / "model.onnx")
    put(tmp_path / "@acme" / "churn" / "3" / "model.onnx")
    put(tmp_path / "@acme" / "flat" / "model.onnx")
    put(tmp_path / "@acme" / "single.onnx")
    put(tmp_path / "@acme" / "@inner" / "churn" / "1" / "model.onnx")
    put(tmp_path / "@rival" / "churn" / "1" / "model.onnx")
    found = scan(tmp_path)
    assert {key: sorted(versions) for key, versions in found.models.items()} == {
        "churn": ["1"],
        "acme/churn": ["3"],
        "acme/flat": ["1"],
        "acme/single": ["1"],
        "rival/churn": ["1"],
    }
    assert found.problems == ()


@pytest.mark.parametrize("name", ["@", "@a b", "@" + "x" * 65, "@*"])
def test_a_folder_that_can_be_no_tenants_is_a_problem(tmp_path: Path, name: str) -> None:
    """It says how to mend it."""
    put(tmp_path / name / "churn" / "1" / "model.onnx")
    found = scan(tmp_path)
    assert not found.models
    assert len(found.problems) == 1
    assert "rename it" in found.problems[0]


def test_without_callers_they_are_not_looked_into(tmp_path: Path) -> None:
    """Or everybody would get what is one tenant's alone."""
    put(tmp_path / "@acme" / "churn" / "1" / "model.onnx")
    found = scan(tmp_path, tenants=False)
    assert not found.models
    assert "credentials" in found.problems[0]


def test_too_many_models_are_those_of_tenants_first(tmp_path: Path) -> None:
    """What all share is served before what one has."""
    for key in ("@a/x", "@b/x", "y", "z"):
        put(tmp_path / key / "1" / "model.onnx")
    found = scan(tmp_path, models_max=3)
    assert sorted(found.models) == ["a/x", "y", "z"]
    assert found.unknown == {"b/x"}


def test_a_tenant_with_many_models_crowds_out_nobody_elses(tmp_path: Path) -> None:
    """Each has one, then each has two: the last ones of whoever has most are left out."""
    for key in ("@a/1", "@a/2", "@a/3", "@a/4", "@b/1", "@c/8", "@c/9", "y"):
        put(tmp_path / key / "1" / "model.onnx")
    found = scan(tmp_path, models_max=6)
    assert sorted(found.models) == ["a/1", "a/2", "b/1", "c/8", "c/9", "y"]
    assert found.unknown == {"a/3", "a/4"}


def test_a_folder_that_cannot_be_read_takes_nothing_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is known of its models, so they stay as they are."""
    put(tmp_path / "@acme" / "churn" / "1" / "model.onnx")
    scandir = os.scandir

    def refusing(folder: Path) -> Any:
        if folder == tmp_path / "@acme":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    found = scan(tmp_path)
    assert found.skipped("acme/churn")
    assert not found.skipped("churn")
    assert "@acme" in found.problems[0]


def test_what_is_skipped_keeps_its_settled_files(tmp_path: Path) -> None:
    """Also where all that is known is whose models they were."""
    put(tmp_path / "@acme" / "churn" / "1" / "model.onnx")
    settling = Settling(1.0)
    before = scan(tmp_path)
    settling.observe(before, 0.0, at_once=lambda _: True)
    settling.observe(Scan(unread=frozenset({"acme"}), root=before.root), 1.0)
    settled, _ = settling.observe(before, 2.0)
    assert list(settled["acme/churn"]) == ["1"]


async def test_no_link_leads_to_another_tenants_model(tmp_path: Path) -> None:
    """Who writes to one tenant's folder must not get at what is in another's; within it is fine."""
    for name in ("@rival/plans", "@acme/own"):
        model_files.write_model(tmp_path / name / "1", model_files.affine())
    (tmp_path / "@acme" / "alias").symlink_to(tmp_path / "@acme" / "own")
    (tmp_path / "@acme" / "stolen").symlink_to(tmp_path / "@rival" / "plans")
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    model_files.write_model(elsewhere / "churn" / "1", model_files.affine())
    (tmp_path / "@linked").symlink_to(elsewhere)
    repository = Repository(tmp_path, options=RepositoryOptions(watch=False, tenants=True))
    await repository.start()
    try:
        assert set(repository.routes) == {
            f"{name}{at}" for name in ("acme/own", "acme/alias", "rival/plans") for at in ("", "@1")
        }
        reasons = {status.name: status.reason for status in repository.index()}
        assert "acme/stolen" not in reasons
        assert "it is a link that leaves the folder" in reasons["linked/churn"]
    finally:
        await repository.aclose()


@pytest.mark.parametrize("link", ["", ".onnx", "/1", "/1/model.onnx", "/1/model.json"])
async def test_a_link_does_not_tell_what_lies_elsewhere(tmp_path: Path, link: str) -> None:
    """Who writes to one tenant's folder could ask for any name by a link, and see what becomes."""
    model_files.write_model(tmp_path / "@rival" / "plans" / "7", model_files.affine())
    target = tmp_path / "@rival" / "plans"
    for part in [part for part in link.split("/") if part]:
        target = target / part.replace("1", "7").replace(".json", ".onnx")
    if link == ".onnx":
        target = tmp_path / "@rival" / "plans" / "7" / "model.onnx"
    assert target.exists()
    for name, to in (("right", target), ("wrong", tmp_path / "@rival" / "nothing")):
        put_link(Path(f"{tmp_path}/@acme/{name}{link}"), to)
    repository = Repository(tmp_path, options=RepositoryOptions(watch=False, tenants=True))
    await repository.start()
    try:
        told = [(one.name, one.version, one.state, one.reason) for one in repository.index()]
        assert not {name for name, *_ in told} & {"acme/plans", "acme/7"}
        right = [one for one in told if one[0] == "acme/right"]
        wrong = [
            (name.replace("wrong", "right"), version, state, reason.replace("wrong", "right"))
            for name, version, state, reason in told
            if name == "acme/wrong"
        ]
        assert right == wrong
        assert ("rival/plans", "7", ModelState.READY, "") in told
    finally:
        await repository.aclose()
