"""The background of explanations: few rows whose mean score is that of all rows."""

import json

import numpy as np
import pytest

from training import background


def rows_and_scores() -> tuple[np.ndarray, np.ndarray]:
    """5,000 rows of three columns, one with holes, and a skewed score."""
    random = np.random.default_rng(0)
    rows = random.normal(0, 1, (5000, 3)).astype(np.float32)
    scores = np.exp(rows[:, 0].astype(np.float64))
    rows[:, 2] = np.where(random.random(5000) < 0.1, np.nan, rows[:, 2])
    return rows, scores


def test_the_mean_score_is_that_of_all_rows():
    """64 rows drawn at random would be off by 0.27 (one standard error); these are not."""
    rows, scores = rows_and_scores()

    found = background.explanation(rows, scores, seed=1)

    kept = np.array([row[0] for row in found["background"]])
    assert np.exp(kept).mean() == pytest.approx(scores.mean(), abs=0.1)


def test_rows_are_those_of_the_data_to_the_bit():
    """Numbers are written shortly and read back as the same float32; missing is null."""
    rows, scores = rows_and_scores()

    found = json.loads(json.dumps(background.explanation(rows, scores, seed=1)))

    known = {row.tobytes() for row in rows}
    back = np.array([[np.nan if v is None else v for v in row] for row in found["background"]])
    assert {row.tobytes() for row in back.astype(np.float32)} <= known
    assert len(found["background"]) == found["rows"] == 64
    assert np.isnan(back).any()


def test_a_seed_repeats_the_draw():
    """The same bytes each time, others with another seed."""
    rows, scores = rows_and_scores()

    assert background.explanation(rows, scores, 1) == background.explanation(rows, scores, 1)
    assert background.explanation(rows, scores, 1) != background.explanation(rows, scores, 2)


def test_groups_are_listed():
    """As given; without groups the key is left out."""
    rows, scores = rows_and_scores()

    found = background.explanation(rows, scores, 1, groups={"both": ("a", "b")})

    assert found["groups"] == {"both": ["a", "b"]}
    assert "groups" not in background.explanation(rows, scores, 1)


@pytest.mark.parametrize("count", [15, 129, 5001])
def test_sizes_out_of_range_are_refused(count):
    """Too few say little, too many make every explained call slow."""
    with pytest.raises(ValueError, match="16 to 128"):
        background.explanation(*rows_and_scores(), 1, count=count)
