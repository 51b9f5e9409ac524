"""The command `python -m training zero-shot`: Fracast-0 from PyPI as one ONNX graph.

Needs the extra `zero-shot` (torch, fracast), which nothing else does: the server runs the graph
with onnxruntime alone. The weights are Fracast's own (Apache-2.0); its licence is published
beside them.
"""

import argparse
import hashlib
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx

from stubtail.forecasting import network
from stubtail.forecasting.task import CONTEXT_MAX, Doubles
from stubtail.models.manifest import FILE_NAME, FORMAT, GRAPH_FILE_NAME, Manifest
from training.export import ParityError, as_text, open_session, power_of_ten_above
from training.forecast_corpus import made
from training.publish import publish

NAME: Final = "zero-shot"
PACKAGE: Final = "fracast"
DESCRIPTION: Final = "Fracast-0: deciles of the next 48 values of any series, without training."
LICENCE_FILE: Final = "LICENSE.fracast.txt"
NOTICE_FILE: Final = "NOTICE.txt"
NOTICE: Final = """\
model.onnx holds the weights of Fracast-0 {version} (the Python package fracast), licensed
under the Apache License 2.0, whose text is in LICENSE.fracast.txt. It was exported from the package
by `python -m training zero-shot` of stubtail: linear layers were written as matrix products and
norms as plain arithmetic; no weight was changed. The package in turn adapts parts of TinyCast
(raws-labs/tinycast, Apache License 2.0).
"""
OPSET: Final = 18
PARITY_SERIES: Final = 220
PARITY_TOLERANCE: Final = 1e-5  # of the range of a series
SEED: Final = 48
MODULES: Final = ("torch", "fracast", "onnxscript", "safetensors")


