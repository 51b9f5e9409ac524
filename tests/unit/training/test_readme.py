"""The numbers in training/README.md are those of the committed model."""

import json

import pytest

from training.__main__ import REPOSITORY


@pytest.mark.parametrize(
    "measure",
    [
        "auc",
        "average_precision",
        "log_loss",
        "brier",
        "expected_calibration_error",
        "accuracy",
        "f1",
    ],
)
def test_the_table_shows_the_committed_measures(measure):
    """A training with other results has to bring its table along."""
    record = REPOSITORY / "exported_models" / "churn" / "1" / "model.json"
    metrics = json.loads(record.read_text())["metrics"]
    baselines = metrics["baselines"]
    columns = (metrics["model"], baselines["logistic_regression"], baselines["majority"])

    row = "".join(f" {column[measure]:.4f} |" for column in columns)

    assert row in (REPOSITORY / "training" / "README.md").read_text()
