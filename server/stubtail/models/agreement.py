"""Whether a manifest tells the truth about the graph beside it."""

from collections.abc import Sequence
from dataclasses import replace

from stubtail.models.errors import ModelError
from stubtail.models.manifest import FILE_NAME, Manifest
from stubtail.models.signature import FREE, Signature, TensorSpec


def check_file(manifest: Manifest, data: bytes, sha256: str, where: str) -> None:
    """Compares size and hash.

    Raises:
        ModelError: the manifest was written for another file.
    """
    mend = f"export the model again, so that {FILE_NAME} and the graph belong together"
    if len(data) != manifest.graph.bytes:
        problem = f"it has {len(data)} bytes, graph.bytes says {manifest.graph.bytes}"
        raise ModelError(where, problem, mend)
    if sha256 != manifest.graph.sha256:
        problem = f"its SHA-256 is {sha256[:12]}…, graph.sha256 says {manifest.graph.sha256[:12]}…"
        raise ModelError(where, problem, mend)


def check_graph(manifest: Manifest, signature: Signature, opset: int, where: str) -> Signature:
    """The signature with the number of features in it, once manifest and graph agree.

    Raises:
        ModelError: opset, input or output differ; names all differences.
    """
    mend = f"export the model again, or mend {FILE_NAME}"
    problems = []
    if opset not in {0, manifest.graph.opset}:
        problems.append(f"its opset is {opset}, graph.opset says {manifest.graph.opset}")
    count = len(manifest.features)
    if count:
        expected = f"one input of float32 [rows, {count}], as there are {count} features"
        shapes = {(FREE, count), (FREE, FREE)}
        inputs = signature.inputs
        if len(inputs) != 1 or inputs[0].datatype != "FP32" or inputs[0].shape not in shapes:
            problems.append(f"{FILE_NAME} wants {expected}; it has {_listed(inputs)}")
        else:
            fixed = replace(inputs[0], shape=(FREE, count))
            signature = replace(signature, inputs=(fixed,))
    known = {spec.name for spec in signature.outputs}
    problems += [
        f'it has no output "{name}", only {_listed(signature.outputs)}'
        for name in _named_outputs(manifest)
        if name not in known
    ]
    if problems:
        raise ModelError(where, "; ".join(problems), mend)
    return signature


def check_score(manifest: Manifest, signature: Signature, where: str) -> None:
    """A score is one float32 for each row (or one for each of more than two classes).

    Whatever else is returned, has levels or an interval, or is explained, has one for each row.

    Raises:
        ModelError: an output of the graph is something else.
    """
    if manifest.output is None:
        return
    output = manifest.output
    problems = []
    for spec in signature.outputs:
        if spec.name in _columns(manifest):
            widths = {1}
        elif spec.name == output.score and manifest.kind == "scoring":
            widths = {1, FREE} | ({len(output.classes)} if len(output.classes) > 2 else set())
        else:
            continue
        fits = len(spec.shape) == 1 or (len(spec.shape) == 2 and spec.shape[1] in widths)
        if spec.datatype != "FP32" or not fits:
            problems.append(f'its output "{spec.name}" is no score: {_listed([spec])}')
    if problems:
        raise ModelError(where, "; ".join(problems), "let the graph return float32 [rows, 1]")


def naming_notes(manifest: Manifest, name: str, version: str) -> tuple[str, ...]:
    """A copied folder is a canary or a rollback, so the folder's words win; but it is told."""
    if (manifest.name, manifest.version) == (name, version):
        return ()
    return (f"{FILE_NAME} calls it {manifest.name}@{manifest.version}; the folder's name is used",)


def _named_outputs(manifest: Manifest) -> list[str]:
    """Every output of the graph that the manifest speaks of, each once."""
    names = [] if manifest.output is None else [manifest.output.score]
    names += _columns(manifest)
    names += manifest.anomaly.names if manifest.anomaly is not None else ()
    return list(dict.fromkeys(names))


def _columns(manifest: Manifest) -> list[str]:
    """The outputs that must have one value for each row."""
    names: list[str] = []
    single = len(manifest.outputs) > 1 or manifest.explanation is not None
    for output in manifest.outputs:
        if single or output.levels or output.interval:
            names.append(output.name)
        if output.interval:
            names += output.interval.graph_outputs
    return names


def _listed(specs: Sequence[TensorSpec]) -> str:
    shown = [f"{spec.name} {spec.datatype} {list(spec.shape)}" for spec in specs[:4]]
    return ", ".join(shown) + (", …" if len(specs) > 4 else "")
