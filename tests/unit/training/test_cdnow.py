"""What is known and what happened lie on different sides of the date."""

from importlib.util import find_spec

import numpy as np
import pytest

from training import cdnow
from training.cdnow import Purchases
from training.features import DataError

BOUGHT = Purchases(
    customers=np.array([1, 1, 1, 1, 2, 2, 3]),
    dates=np.array(
        [
            "1998-01-01",
            "1998-02-01",
            "1998-02-01",
            "1998-02-03",
            "1997-12-01",
            "1998-04-30",
            "1998-02-02",
        ],
        dtype="datetime64[D]",
    ),
    dollars=np.array([10.0, 20.0, 5.0, 1.0, 30.0, 7.0, 99.0]),
    items=np.ones(7),
)


def test_outcomes_begin_on_the_date():
    """Customer 3 first buys later and is not there; two purchases of a day are one visit."""
    panel = cdnow.panel(BOUGHT, "1998-02-01", 30)

    assert panel.known.customers.tolist() == [1, 2]
    assert panel.column("purchases").tolist() == [1, 1]
    assert panel.wait.tolist() == [0, 30]  # at the date itself; not within the horizon
    assert panel.spend.tolist() == [26, 0]
    assert panel.visits.tolist() == [2, 0]


def test_the_summary_is_what_the_classic_models_want():
    """Repeats, days to the last, age, mean value of repeats."""
    known = cdnow.panel(BOUGHT, "1998-03-01", 30).summary()

    assert known.repeats.tolist() == [2, 0, 0]
    assert known.last.tolist() == [33, 0, 0]
    assert known.age.tolist() == [59, 90, 27]
    np.testing.assert_allclose(known.value, [13, np.nan, np.nan])


def test_a_horizon_that_is_not_over_is_refused():
    """Silence cannot be told from the end of the data."""
    cdnow.panel(BOUGHT, "1998-02-01", 89)
    with pytest.raises(DataError, match="beyond the last purchase"):
        cdnow.panel(BOUGHT, "1998-02-01", 90)


def test_a_customer_stays_in_one_fold():
    """Whatever the panel, and each fold gets about as many."""
    fold = cdnow.folds(np.arange(1, cdnow.CUSTOMERS + 1), 5, seed=1)

    assert (cdnow.folds(np.array([7, 9, 7]), 5, seed=1) == fold[[6, 8, 6]]).all()
    assert np.bincount(fold).min() > 4500


@pytest.mark.skipif(find_spec("lifetimes") is None, reason="needs the package lifetimes")
def test_the_purchases_are_those_of_the_literature():
    """69,659 purchases of 23,570 customers, who all came in the first quarter of 1997."""
    bought = cdnow.purchases()

    assert (bought.dates.size, np.unique(bought.customers).size) == (69_659, 23_570)
    assert str(bought.dates.min()) == "1997-01-01"
    assert str(bought.dates.max()) == "1998-06-30"


def test_without_the_package_the_message_helps(monkeypatch):
    """It says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    with pytest.raises(DataError, match="pip install"):
        cdnow.purchases()
