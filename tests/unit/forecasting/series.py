"""Series that tests forecast, with what is known of them, and the shipped graphs."""

import hashlib
from pathlib import Path

import numpy as np

from stubtail.forecasting.task import GRAPHS, Doubles, GraphFile

MODELS = Path(__file__).resolve().parents[3] / "exported_models"


def hours(count: int, seed: int = 0, noise: float = 1.0) -> Doubles:
    """A day and a week, a little noise; the day is the stronger season."""
    rng = np.random.default_rng(seed)
    steps = np.arange(count)
    day = 10 * np.sin(2 * np.pi * steps / 24)
    week = 4 * np.sin(2 * np.pi * steps / 168)
    return np.asarray(100 + day + week + rng.normal(0, noise, count))


def months(count: int, seed: int = 1) -> Doubles:
    """Growth with a season that grows along, as sales have it."""
    rng = np.random.default_rng(seed)
    steps = np.arange(count)
    season = 1 + 0.3 * np.sin(2 * np.pi * steps / 12)
    return np.asarray(100 * 1.01**steps * season * rng.lognormal(0, 0.02, count))


def shipped() -> dict[str, GraphFile]:
    """The exported models that forecasts use."""
    found = {}
    for name in GRAPHS:
        path = MODELS / name / "1" / "model.onnx"
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found[name] = GraphFile(name, "1", str(path), digest)
    return found
