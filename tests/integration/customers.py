"""Customers for the shipped churn model, and what onnxruntime says of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime


class Customers:
    """Random rows within the model's ranges and categories, from a seed.

    Args:
        folder: of the shipped models.
    """

    def __init__(self, folder: Path) -> None:
        folder = folder / "churn" / "1"
        self.manifest: dict[str, Any] = json.loads((folder / "model.json").read_text())
        self.features: list[dict[str, Any]] = self.manifest["features"]
        self.names = [feature["name"] for feature in self.features]
        self._session = onnxruntime.InferenceSession(folder / "model.onnx")
        self.input: str = self._session.get_inputs()[0].name

    def rows(self, count: int, seed: int) -> np.ndarray:
        """Dense rows, float32 [count, features], without missing values."""
        rng = np.random.default_rng(seed)
        columns = [
            rng.integers(len(feature["categories"]), size=count)
            if feature["type"] == "category"
            else rng.uniform(feature["minimum"], feature["maximum"], count)
            for feature in self.features
        ]
        return np.stack(columns, axis=1).astype(np.float32)

    def columns(self, rows: np.ndarray) -> dict[str, list[Any]]:
        """The same rows by name: numbers, and the strings of categories."""
        return {
            feature["name"]: [feature["categories"][int(code)] for code in column]
            if feature["type"] == "category"
            else column.tolist()
            for feature, column in zip(self.features, rows.T, strict=True)
        }

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """What onnxruntime answers, float32 [rows]."""
        answer: np.ndarray = self._session.run(None, {self.input: rows})[0]
        return answer.ravel()

    def column(self, name: str) -> int:
        """The position of a feature."""
        return self.names.index(name)
