"""Reading the files of a version: hashes, bounds, and nothing from elsewhere."""

import hashlib

import pytest

from stubtail.models import source as module
from stubtail.models.errors import ModelError
from stubtail.models.source import read_version
from tests import model_files
from tests.model_files import write_model


def read(path, root, graph=10**6, manifest=10**6):
    """The files."""
    return read_version(path, root, graph_bytes_max=graph, manifest_bytes_max=manifest)


def test_what_is_read_is_hashed(tmp_path):
    """Both hashes are those of the files."""
    graph = model_files.scoring()
    folder = write_model(tmp_path / "m" / "1", graph, model_files.manifest(graph))
    found = read(folder, tmp_path)
    assert found.data == graph
    assert found.sha256 == hashlib.sha256(graph).hexdigest()
    text = (folder / "model.json").read_bytes()
    assert found.manifest_sha256 == hashlib.sha256(text).hexdigest()
    assert found.manifest_bytes == len(text)
    assert found.where == "m/1/model.onnx"


def test_a_manifest_of_too_many_values(tmp_path, monkeypatch):
    """A small file of many empty lists would take a hundred times its size."""
    monkeypatch.setattr(module, "MANIFEST_ITEMS_MAX", 50)
    folder = write_model(tmp_path / "m" / "1", model_files.affine())
    (folder / "model.json").write_text("[" + "[]," * 60 + "[]]")
    with pytest.raises(ModelError, match="more than 50 values"):
        read(folder, tmp_path)


def test_no_hint_tells_what_lies_elsewhere(tmp_path):
    """A folder that is a link to elsewhere is refused without naming a file there."""
    write_model(tmp_path / "private", model_files.affine()).joinpath("model.onnx").rename(
        tmp_path / "private" / "payroll.onnx"
    )
    root = tmp_path / "root"
    (root / "m").mkdir(parents=True)
    (root / "m" / "1").symlink_to(tmp_path / "private")
    with pytest.raises(ModelError) as caught:
        read(root / "m" / "1", root)
    assert "payroll" not in str(caught.value)


def test_a_folder_of_many_files_is_looked_at_in_part(tmp_path, monkeypatch):
    """The hint costs a bounded look."""
    monkeypatch.setattr(module, "ENTRIES_MAX", 3)
    folder = tmp_path / "m" / "1"
    folder.mkdir(parents=True)
    for number in range(10):
        (folder / f"{number}.txt").touch()
    with pytest.raises(ModelError, match="there is no such file"):
        read(folder, tmp_path)
