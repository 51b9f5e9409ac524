"""Loading a version that is served, and running it: answers, failures, memory."""

import gc
import weakref

import numpy as np
import pytest
from onnx import TensorProto

from stubtail.models.session import ModelError, RunFailed, SessionOptions, load_model
from tests import model_files
from tests.model_files import write_model


def load(path, root, **options):
    """The version `m@1` from `path`."""
    return load_model(path, "m", "1", options=SessionOptions(**options), inside=root)


def loaded(tmp_path, graph, document=None):
    """A graph, written and loaded."""
    return load(write_model(tmp_path / "m" / "1", graph, document), tmp_path)


def test_a_bare_graph_is_served(tmp_path):
    """A folder with nothing but model.onnx is enough."""
    model = loaded(tmp_path, model_files.affine())
    rows = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert np.array_equal(model.run({"x": rows})[0], rows * 2 + 1)
    assert (model.name, model.version, model.manifest) == ("m", "1", None)
    assert len(model.sha256) == 64
    assert model.path == tmp_path / "m" / "1" / "model.onnx"
    assert model.signature.batchable
    assert model.run_fixed_s > 0
    assert model.run_per_row_s >= 0
    assert model.notes == ()


def test_a_single_file_is_served(tmp_path):
    """One .onnx file is a model too."""
    (tmp_path / "m.onnx").write_bytes(model_files.integers())
    model = load(tmp_path / "m.onnx", tmp_path)
    rows = np.array([[1, 2]], np.int64)
    assert np.array_equal(model.run({"x": rows})[0], rows)


def test_a_manifest_is_served(tmp_path):
    """With a manifest, features and output are known."""
    graph = model_files.scoring()
    model = loaded(tmp_path, graph, model_files.manifest(graph, name="m"))
    assert model.manifest is not None
    assert len(model.manifest.features) == 3
    score = model.run({"x": np.zeros((2, 3), np.float32)})[0]
    assert score.tolist() == [[0.5], [0.5]]


def test_the_folder_names_the_model(tmp_path):
    """A copied folder is a canary or a rollback: its name wins over the manifest, with a note."""
    graph = model_files.scoring()
    model = loaded(tmp_path, graph, model_files.manifest(graph, name="other", version="7"))
    assert (model.name, model.version) == ("m", "1")
    assert "other@7" in model.notes[0]


def test_free_width_is_fixed_by_the_features(tmp_path):
    """A graph that leaves the number of columns open gets it from the manifest."""
    graph = model_files.scoring(features="F")  # type: ignore[arg-type]
    model = loaded(tmp_path, graph, model_files.manifest(graph, name="m"))
    assert model.signature.inputs[0].shape == (-1, 3)


def test_many_kinds_of_graphs(tmp_path):
    """Two inputs, labels with probabilities, fixed rows, slow ones: all are served."""
    both = loaded(tmp_path / "a", model_files.two_inputs())
    feeds = {"a": np.ones((2, 2), np.float32), "b": np.ones((2, 1), np.float32)}
    assert both.run(feeds)[0].tolist() == [[2, 2], [2, 2]]
    classes = loaded(tmp_path / "b", model_files.classifier(classes=3))
    label, probabilities = classes.run({"x": np.ones((5, 3), np.float32)})
    assert label.shape == (5,)
    assert probabilities.shape == (5, 3)
    fixed = loaded(tmp_path / "c", model_files.fixed_batch(4))
    assert not fixed.signature.batchable
    slow = loaded(tmp_path / "d", model_files.slow(500))
    assert slow.run_fixed_s > 5 * both.run_fixed_s


def test_half_precision(tmp_path):
    """float16 goes in and out as numpy's."""
    model = loaded(tmp_path, model_files.identity(TensorProto.FLOAT16))
    assert model.signature.inputs[0].datatype == "FP16"
    assert model.run({"x": np.ones((1, 2), np.float16)})[0].dtype == np.float16


def test_rows_that_mix_are_never_batched(tmp_path):
    """A softmax over the rows looks batchable by its shapes, and is not."""
    assert not loaded(tmp_path, model_files.mixing()).signature.batchable


