"""What it gains that an isolation forest is one node: against a node for each tree."""

import time
from typing import Any

import numpy as np

from benchmarks.results import Promise

ROWS = 2000
WIDTH = 15
RUNS = 500
GAIN = 5.0  # times faster


def forest_gain(figures: dict[str, Any]) -> list[Promise]:
    """The median run with one fresh row of both graphs, which agree, in microseconds.

    A node for each tree is less than what skl2onnx makes, which has several for each.
    """
    from onnx import helper  # noqa: PLC0415 - training's libraries

    from training import graph  # noqa: PLC0415 - as above
    from training.anomaly_bundle import Bundle  # noqa: PLC0415 - as above
    from training.anomaly_graph import forest_graph, nodes_of  # noqa: PLC0415 - as above
    from training.export import open_session  # noqa: PLC0415 - as above
    from training.trees import Ensemble  # noqa: PLC0415 - as above

    rng = np.random.default_rng(8)
    rows = rng.normal(size=(ROWS, WIDTH)).astype(np.float32)
    bundle = Bundle.fit(rows[:1000], rows[1000:1500], seed=8)
    one = forest_graph(bundle)
    trees = bundle.forest.trees
    nodes = [
        graph.tree_node([Ensemble((tree,), 0.0)], graph.INPUT, f"depth_{at}", name=f"tree_{at}")
        for at, tree in enumerate(trees)
    ]
    nodes.append(helper.make_node("Sum", [f"depth_{at}" for at in range(len(trees))], ["score"]))
    many = graph.model(nodes, WIDTH, {"score": 1}, name="many", notes="", metadata={})
    taken = {}
    for name, content in (("one_node", one), ("node_a_tree", many)):
        session = open_session(content)
        times = []
        for at in range(RUNS):
            feeds = {graph.INPUT: rows[at : at + 1]}
            begin = time.perf_counter()
            session.run(None, feeds)
            times.append(time.perf_counter() - begin)
        taken[name] = round(float(np.median(times)) * 1e6, 1)
    figures["forest"] = {"trees": len(trees), "nodes": len(nodes_of(one)), "row_us": taken}
    print(f"  forest of {len(trees)} trees, us a row: {taken}", flush=True)
    gain = taken["node_a_tree"] / taken["one_node"]
    return [Promise("forest: one node against a node for each tree", gain, "at least", GAIN)]