def main(arguments: list[str]) -> int:
    """Exports, proves and publishes; returns the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m training {NAME}", description=__doc__)
    repository = Path(__file__).resolve().parent.parent
    parser.add_argument("--out", type=Path, default=repository / "exported_models", metavar="DIR")
    parser.add_argument("--model-version", default="1", metavar="N")
    options = parser.parse_args(arguments)
    absent = [module for module in MODULES if find_spec(module) is None]
    if absent:
        print(f"{NAME} needs {', '.join(absent)}: pip install '.[zero-shot]'", file=sys.stderr)
        return 1
    try:
        folder, parity = export(options.out, options.model_version)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"exporting {NAME} failed: {error}", file=sys.stderr)
        return 1
    print(f"{folder}: differs by {parity:.1e} of the range at most, on {PARITY_SERIES} series")
    return 0


def export(out: Path, version: str) -> tuple[Path, float]:
    """Publishes the graph once it agrees with the package; returns its folder and the difference.

    Raises:
        ParityError: they disagree; nothing was published.
        OSError: the folder cannot be written.
    """
    from fracast.inference import FracastModel  # noqa: PLC0415 - an extra

    package = FracastModel.from_pretrained(weights="fp32")
    expected = [
        (values, horizon, package.forecast(values, horizon=horizon).T)
        for values, horizon in _series()
    ]  # before the layers are rewritten
    graph = _graph(package)
    parity = _parity(graph, expected)
    found = metadata.distribution(PACKAGE)
    licence = next(file for file in found.files or () if file.name == "LICENSE")
    document = _document(graph, version, found.version, parity)
    text = as_text(document) + "\n"
    folder = out / NAME / version
    Manifest.parse(text, str(folder / FILE_NAME))
    files = {
        GRAPH_FILE_NAME: graph,
        FILE_NAME: text.encode(),
        LICENCE_FILE: licence.read_text().encode(),
        NOTICE_FILE: NOTICE.format(version=found.version).encode(),
    }
    publish(folder, files)
    return folder, parity


def _series() -> list[tuple[Doubles, int]]:
    """Series of many kinds and lengths with a horizon, for the proof."""
    rng = np.random.default_rng(SEED)
    chosen = []
    for index, one in enumerate(made(rng, PARITY_SERIES)):
        most = len(one.values)
        kept = most if index % 3 == 0 else int(rng.integers(8, most + 1))
        chosen.append(
            (
                one.values[-kept:].astype(np.float32).astype(np.float64),
                network.BLOCK if index % 10 else 2 * network.BLOCK,
            )
        )
    return chosen


def _graph(package: Any) -> bytes:
    """`values` and `mask` float32 [1, 2048], scaled to 0..1, to `quantiles` [1, 48, 9]."""
    import torch  # noqa: PLC0415 - an extra

    _rewrite()
    core, head = package.core, package.head

    class Whole(torch.nn.Module):  # type: ignore[misc]  # torch is not installed for mypy
        """The encoder and the head as one function of two tensors."""

        def __init__(self) -> None:
            super().__init__()
            self.core, self.head = core, head

        def forward(self, values: Any, mask: Any) -> Any:
            """The quantiles."""
            rows, known = values[:, None, :], mask[:, None, :] > 0.5
            hidden = self.core(rows, known, known.to(torch.float32))
            return self.head.forward_horizon(
                hidden, last_obs=rows[:, 0, -1:], ctx=rows[:, 0], ctx_mask=known[:, 0]
            )

    batch = torch.export.Dim("batch", min=1, max=256)
    example = (torch.rand(2, CONTEXT_MAX), torch.ones(2, CONTEXT_MAX))
    program = torch.onnx.export(
        Whole().eval(),
        example,
        dynamo=True,
        opset_version=OPSET,
        external_data=False,
        verbose=False,
        dynamic_shapes={"values": {0: batch}, "mask": {0: batch}},
        input_names=["values", "mask"],
        output_names=["quantiles"],
    )
    made_graph = program.model_proto
    for holder in (made_graph.graph, *made_graph.graph.node):
        del holder.metadata_props[:]  # names of files and lines of the machine that exported
        holder.doc_string = ""
    for value in made_graph.graph.value_info:
        del value.metadata_props[:]
    made_graph.doc_string = DESCRIPTION
    _fix_batch(made_graph)
    onnx.checker.check_model(made_graph, full_check=True)
    return bytes(made_graph.SerializeToString(deterministic=True))


def _fix_batch(model: Any) -> None:
    """Makes the number of series 1: eight together take ten times as long as one.

    The activations of one fill the cache. With the size known, shapes are computed when the graph
    is loaded, and the server does not try it with hundreds of rows.
    """
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    del model.graph.value_info[:]  # they name the dimension that is gone


def _rewrite() -> None:
    """Writes layers as ONNX Runtime runs them fastest; what they compute stays the same.

    A linear layer on a matrix is one Gemm with its bias, on three dimensions a product and a sum;
    the two halves of SwiGLU as two products need no split. Half the time of a run in all.
    """
    import fracast._core.gather_head as head_module  # noqa: PLC0415 - an extra
    import fracast._core.self_similar_block as block_module  # noqa: PLC0415
    import torch  # noqa: PLC0415

    def product(rows: Any, weight: Any, bias: Any) -> Any:
        shape = rows.shape
        flat = torch.addmm(bias, rows.reshape(-1, shape[-1]), weight.t())
        return flat.reshape(*shape[:-1], weight.shape[0])

    def linear(self: Any, rows: Any) -> Any:
        return product(rows, self.weight, self.bias)

    def gated(self: Any, rows: Any) -> Any:
        half = self.up.weight.shape[0] // 2
        gate = product(rows, self.up.weight[:half], self.up.bias[:half])
        value = product(rows, self.up.weight[half:], self.up.bias[half:])
        return self.down(torch.nn.functional.silu(gate) * value)

    def norm(layer: Any, rows: Any) -> Any:
        least = layer.eps if layer.eps is not None else torch.finfo(torch.float32).eps
        size = (rows * rows).mean(-1, keepdim=True)
        return rows * torch.rsqrt(size + least) * layer.weight

    torch.nn.Linear.forward = linear
    block_module.SwiGLU.forward = gated
    torch.nn.RMSNorm.forward = norm
    block_module._norm_fp32 = norm  # noqa: SLF001 - its own name for it
    head_module._norm_fp32 = norm  # noqa: SLF001


def _parity(graph: bytes, expected: list[tuple[Doubles, int, Any]]) -> float:
    session = open_session(graph)
    largest = 0.0
    for values, horizon, wanted in expected:
        found = network.forecast(
            lambda rows, mask: session.run(None, {"values": rows, "mask": mask})[0], values, horizon
        )
        gap = float(np.abs(found - np.sort(wanted, axis=0)).max()) / max(np.ptp(values), 1e-5)
        if not gap <= PARITY_TOLERANCE:  # also when it is NaN
            raise ParityError(
                f"a series of {len(values)} values differs by {gap:.2g} of its range, allowed is "
                f"{PARITY_TOLERANCE:g}; nothing was published"
            )
        largest = max(largest, gap)
    return largest


def _document(graph: bytes, version: str, package: str, parity: float) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": NAME,
        "version": version,
        "kind": "forecasting",
        "description": DESCRIPTION,
        "graph": {
            "file": GRAPH_FILE_NAME,
            "sha256": hashlib.sha256(graph).hexdigest(),
            "bytes": len(graph),
            "opset": OPSET,
        },
        "training": {
            "algorithm": f"Fracast-0 {package}, 85,001 parameters, Apache-2.0, not trained here",
            "dataset": "not told in full; its list has public collections, among which M4 and "
            "other classics are likely: on those it is no clean zero-shot test",
            "context": CONTEXT_MAX,
            "horizon": network.BLOCK,
            "levels": [round(0.1 * index, 1) for index in range(1, 10)],
            "libraries": {name: metadata.version(name) for name in ("torch", "onnxscript", "onnx")},
        },
        "parity": {
            "reference": f"{PACKAGE} {package} in float32, in units of the range of a series",
            "rows": PARITY_SERIES,
            "tolerance": PARITY_TOLERANCE,
            "difference_below": power_of_ten_above(parity),
        },
    }
