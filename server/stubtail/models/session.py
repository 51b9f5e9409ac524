"""Loads one version: reads, verifies, creates the onnxruntime session, warms it, times it, runs it.

Nothing else in the server's process imports onnxruntime. What was measured (onnxruntime 1.31.1,
fresh rows, two shared cores, best of 7 rounds of 3,000 runs; churn is the shipped model, LGBM one
of 100 trees with 30 features):

- One row of churn: `InferenceSession.run` 12.0 us, the same method of the C++ session below it
  9.1 us (no check of the feeds' names in Python), I/O binding below its Python layer 13.5 us. LGBM:
  17.4, 15.2 and 14.8 us. The C++ session's method is taken: it is stateless, so that any thread
  may run it, and as fast as the best.
- Memory arena and memory patterns off: LGBM 14.3 us instead of 15.2, an MLP 11.4 instead of 12.0,
  64 rows the same. Off, because an arena keeps the memory of the largest batch for ever.
- Loading churn takes 5.2 ms, of which another thread waits 0.5 ms at most at a time (median of 100
  loads): creating a session does not hold the GIL. So versions load in a thread of the server.
  Checking a graph does hold it (0.2 ms for churn, 200 ms for a graph of 38 MB), and it may crash:
  both belong to another process, see verifier.py.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import onnxruntime

from stubtail.models.errors import ModelError, RunFailed
from stubtail.models.keys import model_key, name_of, tenant_of
from stubtail.models.manifest import FILE_NAME, Manifest
from stubtail.models.proof import Proof
from stubtail.models.signature import Signature
from stubtail.models.source import read_version
from stubtail.models.synthetic import Array, Feeds, Run, warm_run

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
    initializer_bytes_max: int = 512 * 1024 * 1024  # by declared shapes; as much as the file has
    warm_up_budget_s: float = 0.25  # a start is to take two seconds, with slow models too
    require_signature: bool = False  # whether versions without a good signature are refused
    public_key_files: tuple[str, ...] = ()  # Ed25519 keys whose signatures count, PEM


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """One version that answers. Freed when the last reference is dropped, so never while it runs.

    Attributes:
        name: of the model, as its callers know it.
        version: decimal digits.
        sha256: of the graph's bytes, in hexadecimal digits.
        path: the file of the graph.
        signature: names, types and shapes, corrected by what the warm-up saw.
        manifest: model.json; None where there is none.
        run_fixed_s: one run takes `run_fixed_s + rows * run_per_row_s` seconds, as measured.
        run_per_row_s: see run_fixed_s.
        load_s: how long loading took.
        notes: what the owner of the model should know, for the log only.
        signed_by: the id of the key that signed it; "" where no signature was checked.
        tenant: in whose folder it lies; "" for the one that all share.
    """

    name: str
    version: str
    sha256: str
    path: Path
    signature: Signature
    manifest: Manifest | None
    run_fixed_s: float
    run_per_row_s: float
    load_s: float
    notes: tuple[str, ...]
    run: Run = field(repr=False)
    """Runs the graph, on any thread: arrays by input name in, all outputs in signature order out.

    Arrays have the dtypes of the signature; strings are object arrays of `str`, nothing else.
    Raises RunFailed, whose `detail` is for the log.
    """
    background_scores: Array | None = field(default=None, repr=False)
    """The main score of each background row of the manifest's explanation, float32 [rows]."""
    example: Feeds | None = field(default=None, repr=False)
    """One row that it has answered, for `run`; None where it answered no synthetic one."""
    signed_by: str = ""
    tenant: str = ""

    @property
    def key(self) -> str:
        """What it is called inside, in routes, metrics and logs: no other model is."""
        return model_key(self.tenant, self.name)


class Verify(Protocol):
    """Checks a version before it is loaded."""

    def __call__(
        self, path: Path, name: str, version: str, /, *, options: SessionOptions, inside: Path
    ) -> Proof:
        """What was found out about a good version.

        Raises:
            ModelError: it must not be served.
        """


def load_model(
    path: Path,
    name: str,
    version: str,
    *,
    options: SessionOptions | None = None,
    inside: Path | None = None,
    verify: Verify | None = None,
) -> LoadedModel:
    """Loads a version that passes `verify`, byte for byte; blocks for milliseconds to seconds.

    Args:
        path: a folder with model.onnx and perhaps model.json, or one .onnx file.
        name: the key that it is served under.
        version: it is served under, decimal digits.
        options: bounds and threads; None takes the defaults.
        inside: the folder that no link may leave; None: that of the graph.
        verify: proves the version; None does it here, which imports onnx.

    Raises:
        ModelError: it cannot be served; the message names the file and the mend.
    """
    options = options or SessionOptions()
    begin = time.perf_counter()
    inside = inside or (path if path.is_dir() else path.parent)
    proof = (verify or _verify_here)(path, name, version, options=options, inside=inside)
    source = read_version(
        path,
        inside,
        graph_bytes_max=options.graph_bytes_max,
        manifest_bytes_max=options.manifest_bytes_max,
    )
    if (source.sha256, source.manifest_sha256) != (proof.sha256, proof.manifest_sha256):
        problem = "its files changed while they were checked"
        raise ModelError(source.where, problem, "put files in place whole, by renaming a folder")
    run = create_run(source.data, options, proof.signature, f"{name}@{version}", source.where)
    background = background_scores(run, proof.signature, source.manifest, source.where)
    fixed_s, per_row_s = proof.run_fixed_s, proof.run_per_row_s
    example = warm_run(
        run, proof.signature, source.manifest, lambda rows: fixed_s + rows * per_row_s
    )
    return LoadedModel(
        name=name_of(name),
        version=version,
        sha256=source.sha256,
        path=source.file,
        signature=proof.signature,
        manifest=source.manifest,
        run_fixed_s=fixed_s,
        run_per_row_s=per_row_s,
        load_s=time.perf_counter() - begin,
        notes=proof.notes,
        signed_by=proof.signed_by,
        tenant=tenant_of(name),
        run=run,
        background_scores=background,
        example=example,
    )


def _verify_here(*args: Any, **options: Any) -> Proof:
    # Imported here: it brings onnx, which a server that has a process for checks never needs.
    from stubtail.models.verify import verify_version  # noqa: PLC0415

    return verify_version(*args, **options)


def create_run(
    data: bytes, options: SessionOptions, signature: Signature, model: str, where: str
) -> Run:
    """The function that runs a graph, see `LoadedModel.run`.

    Args:
        data: the graph's bytes.
        options: threads.
        signature: of the graph.
        model: `name@version`, for messages.
        where: names the file in messages.

    Raises:
        ModelError: onnxruntime cannot run it.
    """
    return make_runner(create_session(data, options, where), signature, model)


def background_scores(
    run: Run, signature: Signature, manifest: Manifest | None, where: str
) -> Array | None:
    """The main score of each background row that the manifest has; None without such rows.

    Raises:
        ModelError: the graph fails on them, or does not answer each.
    """
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


def create_session(data: bytes, options: SessionOptions, where: str) -> Any:
    """A session of onnxruntime for a graph.

    Raises:
        ModelError: onnxruntime cannot run it.
    """
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


def make_runner(session: Any, signature: Signature, model: str) -> Run:
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
