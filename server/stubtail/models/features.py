"""The columns of a row, as model.json tells of them."""

from dataclasses import dataclass
from typing import Final, Literal, cast

from stubtail.models.fields import Fields, quoted

FEATURES_MAX: Final = 10_000  # a request names every column: beyond this use dense tensors
CATEGORIES_MAX: Final = 65_536  # codes travel as float32, exact to 2**24, and are kept in memory

_COMMON: Final = ("name", "type", "description", "missing", "default")
_KEYS: Final = {
    "number": (*_COMMON, "minimum", "maximum", "outside"),
    "category": (*_COMMON, "categories", "unknown"),
}


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of a row.

    `default` is a number for a number and one of `categories` for a category; None when nothing
    falls back to it. `minimum` and `maximum` are the range seen in training; None when unknown.
    `outside` says what becomes of a number beyond that range: it stands, it is refused, or it is
    moved to the nearer end and the reply warns of it.
    """

    name: str
    type: Literal["number", "category"]
    description: str
    categories: tuple[str, ...]
    missing: Literal["refuse", "allow", "default"]
    unknown: Literal["refuse", "default"]
    default: float | str | None
    minimum: float | None
    maximum: float | None
    outside: Literal["allow", "refuse", "clip"] = "allow"


def read_features(top: Fields, problems: list[str]) -> tuple[Feature, ...]:
    """The field `features` of the document; notes every problem."""
    expected = f"a list of at most {FEATURES_MAX} features"
    items = top.raw("features", expected, required=False)
    if not top.has("features"):
        return ()
    if not isinstance(items, list) or len(items) > FEATURES_MAX:
        top.problem("features", f"expected {expected}, got {quoted(items)}")
        return ()
    features: list[Feature] = []
    seen: dict[str, int] = {}
    for index, item in enumerate(items):
        feature = _read_feature(item, f"features[{index}]", problems)
        features.append(feature)
        first = seen.setdefault(feature.name, index)
        if feature.name and first != index:
            problems.append(
                f"features[{index}].name: {quoted(feature.name)} is already features[{first}]"
            )
    return tuple(features)


def _read_feature(item: object, path: str, problems: list[str]) -> Feature:
    kind = item.get("type") if isinstance(item, dict) else None
    known = _KEYS.get(
        kind if isinstance(kind, str) else "",
        (*_KEYS["number"], *_KEYS["category"]),
    )
    fields = Fields(item, path, problems, known)
    if not isinstance(item, dict):
        return Feature("", "number", "", (), "refuse", "refuse", None, None, None)
    is_category = fields.choice("type", ("number", "category")) == "category"
    missing = fields.choice(
        "missing",
        ("refuse", "default") if is_category else ("refuse", "allow", "default"),
        fallback="refuse",
    )
    unknown = fields.choice("unknown", ("refuse", "default"), fallback="refuse")
    categories: tuple[str, ...] = ()
    if is_category:
        expected = f"a list of 1 to {CATEGORIES_MAX} strings, in the order of their codes"
        categories = fields.strings("categories", expected, most=CATEGORIES_MAX)
    minimum, maximum, outside = _read_range(fields)
    return Feature(
        name=fields.text(
            "name", "the name of the column, 1 to 256 characters", pattern=r".{1,256}"
        ),
        type="category" if is_category else "number",
        description=fields.text("description", "a sentence", required=False),
        categories=categories,
        missing=cast("Literal['refuse', 'allow', 'default']", missing),
        unknown=cast("Literal['refuse', 'default']", unknown),
        default=_read_default(fields, categories if is_category else None, missing, unknown),
        minimum=minimum,
        maximum=maximum,
        outside=outside,
    )


def _read_range(
    fields: Fields,
) -> tuple[float | None, float | None, Literal["allow", "refuse", "clip"]]:
    """The smallest and the largest number of a feature, and what becomes of others."""
    minimum = fields.number("minimum", "a finite number")
    maximum = fields.number("maximum", "a finite number")
    if minimum is not None and maximum is not None and minimum > maximum:
        fields.problem("minimum", f"{minimum:g} is above maximum, which is {maximum:g}")
    outside = fields.choice("outside", ("allow", "refuse", "clip"), fallback="allow")
    if outside != "allow" and not (fields.has("minimum") or fields.has("maximum")):
        fields.problem("outside", '"minimum" or "maximum" must say what is outside')
    return minimum, maximum, cast("Literal['allow', 'refuse', 'clip']", outside)


def _read_default(
    fields: Fields, categories: tuple[str, ...] | None, missing: str, unknown: str
) -> float | str | None:
    """The default of a feature; `categories` is None for a number."""
    used = "default" in {missing, unknown}
    if fields.has("default") and not used:
        where = '"missing"' if categories is None else '"missing" or "unknown"'
        fields.problem("default", f'it is never used; set {where} to "default"')
        return None
    if categories is None:
        return fields.number("default", "a finite number", required=used)
    value = fields.raw("default", "one of the categories", required=used)
    if isinstance(value, str) and value in categories:
        return value
    if fields.has("default"):
        fields.problem("default", f"expected one of the categories, got {quoted(value)}")
    return None
