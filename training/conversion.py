"""Conversion: will this customer buy a caravan policy? Caravan insurance data, 85 columns."""

from collections.abc import Callable
from typing import Final

from training import caravan, classifier, datasets
from training.classifier import Levels, Task
from training.export import Trained
from training.features import Labels, Matrix

TASK: Final = Task(
    name="conversion",
    description="Whether a customer of an insurance company buys a caravan policy.",
    meaning="calibrated probability that the customer buys",
    classes=("pass", "buy"),
    features=caravan.FEATURES,
    load=datasets.caravan,
    seed=5822,
    levels=Levels(
        names=("low", "medium", "high"),
        thresholds=lambda share, _: (round(share, 2), round(2.5 * share, 2)),
        rule=(
            "medium from the mean share of buyers: below, a letter finds fewer than one sent at"
            " random; high from 2.5 times that share, about the best tenth of the customers"
        ),
    ),
    groups=caravan.GROUPS,
)
STEPS: Final = classifier.STEPS


def train(step: Callable[[str], None]) -> Trained:
    """Trains the model; calls `step` with a word after each piece of work, STEPS times.

    Raises:
        DataError: the data set is not what the features describe.
    """
    return classifier.train(TASK, step)


def held_out() -> tuple[Matrix, dict[str, Labels]]:
    """The rows that the model is measured on, [rows, features], and what happened, by output."""
    return classifier.held_out(TASK)
