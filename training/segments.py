"""Segments: groups of customers alike in recency, frequency, value and length of activity."""

import platform
from collections.abc import Callable
from importlib.metadata import version as version_of
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from onnx import helper, numpy_helper

from training import cdnow, clustering, graph, segment_profiles
from training.clustering import Clusters
from training.export import Trained
from training.features import Matrix, Number, as_json, describe, statistics
from training.transaction_columns import about

Numbers = npt.NDArray[np.float64]

SEED: Final = 5
AS_OF: Final = "1998-04-01"
AHEAD_DAYS: Final = 90  # after the date: only looked at to tell what the segments did next
HOLDOUT_FOLDS: Final = 5  # of customers; the first is held out
COLUMNS: Final = (
    "recency_days",
    "active_days",
    "purchases",
    "purchases_last_180d",
    "value_mean",
)
PARITY_TOLERANCE: Final = 1e-5  # of distances; the logs and sums of float32
STEPS: Final = 4
DESCRIPTION: Final = "Which group of customers somebody belongs to, how clearly, and how far off."
LIBRARIES: Final = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "scipy")


def train(step: Callable[[str], None]) -> Trained:
    """Finds the groups among four fifths of the customers, judges on the others.

    Args:
        step: called with a word after each piece of work, STEPS times.

    Raises:
        DataError: the data set is absent or not what it was.
    """
    panel = cdnow.panel(cdnow.purchases(), AS_OF, AHEAD_DAYS)
    places = [panel.known.names.index(name) for name in COLUMNS]
    rows = panel.rows[:, places]
    held = cdnow.folds(panel.known.customers, HOLDOUT_FOLDS, SEED) == 0
    step("features")
    chosen = clustering.choose(rows[~held], SEED)
    clusters = clustering.ordered(chosen.clusters, panel.column("spend_total")[~held], rows[~held])
    step("chose the number of segments")
    votes = clustering.votes(clusters, rows[~held], rows, SEED)
    clusters = clustering.sharpened(clusters, rows[~held], votes[~held])
    step("measured how firm they are")
    names = segment_profiles.names(clusters, panel, rows, ~held)
    belongs = clusters.membership(rows)
    found = segment_profiles.metrics(clusters, chosen, panel, rows, votes, held)
    features = tuple(Number(name=name, description=about(name)) for name in COLUMNS)
    document: dict[str, Any] = {
        "features": as_json(features, rows[~held]),
        "output": {
            "score": "segment",
            "meaning": "the number of the customer's segment, from the least spent to the most",
        },
        "outputs": _outputs(names),
        "profiles": segment_profiles.profiles(clusters, names, panel, rows, ~held),
        "calibration": {
            "method": "membership is softmax(-sharpness * squared distance), with the sharpness"
            f" that best tells the votes of {clustering.VOTERS} clusterings of other halves of the"
            " customers",
            "sharpness": clusters.sharpness,
        },
        "training": _record(chosen, int((~held).sum()), int(held.sum())),
        "statistics": {
            "rows": int((~held).sum()),
            "features": statistics(features, rows[~held]),
            "score": describe(belongs[~held].argmax(axis=1).astype(np.float32)),
        },
        "metrics": found,
        "report": {"plots": segment_profiles.pictures(clusters, names, rows[held])},
    }
    step("measured")
    return Trained(
        name="segments",
        description=DESCRIPTION,
        graph=_graph(clusters, names),
        holdout=rows[held],
        expected=_expected(clusters, names, rows[held]),
        reference="the same steps in double precision",
        document=document,
        tolerance=PARITY_TOLERANCE,
    )


def _expected(clusters: Clusters, names: tuple[str, ...], rows: Matrix) -> dict[str, Numbers]:
    belongs, away = clusters.membership(rows), clusters.distances(rows)
    return {
        "segment": belongs.argmax(axis=1).astype(np.float64),
        "strength": belongs.max(axis=1),
        **{f"membership_{name}": belongs[:, at] for at, name in enumerate(names)},
        **{f"distance_{name}": away[:, at] for at, name in enumerate(names)},
    }


