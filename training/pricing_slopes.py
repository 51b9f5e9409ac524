"""How demand falls with the price where no data say so: a slope for each brand, under the trees.

Trees alone stay flat beyond the prices that a brand has had, so that the best price would be the
highest one asked about. With a slope below -1 under them, revenue and profit fall in the end.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.features import Matrix
from training.pricing_data import BRANDS
from training.pricing_rows import NAMES, Rows

Numbers = npt.NDArray[np.float64]

SHARE: Final = 0.7  # of the fitted slope; the trees, which may only steepen, find the rest
LEAST: Final = -1.1  # the flattest slope; at -1 revenue would be the same at every price
DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class Slopes:
    """Change of log cartons with the log of price over usual price, by the code of the brand."""

    by_brand: tuple[float, ...]

    def start(self, rows: Matrix) -> Numbers:
        """What the slopes say of log cartons, [rows, features] to [rows]; 0 at the usual price."""
        brand = rows[:, NAMES.index("brand")].astype(np.int64)
        return np.asarray(np.array(self.by_brand)[brand] * np.log(_ratio(rows)))


def fit(rows: Rows) -> Slopes:
    """Least squares of log cartons over usual cartons on log ratio, deal and feat, by brand."""
    columns = rows.rows.astype(np.float64)
    usual, deal, feat = (columns[:, NAMES.index(n)] for n in ("usual_cartons", "deal", "feat"))
    design = np.column_stack([np.ones(len(usual)), np.log(_ratio(rows.rows)), deal, feat])
    gain = rows.logs - np.log(usual)
    found = []
    for brand in BRANDS:
        own = rows.brand == brand
        slope = float(np.linalg.lstsq(design[own], gain[own])[0][1])
        found.append(round(min(SHARE * slope, LEAST), DIGITS))
    return Slopes(tuple(found))


def _ratio(rows: Matrix) -> Numbers:
    """Price over usual price in float32, as the graph divides, [rows]."""
    ratio = rows[:, NAMES.index("price")] / rows[:, NAMES.index("usual_price")]
    return np.asarray(ratio, np.float64)
