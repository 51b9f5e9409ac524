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
    score = manifest.output.score if manifest.output is not None else None
    if score is not None and score not in {spec.name for spec in signature.outputs}:
        problems.append(f'it has no output "{score}", only {_listed(signature.outputs)}')
    if problems:
        raise ModelError(where, "; ".join(problems), mend)
    return signature


def check_score(manifest: Manifest, signature: Signature, where: str) -> None:
    """A score is one float32 for each row (or one for each of more than two classes).

    Raises:
        ModelError: the graph's output is something else.
    """
    if manifest.kind != "scoring" or manifest.output is None:
        return
    output = manifest.output
    spec = next(spec for spec in signature.outputs if spec.name == output.score)
    widths = {1, FREE} | ({len(output.classes)} if len(output.classes) > 2 else set())
    fits = len(spec.shape) == 1 or (len(spec.shape) == 2 and spec.shape[1] in widths)
    if spec.datatype != "FP32" or not fits:
        problem = f'its output "{spec.name}" is no score: {_listed([spec])}'
        raise ModelError(where, problem, "let the graph return float32 [rows, 1]")


def naming_notes(manifest: Manifest, name: str, version: str) -> tuple[str, ...]:
    """A copied folder is a canary or a rollback, so the folder's words win; but it is told."""
    if (manifest.name, manifest.version) == (name, version):
        return ()
    return (f"{FILE_NAME} calls it {manifest.name}@{manifest.version}; the folder's name is used",)


def _listed(specs: Sequence[TensorSpec]) -> str:
    shown = [f"{spec.name} {spec.datatype} {list(spec.shape)}" for spec in specs[:4]]
    return ", ".join(shown) + (", …" if len(specs) > 4 else "")
