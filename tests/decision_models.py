"""Small models to decide with: the demand for a product by its price, exact by hand."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from tests import model_files

BASE, BY_PRICE, BY_PLAN = 10.0, -2.0, 3.0
CONTEXT: dict[str, Any] = {"price": 2.0, "plan": "basic", "week": 5.0}


def units(price: float, plan: str = "basic") -> float:
    """What the model predicts."""
    return BASE + BY_PRICE * price + BY_PLAN * (plan == "plus")


def demand() -> bytes:
    """`units = 10 - 2 * price + 3 * plan` and `spread = price / 4`, float32 [N, 3] to [N, 1]."""
    return model_files.model_bytes(
        [
            helper.make_node("MatMul", ["x", "weights"], ["product"]),
            helper.make_node("Add", ["product", "base"], ["units"]),
            helper.make_node("MatMul", ["x", "spreads"], ["spread"]),
        ],
        [model_files.value("x", TensorProto.FLOAT, ["N", 3])],
        [
            model_files.value("units", TensorProto.FLOAT, ["N", 1]),
            model_files.value("spread", TensorProto.FLOAT, ["N", 1]),
        ],
        [
            model_files.constant("weights", np.array([[BY_PRICE], [BY_PLAN], [0.0]], np.float32)),
            model_files.constant("base", np.array([BASE], np.float32)),
            model_files.constant("spreads", np.array([[0.25], [0.0], [0.0]], np.float32)),
        ],
    )


def manifest(graph: bytes) -> dict[str, Any]:
    """What the features mean; the interval is `units -+ 2 * spread` for a coverage of 0.9."""
    return {
        "format": 1,
        "name": "shop",
        "version": "1",
        "kind": "scoring",
        "description": "units sold by price",
        "graph": {
            "file": "model.onnx",
            "sha256": hashlib.sha256(graph).hexdigest(),
            "bytes": len(graph),
            "opset": model_files.OPSET,
        },
        "features": [
            {"name": "price", "type": "number", "minimum": 0.5, "maximum": 8.0},
            {"name": "plan", "type": "category", "categories": ["basic", "plus"]},
            {"name": "week", "type": "number", "missing": "allow"},
        ],
        "output": {
            "score": "units",
            "meaning": "units sold",
            "interval": {
                "method": "normalised",
                "coverages": [0.5, 0.9],
                "below": [1.0, 2.0],
                "above": [1.0, 2.0],
                "scale": "spread",
                "minimum": 0.0,
                "calibration_rows": 100,
            },
        },
    }


def write_shop(folder: Path) -> Path:
    """Puts the model `shop` into a folder of models; returns that folder."""
    graph = demand()
    model_files.write_model(folder / "shop" / "1", graph, manifest(graph))
    return folder
