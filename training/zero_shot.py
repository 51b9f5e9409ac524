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

from stubtail.forecasting import network
from stubtail.forecasting.task import CONTEXT_MAX, Doubles
from stubtail.models.manifest import FILE_NAME, FORMAT, GRAPH_FILE_NAME, Manifest
from training.export import ParityError, as_text, open_session, power_of_ten_above
from training.forecast_corpus import made
from training.publish import publish
from training.zero_shot_graph import OPSET, graph_of

NAME: Final = "zero-shot"
PACKAGE: Final = "fracast"
DESCRIPTION: Final = "Fracast-0: deciles of the next 48 values of any series, without training."
LICENCE_FILE: Final = "LICENSE.fracast.txt"
NOTICE_FILE: Final = "NOTICE.txt"
NOTICE: Final = """\
model.onnx holds the weights of Fracast-0 {version} (the Python package fracast), licensed
under the Apache License 2.0, whose text is in LICENSE.fracast.txt. It was exported from the package
by `python -m training zero-shot` of stubtail: its layers were written in the operators that ONNX
Runtime runs fastest; of its weights, the gain of each scale was multiplied into the norm before it.
The package in turn adapts parts of TinyCast
(raws-labs/tinycast, Apache License 2.0).
"""
PARITY_SERIES: Final = 220
PARITY_TOLERANCE: Final = 1e-5  # of the range of a series, in one run
# A run that is rolled on sees what the one before it said: the network itself makes of 1e-7 there
# up to 1e-5.
ROLLED_TOLERANCE: Final = 1e-4
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
    graph = graph_of(package, DESCRIPTION)
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
    """Series of many kinds and lengths with a horizon, for the proof.

    None is constant: those are answered without the network, whose package has a least span.
    """
    rng = np.random.default_rng(SEED)
    chosen: list[tuple[Doubles, int]] = []
    for one in made(rng, 2 * PARITY_SERIES):
        index, most = len(chosen), len(one.values)
        kept = most if index % 3 == 0 else int(rng.integers(8, most + 1))
        values = one.values[-kept:].astype(np.float32).astype(np.float64)
        if np.ptp(values) > 0 and index < PARITY_SERIES:
            chosen.append((values, network.BLOCK if index % 10 else 2 * network.BLOCK))
    return chosen


def _parity(graph: bytes, expected: list[tuple[Doubles, int, Any]]) -> float:
    session = open_session(graph)
    largest = 0.0
    for values, horizon, wanted in expected:
        found = network.forecast(
            lambda rows, mask: session.run(None, {"values": rows, "mask": mask})[0], values, horizon
        )
        gaps = np.abs(found - np.sort(wanted, axis=0)).max(axis=0) / np.ptp(values)
        first, rolled = gaps[: network.BLOCK], gaps[network.BLOCK :]
        gap = float(first.max())
        # Also when they are NaN.
        if not (gap <= PARITY_TOLERANCE and (rolled <= ROLLED_TOLERANCE).all()):
            raise ParityError(
                f"a series of {len(values)} values differs by {gaps.max():.2g} of its range; "
                f"{PARITY_TOLERANCE:g} is allowed, {ROLLED_TOLERANCE:g} beyond {network.BLOCK} "
                "steps; nothing was published"
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
            "reference": f"{PACKAGE} {package} in float32, one run, in units of a series' range",
            "rows": PARITY_SERIES,
            "tolerance": PARITY_TOLERANCE,
            "difference_below": power_of_ten_above(parity),
        },
    }
