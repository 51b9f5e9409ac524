"""Churn: will this telephone customer leave? Telco customers, 19 columns."""

from collections.abc import Callable
from typing import Final

from training import classifier, datasets
from training.classifier import Levels, Task
from training.export import Trained
from training.features import Category, Feature, Labels, Matrix, Number

# Codes follow a natural order where there is one, so that a tree can cut between neighbours.
_SERVICE: Final = ("No internet service", "No", "Yes")

FEATURES: Final[tuple[Feature, ...]] = (
    Number(
        name="female",
        description="1 if the customer is a woman, 0 if not; taken as 0 when not known",
        missing="default",
        default=0,
    ),
    Number(
        name="senior_citizen",
        description="1 if the customer is 65 or older, 0 if not",
    ),
    Number(
        name="partner",
        description="1 if the customer lives with a partner, 0 if not; taken as 0 when not known",
        missing="default",
        default=0,
    ),
    Number(
        name="dependents",
        description="1 if others live on the customer's income, 0 if not; 0 when not known",
        missing="default",
        default=0,
    ),
    Number(name="tenure", description="months since the customer joined, whole"),
    Number(name="phone_service", description="1 if the customer has a telephone line, 0 if not"),
    Category(
        name="multiple_lines",
        description="whether the customer has more than one telephone line",
        categories=("No phone service", "No", "Yes"),
    ),
    Category(
        name="internet_service",
        description="how the customer reaches the internet",
        categories=("No", "DSL", "Fiber optic"),
    ),
    Category(
        name="online_security",
        description="whether the online security service is booked",
        categories=_SERVICE,
    ),
    Category(
        name="online_backup",
        description="whether the online backup service is booked",
        categories=_SERVICE,
    ),
    Category(
        name="device_protection",
        description="whether protection of the customer's devices is booked",
        categories=_SERVICE,
    ),
    Category(
        name="tech_support",
        description="whether the technical support plan is booked",
        categories=_SERVICE,
    ),
    Category(
        name="streaming_tv",
        description="whether television is streamed over the line",
        categories=_SERVICE,
    ),
    Category(
        name="streaming_movies",
        description="whether films are streamed over the line",
        categories=_SERVICE,
    ),
    Category(
        name="contract",
        description="how long the customer is bound, shortest first",
        categories=("Month-to-month", "One year", "Two year"),
    ),
    Number(name="paperless_billing", description="1 if bills come without paper, 0 if not"),
    Category(
        name="payment_method",
        description="how bills are paid, automatic ways first",
        categories=(
            "Bank transfer (automatic)",
            "Credit card (automatic)",
            "Mailed check",
            "Electronic check",
        ),
    ),
    Number(name="monthly_charges", description="the present monthly bill, US dollars"),
    Number(
        name="total_charges",
        description="all bills since the customer joined, US dollars; missing before the first",
        missing="allow",
    ),
)

LEVELS: Final = Levels(
    names=("low", "medium", "high", "critical"),
    thresholds=lambda share, threshold: (round(share / 2, 2), threshold, 0.6),
    rule=(
        "medium from half of the mean risk: below, nothing need be done;"
        " high from the threshold of the label: from there a list of calls finds most leavers for"
        " its length; critical from 0.6: three of five such customers leave, an offer may cost more"
    ),
)

TASK: Final = Task(
    name="churn",
    description="Whether a telephone and internet customer leaves within a month.",
    meaning="calibrated probability that the customer leaves",
    classes=("stay", "leave"),
    features=FEATURES,
    load=datasets.telco_churn,
    seed=7043,
    levels=LEVELS,
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
