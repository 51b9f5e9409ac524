"""Loads one version: reads, verifies, creates the onnxruntime session, warms it, times it, runs it.

This is the only module that imports onnxruntime. What was measured (onnxruntime 1.31.1, fresh
rows, two shared cores, best of 7 rounds of 3,000 runs; churn is the shipped model, LGBM one of 100
trees with 30 features):

- One row of churn: `InferenceSession.run` 12.0 us, the same method of the C++ session below it
  9.1 us (no check of the feeds' names in Python), I/O binding below its Python layer 13.5 us. LGBM:
  17.4, 15.2 and 14.8 us. The C++ session's method is taken: it is stateless, so that any thread
  may run it, and as fast as the best.
- Memory arena and memory patterns off: LGBM 14.3 us instead of 15.2, an MLP 11.4 instead of 12.0,
  64 rows the same. Off, because an arena keeps the memory of the largest batch for ever.
- Loading churn takes 5.2 ms, of which another thread waits 0.5 ms at most at a time (median of 100
  loads): creating a session does not hold the GIL. So versions load in a thread of the server.
  Checking a graph does hold it: 0.2 ms for churn, 200 ms for a graph of 38 MB.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import onnxruntime

from stubtail.models.agreement import check_file, check_graph, check_score, naming_notes
from stubtail.models.errors import ModelError, RunFailed
from stubtail.models.files import read_within, unreadable
from stubtail.models.graph import verify_graph
from stubtail.models.manifest import FILE_NAME, GRAPH_FILE_NAME, Manifest, ManifestError
from stubtail.models.signature import Signature, read_signature
from stubtail.models.warmup import Array, warm_up

__all__ = ["LoadedModel", "ModelError", "RunFailed", "SessionOptions", "load_model"]

# The exceptions that runs raise say all that onnxruntime would print, and go to our own log.
_LOG_FATAL_ONLY: Final = 4
_CONFIG: Final = {
    "session.intra_op.allow_spinning": "0",  # spinning burns the core that the transport needs
    "session.inter_op.allow_spinning": "0",
    # What was verified is ONNX: the same bytes must not be taken for onnxruntime's own format.
    "session.load_model_format": "ONNX",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """How versions are loaded."""

    intra_op_threads: int = 1  # a small model loses by sharing one run between threads
    graph_bytes_max: int = 512 * 1024 * 1024  # protobuf ends at 2 GiB; loading needs thrice this
    manifest_bytes_max: int = 16 * 1024 * 1024  # 10,000 features with statistics have about 5 MB
    nodes_max: int = 200_000  # one run visits every node: more could not answer in time
    warm_up_budget_s: float = 1.0  # a start is to take two seconds


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """One version that answers. Freed when the last reference is dropped, so never while it runs.

    Attributes:
        name: of the model.
        version: decimal digits.
        sha256: of the graph's bytes, in hexadecimal digits.
        path: the file of the graph.
        signature: names, types and shapes, corrected by what the warm-up saw.
        manifest: model.json; None where there is none.
        run_fixed_s: one run takes `run_fixed_s + rows * run_per_row_s` seconds, as measured.
        run_per_row_s: see run_fixed_s.
        loaded_at: unix seconds.
        load_s: how long loading took.
        notes: what the owner of the model should know, for the log only.
    """

    name: str
    version: str
    sha256: str
    path: Path
    signature: Signature
    manifest: Manifest | None
    run_fixed_s: float
    run_per_row_s: float
    loaded_at: float
    load_s: float
    notes: tuple[str, ...]
    run: Callable[[Mapping[str, Array]], list[Array]] = field(repr=False)
    """Runs the graph, on any thread: arrays by input name in, all outputs in signature order out.

    Arrays have the dtypes of the signature; strings are object arrays of `str`, nothing else.
    Raises RunFailed, whose `detail` is for the log.
    """
    background_scores: Array | None = field(default=None, repr=False)
    """The main score of each background row of the manifest's explanation, float32 [rows]."""


def load_model(
    path: Path,
    name: str,
    version: str,
    *,
    options: SessionOptions | None = None,
    inside: Path | None = None,
) -> LoadedModel:
    """Loads a version; blocks for milliseconds to seconds, so call it in a thread.

    Args:
        path: a folder with model.onnx and perhaps model.json, or one .onnx file.
        name: it is served under.
        version: it is served under, decimal digits.
        options: bounds and threads; None takes the defaults.
        inside: the folder that no link may leave; None takes the folder of the graph.

    Raises:
        ModelError: it cannot be served; the message names the file and the mend.
    """
    options = options or SessionOptions()
    begin = time.perf_counter()
    folder = path if path.is_dir() else path.parent
    inside = inside or folder
    manifest = _read_manifest(path, inside, options) if path == folder else None
    file = path if path != folder else folder / _graph_name(folder, inside, manifest)
    where = _relative(file, inside)
    data = read_within(inside, file, bytes_max=options.graph_bytes_max, where=where)
    sha256 = hashlib.sha256(data).hexdigest()
    if manifest is not None:
        check_file(manifest, data, sha256, where)
    facts = verify_graph(data, where=where, nodes_max=options.nodes_max)
    session = _create_session(data, options, where)
    del data
    signature, notes = read_signature(session.get_inputs(), session.get_outputs(), where=where)
    if manifest is not None:
        signature = check_graph(manifest, signature, facts.opset, where)
        notes += naming_notes(manifest, name, version)
    run = _runner(session, signature, f"{name}@{version}")
    warm = warm_up(run, signature, manifest, where=where, budget_s=options.warm_up_budget_s)
    if manifest is not None:
        check_score(manifest, warm.signature, where)
    return LoadedModel(
        name=name,
        version=version,
        sha256=sha256,
        path=file,
        signature=warm.signature,
        manifest=manifest,
        run_fixed_s=warm.run_fixed_s,
        run_per_row_s=warm.run_per_row_s,
        loaded_at=time.time(),
        load_s=time.perf_counter() - begin,
        notes=notes + warm.notes,
        run=run,
        background_scores=_background_scores(run, warm.signature, manifest, where),
    )


