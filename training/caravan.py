"""The 85 columns of the Caravan insurance data: names for people, meanings, rules and groups."""

from collections.abc import Iterator
from typing import Final

from training.features import Feature, Number

_CLASSES: Final = "class 0 (none) to 9 (all)"
_PREMIUMS: Final = "class 0 (nothing) to 9 (20,000 and more)"

# (column of the data set, name, meaning, lowest, highest): of the postcode area of the customer.
_AREA: Final = (
    ("MOSTYPE", "area_subtype", "type of customer, 1 (rich) to 41 (mixed rural)", 1, 41),
    ("MAANTHUI", "houses", "number of houses of the customer", 1, 10),
    ("MGEMOMV", "household_size", "mean size of a household, persons", 1, 6),
    ("MGEMLEEF", "age_class", "mean age, class 1 (20 to 30 years) to 6 (70 to 80 years)", 1, 6),
    ("MOSHOOFD", "area_type", "main type of customer, 1 (successful) to 10 (farmers)", 1, 10),
    ("MINKGEM", "mean_income", "mean income, class 0 (none) to 9 (highest)", 0, 9),
    ("MKOOPKLA", "purchasing_power", "purchasing power, class 1 (lowest) to 8 (highest)", 1, 8),
)
# (group, its columns with name and who is counted): shares of the households of that area.
_SHARES: Final = {
    "religion": (
        ("MGODRK", "roman_catholic", "Roman Catholics"),
        ("MGODPR", "protestant", "Protestants"),
        ("MGODOV", "other_religion", "members of another religion"),
        ("MGODGE", "no_religion", "people without a religion"),
    ),
    "family": (
        ("MRELGE", "married", "married people"),
        ("MRELSA", "living_together", "couples who are not married"),
        ("MRELOV", "other_relation", "people in another relation"),
        ("MFALLEEN", "singles", "singles"),
        ("MFGEKIND", "without_children", "households without children"),
        ("MFWEKIND", "with_children", "households with children"),
    ),
    "education": (
        ("MOPLHOOG", "education_high", "people with a high education"),
        ("MOPLMIDD", "education_middle", "people with a middle education"),
        ("MOPLLAAG", "education_low", "people with a low education"),
    ),
    "occupation": (
        ("MBERHOOG", "high_status", "people with an occupation of high status"),
        ("MBERZELF", "entrepreneurs", "entrepreneurs"),
        ("MBERBOER", "farmers", "farmers"),
        ("MBERMIDD", "middle_management", "middle managers"),
        ("MBERARBG", "skilled_workers", "skilled workers"),
        ("MBERARBO", "unskilled_workers", "unskilled workers"),
    ),
    "social_class": (
        ("MSKA", "class_a", "social class A"),
        ("MSKB1", "class_b1", "social class B1"),
        ("MSKB2", "class_b2", "social class B2"),
        ("MSKC", "class_c", "social class C"),
        ("MSKD", "class_d", "social class D"),
    ),
    "housing": (
        ("MHHUUR", "rents_home", "people who rent their home"),
        ("MHKOOP", "owns_home", "people who own their home"),
    ),
    "cars": (
        ("MAUT1", "one_car", "households with one car"),
        ("MAUT2", "two_cars", "households with two cars"),
        ("MAUT0", "no_car", "households without a car"),
    ),
    "health_insurance": (
        ("MZFONDS", "national_health", "people in the national health service"),
        ("MZPART", "private_health", "people with private health insurance"),
    ),
    "income": (
        ("MINKM30", "income_below_30", "incomes below 30,000"),
        ("MINK3045", "income_30_to_45", "incomes from 30,000 to 45,000"),
        ("MINK4575", "income_45_to_75", "incomes from 45,000 to 75,000"),
        ("MINK7512", "income_75_to_122", "incomes from 75,000 to 122,000"),
        ("MINK123M", "income_above_123", "incomes above 123,000"),
    ),
}
# (column of the data set without its first letter, name, what is insured): of the customer.
_POLICIES: Final = (
    ("WAPART", "liability", "private third-party liability"),
    ("WABEDR", "business_liability", "third-party liability of a business"),
    ("WALAND", "farm_liability", "third-party liability of a farm"),
    ("PERSAUT", "car", "a car"),
    ("BESAUT", "van", "a delivery van"),
    ("MOTSCO", "motorcycle", "a motorcycle or scooter"),
    ("VRAAUT", "lorry", "a lorry"),
    ("AANHANG", "trailer", "a trailer"),
    ("TRACTOR", "tractor", "a tractor"),
    ("WERKT", "farm_machine", "agricultural machines"),
    ("BROM", "moped", "a moped"),
    ("LEVEN", "life", "a life"),
    ("PERSONG", "accident", "private accidents"),
    ("GEZONG", "family_accident", "accidents of the family"),
    ("WAOREG", "disability", "disability"),
    ("BRAND", "fire", "fire"),
    ("ZEILPL", "surfboard", "a surfboard"),
    ("PLEZIER", "boat", "a boat"),
    ("FIETS", "bicycle", "a bicycle"),
    ("INBOED", "property", "household property"),
    ("BYSTAND", "social_security", "social security"),
)


def _columns() -> Iterator[tuple[str, Number]]:
    """Every column of the data set with its feature: first the area, then the customer."""
    for column, name, meaning, least, most in _AREA:
        yield (
            column,
            Number(name=name, description=meaning, minimum=least, maximum=most, outside="refuse"),
        )
    for shares in _SHARES.values():
        for column, name, who in shares:
            meaning = f"share of {who} in the customer's postcode area, {_CLASSES}"
            yield (
                column,
                Number(name=name, description=meaning, minimum=0, maximum=9, outside="refuse"),
            )
    for column, name, what in _POLICIES:
        yield (
            f"P{column}",
            Number(
                name=f"{name}_premium",
                description=f"what the customer pays a year to insure {what}, {_PREMIUMS}",
                missing="default",
                default=0,
                minimum=0,
                maximum=9,
                outside="refuse",
            ),
        )
        yield (
            f"A{column}",
            Number(
                name=f"{name}_policies",
                description=f"how many policies the customer has that insure {what}",
                missing="default",
                default=0,
                outside="clip",
            ),
        )


COLUMNS: Final = dict(_columns())
FEATURES: Final[tuple[Feature, ...]] = tuple(COLUMNS.values())
AREA_COLUMNS: Final = tuple(column for column in COLUMNS if column.startswith("M"))
GROUPS: Final = {
    **{group: [name for _, name, _ in shares] for group, shares in _SHARES.items()},
    **{f"{name}_insurance": [f"{name}_premium", f"{name}_policies"] for _, name, _ in _POLICIES},
}
