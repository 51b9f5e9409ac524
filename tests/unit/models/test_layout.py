"""Looking at a folder of models: what is a version, what is ignored, what is a problem."""

import os

import pytest

from stubtail.models.layout import scan_models


def scan(root, models_max=100, versions_max=100):
    """A look at `root`."""
    return scan_models(root, models_max=models_max, versions_max=versions_max)


def put(path, data=b"graph"):
    """Writes a file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def versions(root):
    """The versions of each model."""
    return {name: sorted(found) for name, found in scan(root).models.items()}


def test_the_three_layouts(tmp_path):
    """Folders of versions, a folder with a graph, and a graph alone are models."""
    put(tmp_path / "churn" / "1" / "model.onnx")
    put(tmp_path / "churn" / "12" / "model.onnx")
    put(tmp_path / "flat" / "model.onnx")
    single = put(tmp_path / "single.onnx")
    assert versions(tmp_path) == {"churn": ["1", "12"], "flat": ["1"], "single": ["1"]}
    found = scan(tmp_path)
    assert found.models["churn"]["12"].path == tmp_path / "churn" / "12"
    assert found.models["flat"]["1"].path == tmp_path / "flat"
    assert found.models["single"]["1"].path == single
    assert found.problems == ()
    info = tmp_path.stat()
    assert found.root == (info.st_dev, info.st_ino)


def test_what_is_ignored(tmp_path):
    """Hidden and temporary names, other files and other folders are nobody's models."""
    for name in (".git/1/model.onnx", ".x.onnx", "a.onnx.tmp", "b.onnx~", "c.onnx.part"):
        put(tmp_path / name)
    put(tmp_path / "README.md")
    put(tmp_path / "lost+found" / "1" / "model.onnx")
    put(tmp_path / "docs" / "page.html")
    put(tmp_path / "churn" / "1" / "model.onnx")
    put(tmp_path / "churn" / "2.tmp" / "model.onnx")
    put(tmp_path / "churn" / "archive" / "model.onnx")
    assert versions(tmp_path) == {"churn": ["1"], "docs": []}
    assert scan(tmp_path).problems == ()


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("my model.onnx", "my model.onnx: no name for a model"),
        ("my model/1/model.onnx", "my model: no name for a model"),
        ("churn/01/model.onnx", "churn/01: no version; rename it"),
        ("churn/0/model.onnx", "churn/0: no version; rename it"),
        ("churn/\u00b2/model.onnx", "churn/\u00b2: no version"),
        ("churn/" + "9" * 30 + "/model.onnx", "no version"),
    ],
)
def test_names_that_cannot_be_served(tmp_path, path, told):
    """A model under a wrong name is told with the mend, and the others are served."""
    put(tmp_path / path)
    put(tmp_path / "good.onnx")
    found = scan(tmp_path)
    assert told in found.problems[0]
    assert "good" in found.models


def test_two_layouts_of_one_name(tmp_path):
    """Where two layouts collide, folders of versions win and the other one is told."""
    put(tmp_path / "churn" / "1" / "model.onnx")
    put(tmp_path / "churn" / "model.onnx")
    put(tmp_path / "churn.onnx")
    found = scan(tmp_path)
    assert found.models["churn"]["1"].path == tmp_path / "churn" / "1"
    assert len(found.problems) == 2


def test_fingerprints_change_with_the_files(tmp_path):
    """Content, replacement by rename and the manifest count; other files do not."""
    graph = put(tmp_path / "m" / "1" / "model.onnx")

    def fingerprint():
        return scan(tmp_path).models["m"]["1"].fingerprint

    first = fingerprint()
    assert fingerprint() == first
    put(tmp_path / "m" / "1" / "README.md")
    assert fingerprint() == first
    put(tmp_path / "m" / "1" / "model.json")
    second = fingerprint()
    assert second != first
    info = graph.stat()
    replacement = put(tmp_path / "new", b"other")
    os.utime(replacement, ns=(info.st_atime_ns, info.st_mtime_ns))
    replacement.rename(graph)
    assert graph.stat().st_size == info.st_size
    assert fingerprint() != second  # same size, same times: the inode tells


def test_links_count_by_their_target(tmp_path):
    """Exchanging a link, as Kubernetes does with volumes, changes the fingerprint."""
    put(tmp_path / "m" / "..1" / "model.onnx")
    put(tmp_path / "m" / "..2" / "model.onnx")
    link = tmp_path / "m" / "1"
    link.symlink_to("..1")
    first = scan(tmp_path).models["m"]["1"].fingerprint
    link.unlink()
    link.symlink_to("..2")
    assert scan(tmp_path).models["m"]["1"].fingerprint != first


def test_broken_links(tmp_path):
    """Links to nowhere and to themselves do not stop the scan."""
    (tmp_path / "m" / "1").mkdir(parents=True)
    (tmp_path / "m" / "1" / "model.onnx").symlink_to("nowhere")
    (tmp_path / "m" / "2").symlink_to("2")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "gone.onnx").symlink_to("nowhere")
    assert versions(tmp_path) == {"m": ["1"], "gone": ["1"]}


def test_bounds(tmp_path):
    """Models beyond the bound are unknown, not gone; versions beyond it are the lowest."""
    for name in "abc":
        for version in range(1, 5):
            put(tmp_path / name / str(version) / "model.onnx")
    found = scan(tmp_path, models_max=2, versions_max=2)
    assert sorted(found.models) == ["a", "b"]
    assert found.unknown == {"c"}
    assert sorted(found.models["a"]) == ["3", "4"]
    assert "more than 2 models" in found.problems[0]


def test_a_missing_root(tmp_path):
    """A missing folder, or a file in its place, is a problem with a mend; nothing is known."""
    found = scan(tmp_path / "none")
    assert found.root is None
    assert "no such file or directory; make it a readable folder" in found.problems[0]
    assert scan(put(tmp_path / "file")).root is None


def test_unreadable_folders(tmp_path, monkeypatch):
    """A model's unreadable folder is told; nothing follows for it, and the others are seen."""
    put(tmp_path / "bad" / "1" / "model.onnx")
    put(tmp_path / "good" / "1" / "model.onnx")
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("bad"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = scan(tmp_path)
    assert found.unknown == {"bad"}
    assert found.problems == ("bad: permission denied; let the user of the server read it",)
    assert sorted(found.models) == ["good"]


def test_an_unreadable_version(tmp_path, monkeypatch):
    """A version whose folder cannot be listed is there: loading it will say why it fails."""
    put(tmp_path / "m" / "7" / "model.onnx")
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("7"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert versions(tmp_path) == {"m": ["7"]}
