"""Models with everything that a score can come with, for tests, and what they should answer."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from tests import model_files
from tests.model_files import constant, model_bytes, value, write_model

FLOAT = TensorProto.FLOAT
PLANS = ("basic", "plus", "max")
FEATURES = ("amount", "age", "note", "plan")
WEIGHTS = np.array([[0.4], [-0.03], [0.2], [0.5]], np.float32)
OFFSET = -1.0
LEVELS: dict[str, Any] = {"names": ["low", "medium", "high"], "thresholds": [0.3, 0.6]}
OUTCOME: dict[str, Any] = {
    "method": "split",
    "coverages": [0.5, 0.9],
    "below": [0.2, 0.5],
    "above": [0.3, 0.7],
    "minimum": 0.0,
    "maximum": 1.0,
    "calibration_rows": 100,
    "meaning": "the outcome",
}
SPREAD: dict[str, Any] = {
    "method": "normalised",
    "coverages": [0.8, 0.9],
    "below": [1.0, 2.0],
    "above": [1.5, 2.5],
    "scale": "spread",
    "minimum": 0.0,
}
WIDE_FEATURES = 12


def graph() -> bytes:
    """Of rows [N, 4]: `score` (a probability with an interaction), `days` and `spread`, [N, 1]."""
    return model_bytes(
        [
            helper.make_node("MatMul", ["x", "weights"], ["linear"]),
            helper.make_node("Gather", ["x", "first"], ["amount"], axis=1),
            helper.make_node("Gather", ["x", "last"], ["plan"], axis=1),
            helper.make_node("Mul", ["amount", "plan"], ["both"]),
            helper.make_node("Mul", ["both", "tenth"], ["interaction"]),
            helper.make_node("Add", ["linear", "interaction"], ["sum"]),
            helper.make_node("Add", ["sum", "offset"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["score"]),
            helper.make_node("Add", ["amount", "five"], ["days"]),
            helper.make_node("Mul", ["days", "tenth"], ["spread"]),
        ],
        [value("x", FLOAT, ["N", 4])],
        [value(name, FLOAT, ["N", 1]) for name in ("score", "days", "spread")],
        [
            constant("weights", WEIGHTS),
            constant("first", np.array([0], np.int64)),
            constant("last", np.array([3], np.int64)),
            constant("tenth", np.array([0.1], np.float32)),
            constant("offset", np.array([OFFSET], np.float32)),
            constant("five", np.array([5.0], np.float32)),
        ],
    )


def logits(rows: np.ndarray) -> np.ndarray:
    """The log-odds of `graph` by hand, float64 [N]."""
    rows = np.asarray(rows, np.float64)
    linear = (rows @ WEIGHTS.astype(np.float64)).ravel()
    return np.asarray(linear + 0.1 * rows[:, 0] * rows[:, 3] + OFFSET)


def fragile() -> bytes:
    """Rows of the same features; fails on an amount from 2, which the manifest allows."""
    return model_bytes(
        [
            helper.make_node("Gather", ["x", "first"], ["amount"], axis=1),
            helper.make_node("Cast", ["amount"], ["index"], to=TensorProto.INT64),
            helper.make_node("Gather", ["table", "index"], ["score"]),
        ],
        [value("x", FLOAT, ["N", 4])],
        [value("score", FLOAT, ["N", 1])],
        [
            constant("first", np.array([0], np.int64)),
            constant("table", np.array([0.25, 0.5], np.float32)),
        ],
    )


def features() -> list[dict[str, Any]]:
    """Four features, one for each rule."""
    return [
        {"name": "amount", "type": "number", "minimum": 0, "maximum": 10, "outside": "clip"},
        {"name": "age", "type": "number", "minimum": 18, "maximum": 99, "outside": "refuse"},
        {"name": "note", "type": "number", "missing": "default", "default": 1.0},
        {
            "name": "plan",
            "type": "category",
            "categories": list(PLANS),
            "unknown": "default",
            "default": "basic",
        },
    ]


def background(rows: int = 16, seed: int = 5) -> list[list[float]]:
    """Rows within the ranges."""
    rng = np.random.default_rng(seed)
    columns = [
        rng.integers(0, 11, rows),
        rng.integers(18, 100, rows),
        rng.integers(0, 3, rows),
        rng.integers(0, 3, rows),
    ]
    drawn: list[list[float]] = np.stack(columns, axis=1).astype(float).tolist()
    return drawn


def manifest(content: bytes, name: str, /, **changes: Any) -> dict[str, Any]:
    """A model.json for a graph, with changes; None takes a key out."""
    document = {
        "format": 1,
        "name": name,
        "version": "1",
        "kind": "scoring",
        "graph": {
            "file": "model.onnx",
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "opset": model_files.OPSET,
        },
        "features": features(),
        "output": {
            "score": "score",
            "classes": ["stay", "leave"],
            "threshold": 0.5,
            "levels": LEVELS,
            "interval": OUTCOME,
        },
        "explanation": {"background": background(), "rows": 16, "link": "logit"},
    }
    document |= changes
    return {key: content for key, content in document.items() if content is not None}


def days_manifest(content: bytes) -> dict[str, Any]:
    """Two named outputs; only `days` has an interval, scaled by `spread`."""
    return manifest(
        content,
        "days",
        output={"score": "score"},
        outputs=[
            {"name": "score", "unit": "probability", "levels": LEVELS},
            {"name": "days", "unit": "days", "meaning": "until then", "interval": SPREAD},
        ],
        explanation=None,
    )


def wide_manifest(content: bytes) -> dict[str, Any]:
    """Twelve features, ten of them alone and two in a group: too many to look at all subsets."""
    rng = np.random.default_rng(8)
    names = [f"w{index}" for index in range(WIDE_FEATURES)]
    rows = rng.normal(size=(64, WIDE_FEATURES)).astype(np.float32).tolist()
    return manifest(
        content,
        "wide",
        features=[{"name": name, "type": "number", "missing": "refuse"} for name in names],
        output={"score": "score", "interval": OUTCOME},
        explanation={"background": rows, "groups": {"pair": names[-2:]}},
    )


def write_all(folder: Path) -> Path:
    """Puts the models risk, days, wide and fragile into a folder."""
    content = graph()
    write_model(folder / "risk" / "1", content, manifest(content, "risk"))
    write_model(folder / "days" / "1", content, days_manifest(content))
    wide = model_files.scoring(WIDE_FEATURES)
    write_model(folder / "wide" / "1", wide, wide_manifest(wide))
    broken = fragile()
    amount = {"name": "amount", "type": "number", "minimum": 0, "maximum": 1}
    document = manifest(
        broken,
        "fragile",
        output={"score": "score"},
        explanation=None,
        features=[amount, *features()[1:]],
    )
    write_model(folder / "fragile" / "1", broken, document)
    return folder
