"""Score replies with everything that a score can come with."""

from typing import Any

import numpy as np

from stubtail.v1 import scoring_pb2


def response(rows=2, first=0, **more):
    """A reply with everything, for so many rows."""
    numbers = np.arange(first, first + rows) / 10
    fields: dict[str, Any] = {
        "model": "risk",
        "version": "3",
        "scores": numbers,
        "classes": ["stay", "leave"],
        "label_indexes": [0] * rows,
        "lower": numbers - 0.1,
        "upper": numbers + 0.1,
        "levels": ["low", "high"],
        "level_indexes": [1] * rows,
        "outputs": [
            scoring_pb2.ScoreOutput(
                name="days",
                unit="days",
                values=numbers * 100,
                lower=numbers * 90,
                upper=numbers * 110,
                levels=["soon", "late"],
                level_indexes=[0] * rows,
            )
        ],
        "explanation": scoring_pb2.Explanation(
            base_value=-1.5,
            names=["age", "plan", "debt"],
            name_indexes=[2, 0] * rows,
            contributions=[0.5, -0.25] * rows,
            rest=[0.125] * rows,
            top=2,
            link=scoring_pb2.LINK_LOGIT,
            exact=True,
        ),
        "warnings": [
            scoring_pb2.ScoreWarning(
                feature="age", kind=scoring_pb2.WARNING_KIND_CLIPPED, count=1, rows=[rows - 1]
            )
        ],
    }
    return scoring_pb2.ScoreResponse(**(fields | more))