def _outputs(names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {
            "name": "segment",
            "meaning": "the segment, by its number from 0; the level is its name",
            "unit": "segment",
            "levels": {
                "names": list(names),
                "thresholds": [at + 0.5 for at in range(len(names) - 1)],
            },
        },
        {
            "name": "strength",
            "meaning": "how firmly the customer belongs to it: the share of clusterings of other"
            " customers that would say the same",
            "unit": "probability",
            "levels": {"names": ["between segments", "likely", "firm"], "thresholds": [0.6, 0.9]},
        },
        *(
            {
                "name": f"membership_{name}",
                "meaning": f"share of clusterings that would say {name}",
                "unit": "probability",
            }
            for name in names
        ),
        *(
            {
                "name": f"distance_{name}",
                "meaning": f"distance to the centre of {name}, in standard deviations of logs",
                "unit": "standard deviations",
            }
            for name in names
        ),
    ]


def _graph(clusters: Clusters, names: tuple[str, ...]) -> bytes:
    """`features` [rows, 5] to one column [rows, 1] for each output."""
    memberships = [f"membership_{name}" for name in names]
    distances = [f"distance_{name}" for name in names]
    node = helper.make_node
    nodes = [
        node("Max", [graph.INPUT, "nothing"], ["known"]),
        node("Add", ["known", "one"], ["more"]),
        node("Log", ["more"], ["logs"]),
        node("Sub", ["logs", "means"], ["moved"]),
        node("Div", ["moved", "deviations"], ["standard"]),
        node("Unsqueeze", ["standard", "middle_axis"], ["standard_once"]),
        node("Sub", ["standard_once", "centres"], ["apart"]),
        node("Mul", ["apart", "apart"], ["squares"]),
        node("ReduceSum", ["squares", "last_axis"], ["squared"], keepdims=0),
        node("Sqrt", ["squared"], ["distances"]),
        node("Split", ["distances"], distances, axis=1),
        node("Mul", ["squared", "minus_sharpness"], ["closeness"]),
        node("Softmax", ["closeness"], ["memberships"], axis=1),
        node("Split", ["memberships"], memberships, axis=1),
        node("ReduceMax", ["memberships"], ["strength"], axes=[1], keepdims=1),
        node("ArgMax", ["memberships"], ["place"], axis=1, keepdims=1),
        node("Cast", ["place"], ["segment"], to=1),  # 1 is float32
    ]
    constants: dict[str, npt.NDArray[Any]] = {
        "nothing": np.array([0], np.float32),
        "one": np.array([1], np.float32),
        "means": clusters.means[None, :].astype(np.float32),
        "deviations": clusters.deviations[None, :].astype(np.float32),
        "centres": clusters.centres[None, :, :].astype(np.float32),
        "minus_sharpness": np.array([-clusters.sharpness], np.float32),
        "middle_axis": np.array([1], np.int64),
        "last_axis": np.array([2], np.int64),
    }
    return graph.model(
        nodes,
        len(COLUMNS),
        dict.fromkeys(["segment", "strength", *memberships, *distances], 1),
        name="segments",
        notes=DESCRIPTION,
        metadata={"features": ",".join(COLUMNS), "segments": ",".join(names)},
        constants=[numpy_helper.from_array(value, name) for name, value in constants.items()],
    )


def _record(chosen: clustering.Choice, seen: int, held: int) -> dict[str, Any]:
    """What was trained on what: enough to do it again and get the same bytes."""
    return {
        "dataset": cdnow.described(seen + held),
        "holdout": {
            "as_of": AS_OF,
            "rows": held,
            "rule": "a fifth of the customers, drawn at random, moved no centre and chose nothing;"
            " what happened after the date is only told in the profiles",
        },
        "seed": SEED,
        "algorithm": "k-means on standardised logs",
        "chosen_by": clustering.RULE,
        "candidates": chosen.tried,
        "libraries": {name: version_of(name) for name in LIBRARIES},
        "platform": f"{platform.system().lower()}-{platform.machine()}",
    }
