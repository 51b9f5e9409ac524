"""Score replies with reasons: an explained call is one job of many evaluations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from stubtail.endpoints.outputs import flat
from stubtail.endpoints.protobuf import opening
from stubtail.endpoints.runners import proof
from stubtail.endpoints.shapley import Evaluations, Matrix, Planner, Values, make_planner
from stubtail.errors import invalid_field
from stubtail.lane.job import Encoder, Job
from stubtail.models.explanation import Explanation
from stubtail.models.session import LoadedModel
from stubtail.models.synthetic import Array
from stubtail.v1 import scoring_pb2

# Of one call: 0.05 to 0.5 s of a small model, in the pool of threads; about 100 MB while it runs.
EVALUATIONS_MAX = 65_536
CELLS_MAX = 4 << 20  # evaluations times features
SCORE_EXPLANATION = 12  # ScoreResponse.explanation
PROBABILITY_LEAST = 1e-7  # log-odds beyond 16 say nothing that a float32 score could hold
LINKS = {"identity": scoring_pb2.LINK_IDENTITY, "logit": scoring_pb2.LINK_LOGIT}


class Explainer:
    """Explains the main score of one version against the background in its manifest.

    Args:
        model: has a manifest with an explanation.
        explanation: of that manifest.
    """

    def __init__(self, model: LoadedModel, explanation: Explanation) -> None:
        assert model.manifest is not None
        assert model.manifest.output is not None
        assert model.background_scores is not None
        self.name = model.name
        self.link = explanation.link
        self.names = [name for name, _ in explanation.groups]
        self.planner: Planner = make_planner(
            explanation.background,
            [features for _, features in explanation.groups],
            explanation.evaluations,
        )
        self.background = self.linked(model.background_scores)
        names = [spec.name for spec in model.signature.outputs]
        self.position = names.index(model.manifest.output.score)
        self.base = self.planner.base(self.background)
        self.constant = scoring_pb2.Explanation(
            base_value=self.base,
            names=self.names,
            link=LINKS[self.link],
            exact=self.planner.exact,
        ).SerializeToString()

    def linked(self, scores: Any) -> Values:
        """Scores in the unit that contributions add up in, float64 [rows]."""
        values = flat(scores).astype(np.float64)
        if self.link == "identity":
            return values
        values = np.clip(values, PROBABILITY_LEAST, 1 - PROBABILITY_LEAST)
        return np.log(values) - np.log1p(-values)

    def plan(self, rows: Matrix, top: int) -> Evaluations:
        """What to evaluate for these rows.

        Args:
            rows: float32 [rows, features], with the rules of the manifest applied.
            top: how many contributions the caller wants.

        Raises:
            CallError: INVALID_ARGUMENT where there are too many rows, or fewer players.
        """
        if top > len(self.names):
            players = f"{self.name} has {len(self.names)} features or groups of features"
            raise invalid_field("explain.top", f"must be 0 to {len(self.names)}, as {players}")
        most = min(EVALUATIONS_MAX, CELLS_MAX // rows.shape[1])
        rows_max = max(most // (1 + self.planner.evaluations_max), 1)
        if len(rows) > rows_max:
            raise invalid_field(
                "explain",
                f"{self.name} can be explained for at most {rows_max} rows in one call, "
                f"got {len(rows)}",
            )
        return self.planner.plan(rows)


class ExplainedRunner:
    """Expands and runs explained calls; the data of their jobs is an `Evaluations`.

    Args:
        explainer: of the model.
        model: its name and version.
        run: one run of the graph that is known to answer every row.
    """

    def __init__(
        self,
        explainer: Explainer,
        model: LoadedModel,
        run: Callable[[Mapping[str, Array]], list[Array]],
    ) -> None:
        self.name = model.key
        self.version = model.version
        self.run = run
        self.prove = proof(model)
        self._planner = explainer.planner
        self._input = model.signature.inputs[0].name

    def assemble(self, jobs: Sequence[Job]) -> Mapping[str, Array]:
        """All evaluations of all jobs, in order."""
        parts = [self._planner.expand(job.data) for job in jobs]
        return {self._input: parts[0] if len(parts) == 1 else np.concatenate(parts)}


class ExplainedEncoder:
    """The reply of one explained call.

    Args:
        explainer: of the model.
        evaluations: of the call, which are the rows of its job.
        top: how many contributions to return for each row; 0 for all.
        encoder: makes the rest of the reply, from the explained rows alone.
    """

    warns = True

    def __init__(
        self, explainer: Explainer, evaluations: Evaluations, top: int, encoder: Encoder
    ) -> None:
        self._explainer = explainer
        self._evaluations = evaluations
        self._top = top or len(explainer.names)
        self._encoder = encoder

    def prepare(self, outputs: Sequence[Any]) -> Sequence[Any]:
        """The outputs as they are: no other job shares this encoder."""
        return outputs

    def encode(self, prepared: Sequence[Any], first: int, end: int, job: Job) -> bytes:
        """The reply for the explained rows, which are the first of the job's."""
        count = len(self._evaluations.rows)
        answered = [output[first : first + count] for output in prepared]
        reply = self._encoder.encode(self._encoder.prepare(answered), 0, count, job)
        body = self._explanation(prepared[self._explainer.position][first:end])
        return b"".join((reply, opening(SCORE_EXPLANATION, len(body)), body))

    def _explanation(self, output: Any) -> bytes:
        explainer, evaluations = self._explainer, self._evaluations
        scores = explainer.linked(output)
        count = len(evaluations.rows)
        values = explainer.planner.contributions(evaluations, scores, explainer.background)
        order = np.argsort(-np.abs(values), axis=1, kind="stable")[:, : self._top]
        largest = np.take_along_axis(values, order, axis=1)
        # What is left to the score itself, so that rounding to float32 does not add up.
        sent = largest.astype(np.float32)
        rest = scores[:count] - explainer.base - sent.sum(axis=1, dtype=np.float64)
        columns = scoring_pb2.Explanation(
            name_indexes=order.ravel().tolist(),
            contributions=sent.ravel().tolist(),
            rest=rest.tolist(),
            top=self._top,
        )
        return explainer.constant + columns.SerializeToString()
