"""The data sets are what their descriptions say; rows that belong together are known."""

import numpy as np
import pytest

from training import caravan, churn, conversion, datasets
from training.features import encode


@pytest.mark.parametrize(
    ("task", "rows", "positives"), [(churn.TASK, 7043, 1869), (conversion.TASK, 5822, 348)]
)
def test_every_row_can_be_encoded(task, rows, positives):
    """All columns are there, and no value is outside of what its feature allows."""
    dataset = task.load()

    table = encode(dataset.frame, task.features)

    assert table.shape == (rows, len(task.features))
    assert int(dataset.labels.sum()) == positives
    for index, feature in enumerate(task.features):
        if getattr(feature, "outside", "allow") == "refuse":
            assert feature.minimum <= table[:, index].min()
            assert table[:, index].max() <= feature.maximum


def test_an_area_is_one_group():
    """Equal in all columns of the area, equal in the group; and the other way round."""
    dataset = datasets.caravan()
    names = [caravan.COLUMNS[column].name for column in caravan.AREA_COLUMNS]
    area = dataset.frame[names].to_numpy()

    assert dataset.groups is not None
    _, by_value = np.unique(area, axis=0, return_inverse=True)

    pairs = set(zip(by_value.ravel().tolist(), dataset.groups.tolist(), strict=True))
    assert len(pairs) == len(set(dataset.groups.tolist())) == by_value.max() + 1


def test_groups_of_an_explanation_are_features():
    """85 columns with one name each; no column in two groups, no group named like a column."""
    names = [feature.name for feature in caravan.FEATURES]
    grouped = [name for members in caravan.GROUPS.values() for name in members]

    assert len(set(names)) == len(names) == 85
    assert len(set(grouped)) == len(grouped)
    assert set(grouped) <= set(names)
    assert not set(caravan.GROUPS) & set(names)
    assert len(caravan.GROUPS) + len(names) - len(grouped) <= 40
