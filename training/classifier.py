"""From rows with a yes/no outcome to a calibrated model with its record: the steps in order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from training import boosting, calibration, evaluate, graph, intervals, trees
from training import classifier_record as record
from training.datasets import Dataset
from training.export import Trained
from training.features import Feature, Labels, Matrix, Part, encode
from training.libraries import ALL, Library

HOLDOUT_SHARE: Final = 0.2
INTERVAL_MEANING: Final = (
    "upper reaches 1 where the outcome may happen and lower reaches 0 where it may not; with the"
    " given coverage the true one is inside, for those to whom it happens and for the others alike"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Names of ranges of the probability, for people who act on it.

    Attributes:
        names: from the lowest up.
        thresholds: (share of positives in training, threshold of the label) to one value less.
        rule: how the thresholds came about and what for, in a sentence.
    """

    names: tuple[str, ...]
    thresholds: Callable[[float, float], tuple[float, ...]]
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be predicted, from what, and in which words.

    Attributes:
        name: of the model.
        description: one sentence about it.
        meaning: one sentence about its score.
        classes: the labels of the outcomes 0 and 1.
        features: the columns, in the order of the graph's input.
        load: reads the data set.
        seed: of every draw.
        levels: of risk or chance.
        members: the libraries that vote.
        groups: features that an explanation takes together, by the name of the group.
    """

    name: str
    description: str
    meaning: str
    classes: tuple[str, str]
    features: tuple[Feature, ...]
    load: Callable[[], Dataset]
    seed: int
    levels: Levels
    members: tuple[Library, ...] = ALL
    groups: Mapping[str, Sequence[str]] | None = None


STEPS: Final = boosting.steps(ALL) + 2  # how often `train` calls its `step`


def train(task: Task, step: Callable[[str], None]) -> Trained:
    """Splits, chooses, calibrates, fits and judges.

    Args:
        task: what to predict.
        step: called after each piece of work with its name.

    Raises:
        DataError: the data set is not what the task describes.
        ValueError: calibration or folding found no solution.
    """
    dataset = task.load()
    seen, holdout = split(task, dataset)
    folds = boosting.folds_of(seen, task.seed)
    choice = boosting.choose(task.members, seen, folds, task.seed, step)
    platt = calibration.fit(choice.out_of_fold, seen.labels)
    out_of_fold = platt.probabilities(choice.out_of_fold)
    threshold = evaluate.best_threshold(seen.labels, out_of_fold)

    grown = boosting.fit(seen, choice, task.seed)
    log_odds = [member.log_odds(holdout.rows) for member in grown]
    expected = platt.probabilities(np.mean(log_odds, axis=0))
    ensemble = trees.fold(trees.vote([member.ensemble for member in grown]), platt)
    step("calibrated")

    interval = intervals.outcome(out_of_fold, seen.labels, meaning=INTERVAL_MEANING)
    judged = record.Judged(
        task=task,
        seen=seen,
        holdout=holdout,
        folds=folds,
        choice=choice,
        platt=platt,
        threshold=threshold,
        levels=task.levels.thresholds(float(seen.labels.mean()), threshold),
        interval=interval,
        out_of_fold=out_of_fold,
        expected=expected,
        members=[calibration.sigmoid(found) for found in log_odds],
    )
    document = record.document(judged, dataset, ensemble)
    step("measured")
    return Trained(
        name=task.name,
        description=task.description,
        graph=_graph(task, ensemble, threshold),
        holdout=holdout.rows,
        expected={graph.OUTPUT: expected},
        reference=record.reference(task),
        document=document,
    )


def held_out(task: Task) -> tuple[Matrix, dict[str, Labels]]:
    """The rows that the task's model is measured on, and what happened, by output."""
    _, holdout = split(task, task.load())
    return holdout.rows, {graph.OUTPUT: holdout.labels}


def split(task: Task, dataset: Dataset) -> tuple[Part, Part]:
    """The rows to train on, and those to measure on, with the same share of positives.

    Of a data set with groups, no group is in both.

    Raises:
        DataError: the data set is not what the task describes.
    """
    whole = Part(encode(dataset.frame, task.features), dataset.labels, dataset.groups)
    if dataset.groups is None:
        seen, holdout = train_test_split(
            np.arange(dataset.labels.size),
            test_size=HOLDOUT_SHARE,
            stratify=dataset.labels,
            random_state=task.seed,
        )
    else:
        seen, holdout = boosting.folds_of(whole, task.seed)[0]  # one of five: the same share
    return _some(whole, seen), _some(whole, holdout)


def _some(part: Part, index: npt.NDArray[np.int64]) -> Part:
    groups = None if part.groups is None else part.groups[index]
    return Part(part.rows[index], part.labels[index], groups)


def _graph(task: Task, ensemble: trees.Ensemble, threshold: float) -> bytes:
    return graph.classifier(
        ensemble,
        len(task.features),
        name=task.name,
        notes=f"{task.description} Output: {task.meaning}.",
        metadata={
            "classes": ",".join(task.classes),
            "features": ",".join(feature.name for feature in task.features),
            "threshold": f"{threshold:g}",
        },
    )