def test_maps_are_left_out_with_a_note(tmp_path):
    """scikit-learn's default export has a map as its second output: the label is served."""
    model = loaded(tmp_path, model_files.classifier(zipmap=True))
    assert [spec.name for spec in model.signature.outputs] == ["label"]
    assert "zipmap=False" in model.notes[0]
    assert model.run({"x": np.ones((1, 3), np.float32)})[0].shape == (1,)


def test_strings_must_be_str(tmp_path):
    """The runtime would turn bytes into "b'...'" and read beyond fixed-width ones."""
    model = loaded(tmp_path, model_files.strings())
    assert model.run({"x": np.array([["né"]], object)})[0].tolist() == [["né"]]
    for wrong in (np.array([[b"a"]], object), np.array([[b"ab"]]), np.array([["a"]])):
        with pytest.raises(RunFailed):
            model.run({"x": wrong})
    with pytest.raises(RunFailed):
        model.run({"y": np.array([["a"]], object)})


def test_a_run_that_raises(tmp_path):
    """What onnxruntime says is for the log: the exception's message does not have it."""
    model = loaded(tmp_path, model_files.picky(4))
    assert model.run({"x": np.array([[3]], np.int64)})[0].tolist() == [[3.0]]
    with pytest.raises(RunFailed) as caught:
        model.run({"x": np.array([[3], [99]], np.int64)})
    assert "Gather" in caught.value.detail
    assert str(caught.value) == "the model m@1 failed on this input"
    assert model.run({"x": np.array([[2]], np.int64)})[0].tolist() == [[2.0]]


@pytest.mark.parametrize(
    "feeds",
    [
        {},
        {"z": np.zeros((1, 3), np.float32)},
        {"x": np.zeros((1, 3), np.float32), "z": np.zeros(1, np.float32)},
        {"x": np.zeros((1, 4), np.float32)},
        {"x": np.zeros(3, np.float32)},
        {"x": np.zeros((1, 3), np.float64)},
    ],
)
def test_wrong_feeds_raise(tmp_path, feeds):
    """Whatever is fed, the outcome is RunFailed and never a crash."""
    model = loaded(tmp_path, model_files.affine())
    with pytest.raises(RunFailed):
        model.run(feeds)


def test_strided_arrays_run(tmp_path):
    """A column slice of a larger array gives the same answer as its copy."""
    model = loaded(tmp_path, model_files.affine())
    wide = np.arange(12, dtype=np.float32).reshape(2, 6)
    assert np.array_equal(model.run({"x": wide[:, ::2]})[0], wide[:, ::2] * 2 + 1)


def test_a_graph_that_always_raises_is_served_with_a_note(tmp_path):
    """Without a manifest the rows are guessed, so that failing on them proves nothing."""
    model = loaded(tmp_path, model_files.failing())
    assert "failed on every synthetic row" in model.notes[0]
    with pytest.raises(RunFailed):
        model.run({"x": np.ones((1, 3), np.float32)})


def test_a_graph_that_raises_on_its_own_features(tmp_path):
    """With a manifest the rows are valid: the version is refused."""
    graph = model_files.failing()
    document = model_files.manifest(graph, output={"score": "y"})
    with pytest.raises(ModelError, match="fails on rows that the manifest allows"):
        loaded(tmp_path, graph, document)


def test_a_dropped_model_is_freed(tmp_path):
    """The last reference frees the session: nothing else keeps it."""
    model = loaded(tmp_path, model_files.affine())
    run = weakref.ref(model.run)
    del model
    gc.collect()
    assert run() is None


def test_nothing_is_printed(tmp_path, capfd):
    """Failing runs and failing loads leave stdout and stderr to the server's own lines."""
    model = loaded(tmp_path, model_files.picky())
    with pytest.raises(RunFailed):
        model.run({"x": np.array([[99]], np.int64)})
    with pytest.raises(ModelError):
        loaded(tmp_path / "2", model_files.identity(TensorProto.COMPLEX64))
    assert capfd.readouterr() == ("", "")
