"""What a score with reasons costs, and whether its reasons are those that TreeSHAP gives.

TreeSHAP (Lundberg et al., Nature Machine Intelligence 2, 2020) is LightGBM's own `pred_contrib`, in
log-odds. It takes the trees apart and counts a missing feature as the training rows that went each
way (path-dependent); the server knows only scores and takes the feature from a background row
(interventional). So the two differ by more than sampling, and both parts are told: the reasons of
the server against its own definition with sixty times the walks, and that against TreeSHAP.
"""

import argparse
import hashlib
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import BenchmarkError
from benchmarks.figures import quantile
from benchmarks.results import Promise, machine
from benchmarks.rows import Subject
from benchmarks.scenario import add_common, add_transport, finish, server_of
from stubtail.endpoints.shapley import Walks
from stubtail.v1 import scoring_pb2

SCORE = "/stubtail.v1.ScoringService/Score"
TIMEOUT_S = 20.0
TREES, LEAVES = 100, 8  # about as many as a model of these rows can use
HOLDOUT_ROWS = 200
BACKGROUND_ROWS = 64
LONG_WALKS = 60 * BACKGROUND_ROWS
SEED = 24

Values = NDArray[np.float64]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks explain`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--calls", type=int, default=500, help="explained calls that are timed")
    parser.add_argument("--top", type=int, default=5, help="reasons that each of them asks for")


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when the promises were kept."""
    about = machine()
    seconds, evaluations = _latency(options)
    p50_ms, p99_ms = 1e3 * quantile(seconds, 0.5), 1e3 * quantile(seconds, 0.99)
    print(
        f"  {options.model}, {options.top} reasons, one call at a time: p50 {p50_ms:.2f} ms, "
        f"p99 {p99_ms:.2f} ms, {evaluations:.0f} evaluations a call",
        flush=True,
    )
    found = _agreement(options)
    for line, value in found.items():
        print(f"  {line}: {value:.4f}", flush=True)
    promises = [
        Promise("an explained call, p50", p50_ms, "at most", 5.0, " ms"),
        Promise("rank correlation with TreeSHAP", found["server, TreeSHAP"], "at least", 0.9, ""),
        Promise("contributions add up to", found["largest gap"], "at most", 1e-4, ""),
    ]
    figures = {"p50_ms": p50_ms, "p99_ms": p99_ms, "evaluations": evaluations, "agreement": found}
    return finish("explain", options, about, promises, figures)


def _latency(options: argparse.Namespace) -> tuple[list[float], float]:
    """Seconds of each call, from grpc's Python client, and the mean number of evaluations."""
    subject = Subject(options.models / options.model)
    rows = subject.draw(options.calls + 20, SEED)
    seconds, sizes = [], []
    with server_of(options) as server, grpc.insecure_channel(server.address) as channel:
        for index, row in enumerate(rows):
            request = _request(options.model, row, options.top)
            begin = time.perf_counter()
            reply, timing = _call(channel, request)
            if index >= 20:  # the first ones open the connection and fill caches
                seconds.append(time.perf_counter() - begin)
                sizes.append(int(timing.rpartition("batch_rows=")[2]))
            if len(reply.explanation.contributions) != options.top:
                raise BenchmarkError(f"{options.model} gave no {options.top} reasons")
    return seconds, float(np.mean(sizes))


def _agreement(options: argparse.Namespace) -> dict[str, float]:
    """Mean rank correlations over the held-out rows, and the largest gap of a sum."""
    booster, rows, held_out = _train()
    given, gaps = [], []
    with tempfile.TemporaryDirectory(prefix="explain-") as name:
        background = _export(booster, rows, Path(name) / "telco" / "1")
        with (
            server_of(options, Path(name)) as server,
            grpc.insecure_channel(server.address) as channel,
        ):
            for row in held_out:
                reply, _ = _call(channel, _request("telco", row, 0))
                given.append(_contributions(reply))
                total = reply.explanation.base_value + given[-1].sum()
                gaps.append(abs(total - np.log(reply.scores[0] / (1 - reply.scores[0]))))
    served = np.array(given)
    tree_shap = booster.predict(_prepared(held_out), pred_contrib=True)[:, :-1]
    walked = _long_walks(booster, background, held_out)
    return {
        "server, TreeSHAP": _rank_correlation(served, tree_shap),
        "server, its definition with 60 times the walks": _rank_correlation(served, walked),
        "that definition, TreeSHAP": _rank_correlation(walked, tree_shap),
        "largest gap": float(max(gaps)),
    }


def _request(model: str, row: Any, top: int) -> bytes:
    return scoring_pb2.ScoreRequest(
        model=model,
        explain=scoring_pb2.Explain(top=top),
        dense=scoring_pb2.DenseRows(values=row.tolist()),
    ).SerializeToString()


def _call(channel: Any, request: bytes) -> tuple[scoring_pb2.ScoreResponse, str]:
    """The reply and the server's timing."""
    reply, call = channel.unary_unary(SCORE).with_call(
        request, timeout=TIMEOUT_S, metadata=(("stubtail-timing", "1"),)
    )
    timing = dict(call.trailing_metadata())["stubtail-timing"]
    return scoring_pb2.ScoreResponse.FromString(reply), str(timing)


def _contributions(reply: scoring_pb2.ScoreResponse) -> Values:
    """[features], in the order of the features."""
    found = np.zeros(len(reply.explanation.names))
    found[list(reply.explanation.name_indexes)] = reply.explanation.contributions
    return found


def _train() -> tuple[Any, Any, Any]:
    """A LightGBM model of the Telco customers, its training rows, and rows held out."""
    try:
        import lightgbm  # noqa: PLC0415 - of the training extra, which other benchmarks do not need

        from training import churn, datasets  # noqa: PLC0415 - likewise
        from training.features import encode  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise BenchmarkError(f"explain needs the training extra: {error}") from error
    dataset = datasets.telco_churn()
    rows = encode(dataset.frame, churn.FEATURES)
    order = np.random.default_rng(SEED).permutation(len(rows))
    held_out, seen = order[:HOLDOUT_ROWS], order[HOLDOUT_ROWS:]
    parameters = {
        "objective": "binary",
        "verbosity": -1,
        "num_leaves": LEAVES,
        "learning_rate": 0.1,
        "lambda_l2": 20.0,
        "feature_fraction": 0.5,
        "use_missing": False,
        "seed": SEED,
        "num_threads": 1,
        "deterministic": True,
    }
    data = lightgbm.Dataset(_prepared(rows[seen]), dataset.labels[seen])
    return lightgbm.train(parameters, data, TREES), rows[seen], rows[held_out]


def _prepared(rows: Any) -> Any:
    from training.trees import missing_first  # noqa: PLC0415 - of the training extra

    return missing_first(rows)


def _export(booster: Any, rows: Any, folder: Path) -> Any:
    """Writes the model with a background, log-odds as its link; returns the background."""
    from training import churn, graph, native_trees, trees  # noqa: PLC0415 - of the training extra
    from training.background import explanation  # noqa: PLC0415 - likewise
    from training.features import as_json  # noqa: PLC0415 - likewise

    ensemble = trees.exact(native_trees.of_lightgbm(booster))
    content = graph.classifier(
        ensemble, rows.shape[1], name="telco", notes="for a benchmark", metadata={}
    )
    scores = booster.predict(_prepared(rows), raw_score=True)
    found = explanation(rows, scores, SEED, count=BACKGROUND_ROWS)
    document = {
        "format": 1,
        "name": "telco",
        "version": "1",
        "kind": "scoring",
        "graph": {
            "file": "model.onnx",
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "opset": graph.OPSET,
        },
        "features": as_json(churn.FEATURES, rows),
        "output": {"score": graph.OUTPUT},
        "explanation": {**found, "link": "logit"},
    }
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(content)
    (folder / "model.json").write_text(json.dumps(document))
    cells = [[np.nan if cell is None else cell for cell in row] for row in found["background"]]
    return np.array(cells, np.float32)


def _long_walks(booster: Any, background: Any, rows: Any) -> Values:
    """What the server would say with sixty times the walks, [rows, features]."""

    def log_odds(some: Any) -> Values:
        return np.asarray(booster.predict(_prepared(some), raw_score=True))

    walks = Walks(background, np.eye(background.shape[1], dtype=bool), LONG_WALKS)
    base, found = log_odds(background), []
    for row in rows:
        evaluations = walks.plan(row[None])
        scores = log_odds(walks.expand(evaluations))
        found.append(walks.contributions(evaluations, scores, base)[0])
    return np.array(found)


def _rank_correlation(one: Values, other: Values) -> float:
    """Spearman's, of the signed contributions of each row; the mean over the rows."""
    ranks = [np.argsort(np.argsort(values, axis=1), axis=1) for values in (one, other)]
    centred = [rank - rank.mean(axis=1, keepdims=True) for rank in ranks]
    covariance = (centred[0] * centred[1]).sum(axis=1)
    scale = np.sqrt((centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1))
    return float((covariance / scale).mean())
