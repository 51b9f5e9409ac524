"""The manifest of a model (model.json): what its features and its scores mean to people."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final, Self

from stubtail.models.anomaly import AnomalyOutputs, read_anomaly
from stubtail.models.explanation import Explanation, read_explanation
from stubtail.models.features import Feature, read_features
from stubtail.models.fields import Fields, decode_json, quoted
from stubtail.models.outputs import NamedOutput, Output, read_outputs

FORMAT: Final = 1
FILE_NAME: Final = "model.json"
GRAPH_FILE_NAME: Final = "model.onnx"
SIGNATURE_FILE_NAME: Final = "model.sig"
KINDS: Final = ("scoring", "forecasting", "anomaly", "decision")
NAME_PATTERN: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
NAME_EXPECTED: Final = (
    'letters, digits, "_", "-" and ".", at most 128, not starting with "-" or "."'
)
VERSION_PATTERN: Final = r"[1-9][0-9]{0,17}"  # fits an int64, which clients of other languages use
VERSION_EXPECTED: Final = 'a whole number from 1 in a string, such as "1"'
PROBLEMS_SHOWN_MAX: Final = 50  # a wrong file of 10,000 features must not fill the log

# Written by training for people and reports; the server hands them on and reads nothing in them.
_FREE: Final = (
    "calibration",
    "training",
    "statistics",
    "metrics",
    "parity",
    "profiles",
    "drivers",
    "report",
)
_TOP: Final = (
    "format",
    "name",
    "version",
    "kind",
    "description",
    "graph",
    "features",
    "output",
    "outputs",
    "explanation",
    "anomaly",
    *_FREE,
)


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
class Manifest:
    """All of model.json.

    Attributes:
        output: the main score; None where nothing is said about it.
        outputs: all outputs that callers get, with their levels and intervals: those that the
            file lists, else the main score alone; the main score is always among them.
        explanation: what answers are explained against; None where they are not.
        anomaly: what a model of anomalies computes besides its score; None for others.
        document: the whole file, for those who read the free parts.
    """

    name: str
    version: str
    kind: str
    description: str
    graph: GraphInfo
    features: tuple[Feature, ...]
    output: Output | None
    document: dict[str, Any] = field(repr=False, compare=False)
    outputs: tuple[NamedOutput, ...] = ()
    explanation: Explanation | None = None
    anomaly: AnomalyOutputs | None = None

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
        features = read_features(top, problems)
        output, outputs = read_outputs(top, problems)
        manifest = cls(
            name=top.text("name", NAME_EXPECTED, pattern=NAME_PATTERN),
            version=top.text("version", VERSION_EXPECTED, pattern=VERSION_PATTERN),
            kind=top.choice("kind", KINDS),
            description=top.text("description", "a sentence", required=False),
            graph=_read_graph(top, problems),
            features=features,
            output=output,
            document=document if isinstance(document, dict) else {},
            outputs=outputs,
            explanation=read_explanation(top, features, problems),
            anomaly=read_anomaly(top, problems),
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
