"""Proves one version: its signature, its graph, a first load and a warm-up. Brings onnx with it.

A server does this in a process of its own (verifier_process.py); tests and small tools do it here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stubtail.models.agreement import check_graph, check_score, naming_notes
from stubtail.models.errors import MemoryShortError, ModelError, RunFailed
from stubtail.models.graph import verify_graph
from stubtail.models.keys import name_of
from stubtail.models.proof import Proof
from stubtail.models.session import (
    SessionOptions,
    background_scores,
    create_session,
    make_runner,
)
from stubtail.models.signature import read_signature
from stubtail.models.signing import check_signature
from stubtail.models.source import read_version
from stubtail.models.synthetic import Array, Run
from stubtail.models.warmup import warm_up

# What onnxruntime says when an allocation failed, in its various places.
_MEMORY_WORDS: Final = ("bad_alloc", "Failed to allocate memory", "BFCArena", "out of memory")


def verify_version(
    path: Path, name: str, version: str, /, *, options: SessionOptions, inside: Path
) -> Proof:
    """Checks a version from its first byte to its last output.

    Args:
        path: a folder with model.onnx and perhaps model.json, or one .onnx file.
        name: the key that it is to be served under: a signature says whose model it is, too.
        version: it is to be served under.
        options: bounds, threads, keys.
        inside: the folder that no link may leave.

    Raises:
        ModelError: it must not be served; the message names the file and the mend.
    """
    source = read_version(
        path,
        inside,
        graph_bytes_max=options.graph_bytes_max,
        manifest_bytes_max=options.manifest_bytes_max,
    )
    where, manifest = source.where, source.manifest
    signed_by = check_signature(
        source,
        name,
        version,
        inside=inside,
        key_files=options.public_key_files,
        required=options.require_signature,
    )
    facts = verify_graph(
        source.data,
        where=where,
        nodes_max=options.nodes_max,
        initializer_bytes_max=options.initializer_bytes_max,
    )
    try:
        session = create_session(source.data, options, where)
    except ModelError as error:
        raise _memory_error(where, error.detail) or error from error
    signature, notes = read_signature(session.get_inputs(), session.get_outputs(), where=where)
    if manifest is not None:
        signature = check_graph(manifest, signature, facts.opset, where)
        notes += naming_notes(manifest, name_of(name), version)
    run = _within_memory(make_runner(session, signature, f"{name}@{version}"), where)
    warm = warm_up(run, signature, manifest, where=where, budget_s=options.warm_up_budget_s)
    if manifest is not None:
        check_score(manifest, warm.signature, where)
    background_scores(run, warm.signature, manifest, where)
    return Proof(
        sha256=source.sha256,
        manifest_sha256=source.manifest_sha256,
        signature=warm.signature,
        run_fixed_s=warm.run_fixed_s,
        run_per_row_s=warm.run_per_row_s,
        notes=notes + warm.notes,
        signed_by=signed_by,
    )


def _within_memory(run: Run, where: str) -> Run:
    """The same function, for which a lack of memory is no mere failure of one run."""

    def bounded(feeds: Mapping[str, Array]) -> list[Array]:
        try:
            return run(feeds)
        except RunFailed as error:
            raise _memory_error(where, error.detail) or error from error

    return bounded


def _memory_error(where: str, detail: str) -> MemoryShortError | None:
    if not any(word in detail for word in _MEMORY_WORDS):
        return None
    problem = "loading or running it takes more memory than a check may use"
    mend = "serve a smaller graph, or raise supply.verify_memory_bytes_max"
    return MemoryShortError(where, problem, mend, detail=detail)
