"""What a model of anomalies computes besides its score, as model.json tells."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from stubtail.models.fields import Fields

SEVERITIES: Final = 3  # p-values at most these make medium, high and critical
_NAMES: Final = ("p_value", "contribution", "lower", "upper", "taken")
_KEYS: Final = (*_NAMES, "severities", "meaning")


@dataclass(frozen=True, slots=True)
class AnomalyOutputs:
    """Names of outputs of the graph, and what p-values mean.

    Attributes:
        p_value: [rows, 1], the chance that a usual row has such a score or a higher one.
        contribution: [rows, features], how unusual each feature is, -log10 of a chance.
        lower, upper: [rows, features], what is expected of each feature given the others.
        taken: [rows, features], the row as the graph took it.
        severities: p-values at most these are medium, high and critical.
    """

    p_value: str
    contribution: str
    lower: str
    upper: str
    taken: str
    severities: tuple[float, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All of these outputs."""
        return (self.p_value, self.contribution, self.lower, self.upper, self.taken)


def read_anomaly(top: Fields, problems: list[str]) -> AnomalyOutputs | None:
    """The field `anomaly` of the document; notes every problem. None without."""
    if not top.has("anomaly"):
        return None
    fields = Fields(top.raw("anomaly", "an object"), "anomaly", problems, _KEYS)
    expected = "the name of an output of the graph"
    names = {key: fields.text(key, expected, pattern=r".{1,256}") for key in _NAMES}
    wanted = f"{SEVERITIES} p-values, descending"
    severities = fields.numbers("severities", wanted, most=SEVERITIES)
    descend = all(one > other for one, other in pairwise(severities))
    if fields.has("severities") and not (len(severities) == SEVERITIES and descend):
        fields.problem("severities", f"expected {wanted}")
    fields.text("meaning", "a sentence", required=False)
    return AnomalyOutputs(
        p_value=names["p_value"],
        contribution=names["contribution"],
        lower=names["lower"],
        upper=names["upper"],
        taken=names["taken"],
        severities=severities,
    )
