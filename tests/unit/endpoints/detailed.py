"""Models with levels, intervals, several outputs and explanations, as numpy functions."""

import json
from dataclasses import replace
from typing import Any

import numpy as np

from stubtail.endpoints.lane_method import Deadlines, LaneMethod
from stubtail.endpoints.scoring import PATH, ScoreReader
from stubtail.models.errors import RunFailed
from stubtail.models.manifest import Manifest
from stubtail.models.session import LoadedModel
from tests import score_models
from tests.unit.endpoints.loaded import model, served, spec
from tests.unit.endpoints.scored import BARE, RULED

ROW = [2.0, 30.0, 1.0, 1.0]
BACKGROUND = np.array(score_models.background(), np.float32)


def outputs(feeds: Any) -> list[np.ndarray]:
    """What `score_models.graph` gives: score, days and spread, float32 [N, 1]."""
    rows = next(iter(feeds.values()))
    score = 1 / (1 + np.exp(-score_models.logits(rows)))
    days = rows[:, 0] + 5.0
    return [np.asarray(one, np.float32)[:, None] for one in (score, days, days / 10)]


def scores(feeds: Any) -> list[np.ndarray]:
    """A probability for each row of any width."""
    rows = next(iter(feeds.values()))
    return [(1 / (1 + np.exp(-rows.sum(axis=1, keepdims=True)))).astype(np.float32)]


def fail(feeds: Any) -> list[np.ndarray]:
    """Fails on an amount from 5."""
    rows = next(iter(feeds.values()))
    if (rows[:, 0] >= 5).any():
        raise RunFailed("fragile@1", "for the log")
    return outputs(feeds)


def loaded(name: str, document: dict[str, Any], run: Any = outputs, width: int = 4) -> LoadedModel:
    """A model with this model.json."""
    about = Manifest.parse(json.dumps(document), name)
    names = ("score",) if run is scores else ("score", "days", "spread")
    specs = [spec(output, "FP32", -1, 1) for output in names]
    made = model(name, [spec("x", "FP32", -1, width)], specs, run, about=about)
    if about.explanation is None:
        return made
    background = run({"x": about.explanation.background})[0].ravel()
    return replace(made, background_scores=background)


RISK = loaded("risk", score_models.manifest(b"graph", "risk"))
DAYS = loaded("days", score_models.days_manifest(b"graph"))
WIDE = loaded("wide", score_models.wide_manifest(b"graph"), scores, score_models.WIDE_FEATURES)
FRAGILE = loaded(
    "fragile",
    score_models.manifest(b"graph", "fragile", output={"score": "score"}, explanation=None),
    fail,
)


def method() -> LaneMethod:
    """Score over all these models, and some without manifest or details."""
    models = served(RISK, DAYS, WIDE, FRAGILE, BARE, RULED)
    return LaneMethod(PATH, ScoreReader(models), models, Deadlines(5.0, 30.0))
