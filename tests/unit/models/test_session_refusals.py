"""Versions that are not served: each refusal names the file and the mend, and no machine's path."""

import pytest
from onnx import TensorProto

from stubtail.models.graph import GraphFacts
from stubtail.models.session import ModelError, SessionOptions, load_model
from tests import model_files
from tests.model_files import write_model


def load(path, root, **options):
    """The version `m@1` from `path`."""
    return load_model(path, "m", "1", options=SessionOptions(**options), inside=root)


def refusal(path, root, **options):
    """The message of a version that is refused."""
    with pytest.raises(ModelError) as caught:
        load(path, root, **options)
    assert str(root) not in str(caught.value)
    assert caught.value.mend
    return str(caught.value)


@pytest.mark.parametrize("length", [0, 1, 40, -3])
def test_truncated_graphs(tmp_path, length):
    """A cut file is refused and named, with its model and version."""
    folder = write_model(tmp_path / "m" / "1", model_files.affine()[:length])
    text = refusal(folder, tmp_path)
    assert text.startswith("m/1/model.onnx: ")
    assert "copy" in text


def test_wrong_hash(tmp_path):
    """A manifest of another graph is refused, and both hashes are told."""
    graph = model_files.scoring()
    document = model_files.manifest(graph)
    folder = write_model(tmp_path / "m" / "1", model_files.scoring(offset=1.0), document)
    text = refusal(folder, tmp_path)
    assert "its SHA-256 is" in text
    assert document["graph"]["sha256"][:12] in text


def test_wrong_size(tmp_path):
    """The size is compared too, and first: it tells a copy in progress."""
    graph = model_files.scoring()
    document = model_files.manifest(graph)
    document["graph"]["bytes"] += 1
    folder = write_model(tmp_path / "m" / "1", graph, document)
    assert "graph.bytes says" in refusal(folder, tmp_path)


@pytest.mark.parametrize(
    ("graph", "changes", "told"),
    [
        (model_files.scoring(4), {}, "as there are 3 features; it has x FP32 [-1, 4]"),
        (model_files.two_inputs(), {}, "as there are 3 features; it has a FP32 [-1, 2], b"),
        (model_files.integers(), {}, "as there are 3 features; it has x INT64"),
        (model_files.scoring(), {"output": {"score": "p"}}, 'no output "p", only score FP32'),
        (model_files.affine(), {"output": {"score": "y"}}, "is no score: y FP32 [-1, 3]"),
        (model_files.classifier(), {"output": {"score": "label"}}, "is no score: label INT64"),
    ],
)
def test_wrong_shapes(tmp_path, graph, changes, told):
    """A manifest that lies about the tensors is refused with what the graph has."""
    document = model_files.manifest(graph, 3, **changes)
    folder = write_model(tmp_path / "m" / "1", graph, document)
    assert told in refusal(folder, tmp_path)


def test_wrong_opset_and_output_together(tmp_path):
    """All that differs between manifest and graph is told at once."""
    graph = model_files.scoring()
    document = model_files.manifest(graph, output={"score": "p"})
    document["graph"]["opset"] = 12
    text = refusal(write_model(tmp_path / "m" / "1", graph, document), tmp_path)
    assert "graph.opset says 12" in text
    assert 'no output "p"' in text


def test_wrong_manifests(tmp_path):
    """Each way in which model.json cannot be read names the file."""
    folder = write_model(tmp_path / "m" / "1", model_files.affine())
    (folder / "model.json").write_bytes(b"\xff\xfe")
    assert "m/1/model.json: it is not UTF-8" in refusal(folder, tmp_path)
    (folder / "model.json").write_text('{"format": 1}')
    text = refusal(folder, tmp_path)
    assert text.startswith("m/1/model.json: name: missing")
    assert "graph: missing" in text
    (folder / "model.json").write_text(" " * 2000)
    assert "the limit is 1000" in refusal(folder, tmp_path, manifest_bytes_max=1000)


def test_huge_graphs(tmp_path):
    """The bound on bytes is checked before reading."""
    folder = write_model(tmp_path / "m" / "1", model_files.affine())
    assert "the limit is 100" in refusal(folder, tmp_path, graph_bytes_max=100)
    assert "more than 1 nodes" in refusal(folder, tmp_path, nodes_max=1)


def test_missing_graphs(tmp_path):
    """A folder without the graph says so; a graph of another name gets a hint."""
    folder = tmp_path / "m" / "1"
    folder.mkdir(parents=True)
    assert "m/1/model.onnx: there is no such file" in refusal(folder, tmp_path)
    (folder / "churn.onnx").write_bytes(model_files.affine())
    assert "but churn.onnx; rename it" in refusal(folder, tmp_path)
    assert "there is no such file" in refusal(tmp_path / "m" / "2", tmp_path)


def test_links_that_leave_the_folder(tmp_path):
    """Neither the graph, nor the manifest, nor the folder may be a link to elsewhere."""
    outside = write_model(tmp_path / "outside", model_files.affine())
    root = tmp_path / "root"
    (root / "m" / "1").mkdir(parents=True)
    (root / "m" / "1" / "model.onnx").symlink_to(outside / "model.onnx")
    assert "leaves the folder of models" in refusal(root / "m" / "1", root)
    (root / "m" / "2").symlink_to(outside)
    assert "leaves the folder of models" in refusal(root / "m" / "2", root)
    third = write_model(root / "m" / "3", model_files.affine())
    (third / "model.json").symlink_to("/etc/passwd")
    assert "leaves the folder of models" in refusal(third, root)


def test_external_data_and_custom_operators(tmp_path):
    """Graphs that would read other files or run other code are refused."""
    folder = write_model(tmp_path / "m" / "1", model_files.external_data("/etc/passwd"))
    assert "lives in another file" in refusal(folder, tmp_path)
    folder = write_model(tmp_path / "m" / "2", model_files.custom_operator())
    assert 'of the domain "com.example"' in refusal(folder, tmp_path)


def test_graphs_that_onnxruntime_refuses(tmp_path):
    """What passes the checker and cannot run is refused; the reason is kept for the log."""
    folder = write_model(tmp_path / "m" / "1", model_files.identity(TensorProto.COMPLEX64))
    with pytest.raises(ModelError, match="onnxruntime cannot run this graph") as caught:
        load(folder, tmp_path)
    assert caught.value.detail


def test_bytes_in_the_format_of_onnxruntime(tmp_path, monkeypatch):
    """Verified bytes are never taken for onnxruntime's own format, even if they look like it."""
    facts = GraphFacts(opset=0)
    monkeypatch.setattr("stubtail.models.verify.verify_graph", lambda *_, **__: facts)
    graph = model_files.affine()
    folder = write_model(tmp_path / "m" / "1", graph[:4] + b"ORTM" + graph[8:])
    with pytest.raises(ModelError) as caught:
        load(folder, tmp_path)
    assert "protobuf parsing failed" in caught.value.detail
