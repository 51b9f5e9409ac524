"""What training prints: every measure of every output, and one line for each system at the end."""

import io
from pathlib import Path

from rich.console import Console

from training import console
from training.export import Exported

DOCUMENT = {
    "name": "m",
    "graph": {"bytes": 2500},
    "parity": {"rows": 9, "tolerance": 1e-6},
    "metrics": {
        "rows": 9,
        "outputs": {
            "days": {
                "model": {"mae": 2.0},
                "baselines": {"mean": {"mae": 3.0}, "last": {"mae": 2.5}},
                "coverage": {"coverages": [{"nominal": 0.9, "measured": 0.912}]},
            },
            "chance": {"model": {"auc": 0.75}, "baselines": {"mean": {"auc": 0.5}}},
        },
    },
}
EXPORTED = Exported(Path("out", "m", "1"), DOCUMENT, nodes=4, parity=2e-7, one_row_us=7.25)


def shown(action) -> str:
    """What a wide terminal shows."""
    terminal = Console(file=io.StringIO(), width=140)
    action(terminal)
    assert isinstance(terminal.file, io.StringIO)
    return terminal.file.getvalue()


def test_every_output_is_shown_beside_its_baselines():
    """With its intervals, then the facts about the graph."""
    text = shown(lambda terminal: console.show(EXPORTED, terminal))

    for part in ("days: 9 held-out rows", "chance: 9 held-out rows", "mean absolute error"):
        assert part in text
    for part in ("90% 91.2%", "4 nodes, 2,500 bytes", "p50 7.2", "2.0e-07 at most on 9"):
        assert part in text


def test_the_summary_compares_with_the_best_baseline():
    """The least error, the highest AUC."""
    text = shown(lambda terminal: console.summarise([(EXPORTED, 3.21)], terminal))

    days = next(line for line in text.splitlines() if "days" in line)
    assert "2.0000" in days
    assert "2.5000" in days
    assert days.split()[-1] == "3"
