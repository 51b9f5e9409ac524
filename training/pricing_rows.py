"""The rows of the pricing model: one for each shop, brand and week, with what was known before."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.features import Category, Feature, Matrix, Number, encode
from training.pricing_data import BRANDS, OrangeJuice

Numbers = npt.NDArray[np.float64]

OUNCES: Final = 64  # prices of other brands are compared for this size
USUAL_WEEKS: Final = 13
_WEEK_1: Final = pd.Timestamp("1989-09-14")  # of the data's count of weeks
_SHOP: Final = {
    "AGE60": ("older_share", "share of people of 60 or older around the shop"),
    "EDUC": ("college_share", "share of people with a college degree around the shop"),
    "ETHNIC": ("minority_share", "share of Black and Hispanic people around the shop"),
    "INCOME": ("income_log", "natural log of the median household income, US dollars"),
    "HHLARGE": ("large_household_share", "share of households of five or more"),
    "WORKWOM": ("working_women_share", "share of women who work full time"),
    "HVAL150": ("costly_home_share", "share of homes worth more than 150,000 US dollars"),
    "SSTRDIST": ("warehouse_distance", "distance to the nearest warehouse shop, miles"),
    "SSTRVOL": ("warehouse_sales_ratio", "sales of this shop over those of that warehouse shop"),
    "CPDIST5": ("rival_distance", "mean distance to the five nearest supermarkets, miles"),
    "CPWVOL5": ("rival_sales_ratio", "sales of this shop over those of these five together"),
}

FEATURES: Final[tuple[Feature, ...]] = (
    Number(
        name="price",
        description="the brand's price this week, US dollars a carton; beyond the prices of the"
        " data demand is not known, so that they are refused",
        outside="refuse",
    ),
    Category(
        name="brand",
        description="which orange juice, with the size of its carton",
        categories=tuple(name for name, _ in BRANDS.values()),
    ),
    Number(name="deal", description="1 if a coupon or a price reduction is announced in the shop"),
    Number(name="feat", description="share of the brand's sales that an advertisement covers, 0-1"),
    Number(
        name="cost",
        description="what the shop pays, US dollars a carton; for objectives only: the prediction"
        " does not look at it",
    ),
    Number(
        name="usual_price",
        description=f"mean price of the last {USUAL_WEEKS} weeks on sale in this shop, US dollars;"
        " what no price was is refused",
        minimum=0.5,
        maximum=6.0,
        outside="refuse",
    ),
    Number(
        name="usual_cartons",
        description=f"geometric mean of cartons sold in the last {USUAL_WEEKS} weeks on sale",
    ),
    Number(
        name="last_price", description="price of the last week on sale before, US dollars a carton"
    ),
    Number(name="last_cartons", description="cartons sold in the last week on sale before"),
    Number(name="rival_low", description="lowest price of another brand, US dollars for 64 oz"),
    Number(name="rival_mean", description="mean price of the other brands, US dollars for 64 oz"),
    Number(name="rivals_on_deal", description="share of the other brands that are on deal, 0 to 1"),
    Number(name="rivals_featured", description="mean `feat` of the other brands, 0 to 1"),
    Number(name="week_of_year", description="1 to 53"),
    *(Number(name=name, description=text) for name, text in _SHOP.values()),
)
NAMES: Final = tuple(feature.name for feature in FEATURES)
# What an explanation takes together; price and brand stand alone. With six in all it is exact.
GROUPS: Final = {
    "offer": ("deal", "feat"),
    "past": ("usual_price", "usual_cartons", "last_price", "last_cartons"),
    "rivals": ("rival_low", "rival_mean", "rivals_on_deal", "rivals_featured"),
    "shop_and_week": ("cost", "week_of_year", *(name for name, _ in _SHOP.values())),
}


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows in the order of weeks.

    Attributes:
        rows: the features, float32 [rows, features].
        logs: natural log of the cartons sold, [rows].
        week: by the data's own count, [rows].
        brand: 1 to 11, [rows].
    """

    rows: Matrix
    logs: Numbers
    week: npt.NDArray[np.int64]
    brand: npt.NDArray[np.int64]

    def where(self, some: npt.NDArray[np.bool_]) -> "Rows":
        """Some of the rows."""
        return Rows(self.rows[some], self.logs[some], self.week[some], self.brand[some])


def build(data: OrangeJuice) -> Rows:
    """All rows with a week before them: a brand's first week in a shop has no past and is left out.

    What describes the past of a row comes from earlier weeks only.
    """
    sales = data.sales.astype(np.float64).sort_values(["week", "store", "brand"], kind="stable")
    sales = sales.reset_index(drop=True)
    frame = _prices(sales)
    frame["logs"] = np.log(frame["cartons"])
    past = frame.groupby([sales["store"], sales["brand"]], sort=False)
    frame["usual_cartons"] = np.exp(past["logs"].transform(_usual))
    frame["usual_price"] = past["price"].transform(_usual)
    frame["last_cartons"] = past["cartons"].shift(1)
    frame["last_price"] = past["price"].shift(1)
    starts = _WEEK_1 + pd.to_timedelta(7 * (sales["week"] - 1), unit="D")
    frame["week_of_year"] = (starts.dt.day_of_year - 1) // 7 + 1
    shops = data.shops.astype(np.float64).set_index("STORE")
    for column, (name, _) in _SHOP.items():
        frame[name] = sales["store"].map(shops[column])
    frame["brand"] = sales["brand"].map(lambda brand: BRANDS[int(brand)][0])
    known = frame["last_price"].notna().to_numpy()
    return Rows(
        rows=encode(frame[known], FEATURES),
        logs=frame["logs"].to_numpy(np.float64)[known],
        week=sales["week"].to_numpy(np.int64)[known],
        brand=sales["brand"].to_numpy(np.int64)[known],
    )


def _usual(column: Any) -> Any:
    return column.shift(1).rolling(USUAL_WEEKS, min_periods=1).mean()


def _prices(sales: Any) -> Any:
    """Price, cost, cartons and the offers of the other brands in the same shop and week."""
    at = sales["brand"].to_numpy(np.int64) - 1
    prices = sales[[f"price{brand}" for brand in BRANDS]].to_numpy(np.float64)
    ounces = np.array([size for _, size in BRANDS.values()], np.float64)[at]
    every = np.arange(len(sales))
    price = prices[every, at] * ounces
    others = prices * OUNCES
    others[every, at] = np.nan
    frame = pd.DataFrame(
        {
            "price": price,
            "deal": sales["deal"],
            "feat": sales["feat"],
            "cost": price * (1 - sales["profit"] / 100),
            "cartons": np.exp(sales["logmove"]) / ounces,
            "rival_low": np.nanmin(others, axis=1),
            "rival_mean": np.nanmean(others, axis=1),
        }
    )
    together = sales.groupby(["store", "week"])
    rest = np.maximum(together["brand"].transform("count") - 1, 1)
    frame["rivals_on_deal"] = (together["deal"].transform("sum") - sales["deal"]) / rest
    frame["rivals_featured"] = (together["feat"].transform("sum") - sales["feat"]) / rest
    return frame
