"""The manifest of a model (model.json): what its features and its score mean to people."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self, cast

from stubtail.models.fields import Fields, decode_json, quoted

FORMAT: Final = 1
FILE_NAME: Final = "model.json"
GRAPH_FILE_NAME: Final = "model.onnx"
KINDS: Final = ("scoring", "forecasting", "anomaly", "decision")
NAME_PATTERN: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
NAME_EXPECTED: Final = (
    'letters, digits, "_", "-" and ".", at most 128, not starting with "-" or "."'
)
VERSION_PATTERN: Final = r"[1-9][0-9]{0,17}"  # fits an int64, which clients of other languages use
VERSION_EXPECTED: Final = 'a whole number from 1 in a string, such as "1"'
FEATURES_MAX: Final = 10_000  # a request names every column: beyond this use dense tensors
CATEGORIES_MAX: Final = 65_536  # codes travel as float32, exact to 2**24, and are kept in memory
PROBLEMS_SHOWN_MAX: Final = 50  # a wrong file of 10,000 features must not fill the log

_FREE: Final = ("calibration", "training", "statistics", "metrics", "parity")
_TOP: Final = (
    "format",
    "name",
    "version",
    "kind",
    "description",
    "graph",
    "features",
    "output",
    *_FREE,
)
_FEATURE_COMMON: Final = ("name", "type", "description", "missing", "default")
_FEATURE_KEYS: Final = {
    "number": (*_FEATURE_COMMON, "minimum", "maximum"),
    "category": (*_FEATURE_COMMON, "categories", "unknown"),
}


class ManifestError(ValueError):
    """A manifest is wrong; the message lists every problem with its file and its JSON path.

    Args:
        source: the file, as the reader of the message knows it.
        problems: one line each, `path: what was expected and what is there`.
    """

    def __init__(self, source: str, problems: Collection[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        shown = list(self.problems[:PROBLEMS_SHOWN_MAX])
        if len(self.problems) > len(shown):
            shown.append(f"and {len(self.problems) - len(shown)} more")
        super().__init__(f"{source}: " + "; ".join(shown))


@dataclass(frozen=True, slots=True)
class GraphInfo:
    """The graph that the manifest was written for: file beside it, hash, size, default opset."""

    file: str
    sha256: str
    bytes: int
    opset: int


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of a row.

    `default` is a number for a number and one of `categories` for a category; None when nothing
    falls back to it. `minimum` and `maximum` are the range seen in training; None when unknown.
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


@dataclass(frozen=True, slots=True)
class Output:
    """The score: its name in the graph, what it means, and the label that follows from it.

    With two classes, a row belongs to the second one from `threshold` (0 to 1) upwards.
    """

    score: str
    meaning: str
    classes: tuple[str, ...]
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """All of model.json; `document` is the whole file, for those who read the free parts."""

    name: str
    version: str
    kind: str
    description: str
    graph: GraphInfo
    features: tuple[Feature, ...]
    output: Output | None
    document: dict[str, Any] = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str, source: str) -> Self:
        """Reads and checks a manifest.

        Args:
            text: the contents of model.json.
            source: names the file in messages.

        Raises:
            ManifestError: the text is no valid manifest; lists all problems at once.
        """
        try:
            document = decode_json(text)
        except ValueError as error:
            raise ManifestError(source, [f"not valid JSON: {error}"]) from None
        problems: list[str] = []
        top = Fields(document, "", problems, _TOP)
        top.integer("format", f"{FORMAT}, the only format there is", least=FORMAT, most=FORMAT)
        for key in _FREE:
            if top.has(key) and not isinstance(document[key], dict):
                top.problem(key, f"expected an object, got {quoted(document[key])}")
        manifest = cls(
            name=top.text("name", NAME_EXPECTED, pattern=NAME_PATTERN),
            version=top.text("version", VERSION_EXPECTED, pattern=VERSION_PATTERN),
            kind=top.choice("kind", KINDS),
            description=top.text("description", "a sentence", required=False),
            graph=_read_graph(top, problems),
            features=_read_features(top, problems),
            output=_read_output(top, problems),
            document=document if isinstance(document, dict) else {},
        )
        if problems:
            raise ManifestError(source, problems)
        return manifest


def is_name(text: str) -> bool:
    """Whether `text` can name a model."""
    return re.fullmatch(NAME_PATTERN, text) is not None


def is_version(text: str) -> bool:
    """Whether `text` can be a version: a whole number from 1 without leading zeros."""
    return re.fullmatch(VERSION_PATTERN, text) is not None


def _read_graph(top: Fields, problems: list[str]) -> GraphInfo:
    expected = "an object with file, sha256, bytes and opset"
    graph = top.raw("graph", expected)
    known = ("file", "sha256", "bytes", "opset")
    fields = Fields(graph if top.has("graph") else {}, "graph", problems, known)
    if not top.has("graph"):
        return GraphInfo(file="", sha256="", bytes=0, opset=0)
    return GraphInfo(
        file=fields.text(
            "file",
            "a file name beside the manifest, without folders",
            pattern=r"[A-Za-z0-9_][A-Za-z0-9._-]{0,254}",
        ),
        sha256=fields.text("sha256", "64 hexadecimal digits, lower case", pattern=r"[0-9a-f]{64}"),
        bytes=fields.integer("bytes", "the size of the graph's file", least=1, most=2**40),
        opset=fields.integer("opset", "the graph's opset, a number from 1", least=1, most=1_000),
    )


def _read_features(top: Fields, problems: list[str]) -> tuple[Feature, ...]:
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
    known = _FEATURE_KEYS.get(
        kind if isinstance(kind, str) else "",
        (*_FEATURE_KEYS["number"], *_FEATURE_KEYS["category"]),
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
    minimum = fields.number("minimum", "a finite number")
    maximum = fields.number("maximum", "a finite number")
    if minimum is not None and maximum is not None and minimum > maximum:
        fields.problem("minimum", f"{minimum:g} is above maximum, which is {maximum:g}")
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
    )


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


def _read_output(top: Fields, problems: list[str]) -> Output | None:
    if not top.has("output"):
        return None
    output = top.raw("output", "an object")
    known = ("score", "meaning", "classes", "threshold")
    fields = Fields(output, "output", problems, known)
    classes = fields.strings("classes", "a list of class names", most=10_000, required=False)
    threshold = fields.number("threshold", "a number from 0 to 1", least=0.0, most=1.0)
    if threshold is not None and len(classes) != 2:
        fields.problem("threshold", f"it needs two classes, there are {len(classes)}")
    return Output(
        score=fields.text("score", "the name of the graph's output", pattern=r".{1,256}"),
        meaning=fields.text("meaning", "a sentence", required=False),
        classes=classes,
        threshold=threshold,
    )
