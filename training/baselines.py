"""The two models that a trained one must be worth more than."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from training.boosting import Folds
from training.evaluate import Scores, best_threshold, measures
from training.features import Category, Feature, Labels, Matrix, Part


def majority(train_labels: Labels, labels: Labels) -> dict[str, float]:
    """Measures of the model that gives everybody the share of positives among training rows."""
    share = float(train_labels.mean())
    return measures(labels, np.full(labels.size, share), threshold=0.5)


def logistic_regression(
    features: Sequence[Feature],
    train: Part,
    folds: Folds,
    rows: Matrix,
) -> tuple[Scores, float]:
    """Logistic regression on the same features: one-hot categories, scaled numbers, missing is 0.

    Returns:
        The probabilities of `rows`, and the threshold found out of fold as for the trained model.
    """
    train_rows, train_labels = train.rows, train.labels
    out_of_fold = np.empty(train_labels.size)
    for fitted, judged in folds:
        model = _pipeline(features).fit(train_rows[fitted], train_labels[fitted])
        out_of_fold[judged] = model.predict_proba(train_rows[judged])[:, 1]
    model = _pipeline(features).fit(train_rows, train_labels)
    scores = model.predict_proba(rows)[:, 1]
    return scores, best_threshold(train_labels, out_of_fold)


def _pipeline(features: Sequence[Feature]) -> Any:
    coded = [index for index, feature in enumerate(features) if isinstance(feature, Category)]
    numbers = [index for index in range(len(features)) if index not in coded]
    columns = ColumnTransformer(
        [
            ("categories", OneHotEncoder(handle_unknown="ignore"), coded),
            (
                "numbers",
                make_pipeline(SimpleImputer(strategy="constant", fill_value=0.0), StandardScaler()),
                numbers,
            ),
        ]
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000))