def _background_scores(
    run: Callable[[Mapping[str, Array]], list[Array]],
    signature: Signature,
    manifest: Manifest | None,
    where: str,
) -> Array | None:
    if manifest is None or manifest.explanation is None or manifest.output is None:
        return None
    score = [spec.name for spec in signature.outputs].index(manifest.output.score)
    mend = f"write rows into explanation.background of {FILE_NAME} that the graph takes"
    try:
        outputs = run({signature.inputs[0].name: manifest.explanation.background})
    except RunFailed as error:
        problem = "the graph fails on the background rows of the manifest"
        raise ModelError(where, problem, mend, detail=error.detail) from error
    if len(outputs[score]) != len(manifest.explanation.background):
        raise ModelError(where, "its scores do not follow the background rows", mend)
    return outputs[score].reshape(-1)


def _read_manifest(folder: Path, inside: Path, options: SessionOptions) -> Manifest | None:
    file = folder / FILE_NAME
    where = _relative(file, inside)
    if not file.is_symlink() and not file.exists():
        return None
    data = read_within(inside, file, bytes_max=options.manifest_bytes_max, where=where)
    try:
        return Manifest.parse(data.decode("utf-8"), where)
    except UnicodeDecodeError as error:
        raise ModelError(where, "it is not UTF-8 text", "save it as UTF-8") from error
    except ManifestError as error:
        problem = str(error).removeprefix(f"{where}: ")
        raise ModelError(where, problem, "mend these fields, or remove the file") from error


def _graph_name(folder: Path, inside: Path, manifest: Manifest | None) -> str:
    """The graph's file in the folder; a hint where it has another name than expected."""
    if manifest is not None:
        return manifest.graph.file
    where = _relative(folder, inside)
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.suffix == ".onnx")
    except OSError as error:
        raise unreadable(where, error) from error
    if names and GRAPH_FILE_NAME not in names:
        problem = f"there is no {GRAPH_FILE_NAME}, but {names[0]}"
        raise ModelError(where, problem, f"rename it to {GRAPH_FILE_NAME}")
    return GRAPH_FILE_NAME


def _relative(path: Path, root: Path) -> str:
    """How messages name a file: with its model and version, without the machine's folders."""
    try:
        short = path.relative_to(root)
    except ValueError:
        short = Path(path.name)
    return str(short) if len(short.parts) > 1 else f"{path.parent.name}/{path.name}"


def _create_session(data: bytes, options: SessionOptions, where: str) -> Any:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.intra_op_threads
    settings.inter_op_num_threads = 1
    settings.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    settings.enable_cpu_mem_arena = False
    settings.enable_mem_pattern = False
    settings.log_severity_level = _LOG_FATAL_ONLY
    for key, value in _CONFIG.items():
        settings.add_session_config_entry(key, value)
    try:
        # Without its fallback, which prints to stdout and tries the same provider again.
        return onnxruntime.InferenceSession(
            data, settings, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as error:  # onnxruntime's exceptions have no common base
        problem = "onnxruntime cannot run this graph"
        mend = "export it for a lower opset; the log has the details"
        raise ModelError(where, problem, mend, detail=str(error)) from error


def _runner(
    session: Any, signature: Signature, model: str
) -> Callable[[Mapping[str, Array]], list[Array]]:
    """The function that runs the session, made for this signature."""
    # The C++ session is private to onnxruntime; where it moves, the public method is as right.
    inner = getattr(getattr(session, "_sess", None), "run", None)
    run_session = inner if inner is not None else session.run
    names = [spec.name for spec in signature.outputs]
    count = len(signature.inputs)
    texts = [spec.name for spec in signature.inputs if spec.dtype == object]

    def run(feeds: Mapping[str, Array]) -> list[Array]:
        # A missing input reaches the kernels as a null; a superfluous one is refused below.
        if len(feeds) != count:
            raise RunFailed(model, f"{len(feeds)} inputs instead of {count}")
        try:
            outputs: list[Array] = run_session(names, feeds, None)
        except Exception as error:
            raise RunFailed(model, str(error)) from error
        return outputs

    def run_texts(feeds: Mapping[str, Array]) -> list[Array]:
        # onnxruntime turns bytes into "b'...'" and reads beyond the end of fixed-width bytes.
        for name in texts:
            array = feeds.get(name)
            if array is None or array.dtype != object or not _all_text(array):
                raise RunFailed(model, f'the input "{name}" is no object array of str')
        return run(feeds)

    return run_texts if texts else run


def _all_text(array: Array) -> bool:
    return all(type(element) is str for element in array.flat)
