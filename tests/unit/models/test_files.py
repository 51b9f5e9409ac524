"""Reading files: bounded, regular, and inside the folder."""

import os
import tracemalloc

import pytest

from stubtail.models.errors import ModelError
from stubtail.models.files import read_within


def read(root, path, bytes_max=100):
    """Reads `path` as the loader does."""
    return read_within(root, path, bytes_max=bytes_max, where="m/1/model.onnx")


@pytest.fixture
def folder(tmp_path):
    """A version with a file, below the folder `models`."""
    folder = tmp_path / "models" / "m" / "1"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"graph")
    return folder


def test_reads_a_file(folder, tmp_path):
    """A regular file arrives whole; one of exactly the bound does too."""
    assert read(tmp_path / "models", folder / "model.onnx", bytes_max=5) == b"graph"


def test_bound(folder, tmp_path):
    """A larger file is refused with its size and the limit."""
    with pytest.raises(ModelError, match="it has 5 bytes, the limit is 4"):
        read(tmp_path / "models", folder / "model.onnx", bytes_max=4)


def test_links_inside_are_followed(folder, tmp_path):
    """Volumes of Kubernetes are links within the volume: they are served."""
    (folder / "..data").symlink_to(".")
    (folder / "link.onnx").symlink_to("..data/model.onnx")
    assert read(tmp_path / "models", folder / "link.onnx") == b"graph"


def test_a_link_to_the_root_is_followed(folder, tmp_path):
    """The folder of models itself may be a link."""
    (tmp_path / "link").symlink_to("models")
    assert read(tmp_path / "link", tmp_path / "link/m/1/model.onnx") == b"graph"


@pytest.mark.parametrize("target", [".", "../..", "../../m"])
def test_a_link_to_a_folder_is_no_file(folder, tmp_path, target):
    """Also one to the folder of models itself."""
    (folder / "link.onnx").symlink_to(target)
    with pytest.raises(ModelError, match="is a directory"):
        read(tmp_path / "models", folder / "link.onnx")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../secret"])
def test_links_that_leave_are_refused(folder, tmp_path, target):
    """A file or a folder that is a link to elsewhere is not read."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "model.onnx").write_bytes(b"secret")
    (folder / "link").symlink_to(target)
    path = folder / "link"
    with pytest.raises(ModelError, match="leaves the folder of models"):
        read(tmp_path / "models", path if path.is_file() else path / "model.onnx")


def test_a_link_exchanged_after_the_check(folder, tmp_path, monkeypatch):
    """The path that was checked is opened without links, so exchanging a part for one fails."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "model.onnx").write_bytes(b"secret")
    folder.rename(tmp_path / "aside")
    folder.symlink_to(secret)
    monkeypatch.setattr(os.path, "realpath", lambda path, **_: str(path))
    with pytest.raises(ModelError):
        read(tmp_path / "models", folder / "model.onnx")


def test_not_a_regular_file(folder, tmp_path):
    """Folders, pipes and devices are refused, without waiting for a writer."""
    os.mkfifo(folder / "pipe.onnx")
    with pytest.raises(ModelError, match="not a regular file"):
        read(tmp_path / "models", folder / "pipe.onnx")
    with pytest.raises(ModelError):
        read(tmp_path / "models", folder)


def test_missing_and_unreadable(folder, tmp_path, monkeypatch):
    """The message says whether a file is missing or may not be read."""
    with pytest.raises(ModelError, match="there is no such file; put it there"):
        read(tmp_path / "models", folder / "other.onnx")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", "/secret/path")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ModelError, match="permission denied") as caught:
        read(tmp_path / "models", folder / "model.onnx")
    assert "/secret/path" not in str(caught.value)


def test_memory_is_for_the_file_and_not_for_the_bound(folder, tmp_path):
    """A generous bound costs nothing: only the file's own size is allocated."""
    tracemalloc.start()
    read(tmp_path / "models", folder / "model.onnx", bytes_max=10**9)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**6
