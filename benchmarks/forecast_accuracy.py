"""How well the models forecast: the same origins for all, in processes, without a server."""

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.forecast_data import Judged
from stubtail.forecasting.engine import Engine
from stubtail.forecasting.levels import DECILES
from stubtail.forecasting.naive import naive_error, seasonal_naive
from stubtail.forecasting.task import GRAPHS, MODELS, NAIVE, Answer, Doubles, GraphFile, Task

LEVELS: Final = np.array(DECILES)
LAST: Final = "last value"
ALL: Final = "all"  # the mean of the groups
DIGITS: Final = 4  # of a figure
ERROR_LEAST: Final = 1e-3  # of seasonal-naive's: who is exact on a flat line must not decide all
_engines: dict[str, Engine] = {}  # of this process


@dataclass(frozen=True, slots=True)
class Score:
    """What one model got wrong on one series, over its origins.

    Attributes:
        group, series, model: which.
        mae: mean absolute error.
        mase: the same over that of seasonal-naive within the past.
        smape: 0 to 2.
        loss: the sum of the quantile losses of all deciles, twice, over their number.
        size: the sum of the absolute values, which `loss` is weighted by.
        inside: the share of the truth within the outer deciles.
    """

    group: str
    series: str
    model: str
    mae: float
    mase: float
    smape: float
    loss: float
    size: float
    inside: float


def graphs_of(folder: Path) -> dict[str, GraphFile]:
    """The exported models of a folder, those that forecasts use."""
    found = {}
    for name in GRAPHS:
        path = folder / name / "1" / "model.onnx"
        if path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[name] = GraphFile(name, "1", str(path), digest)
    return found


def judge(series: Iterable[Judged], models: Sequence[str], folder: Path, jobs: int) -> list[Score]:
    """The scores of all models on all series.

    Args:
        series: to judge on.
        models: of `MODELS`, or LAST.
        folder: the exported models.
        jobs: processes.
    """
    work = [(one, tuple(models), str(folder)) for one in series]
    with ProcessPoolExecutor(jobs) as pool:
        return [score for scores in pool.map(_judge, work, chunksize=1) for score in scores]


def _judge(work: tuple[Judged, tuple[str, ...], str]) -> list[Score]:
    judged, models, folder = work
    engine = _engines.get(folder)
    if engine is None:
        engine = _engines[folder] = Engine(time.monotonic)
    graphs = graphs_of(Path(folder))
    cuts = judged.cuts()
    truths = [judged.values[cut : cut + judged.horizon] for cut in cuts]
    scores: list[Score] = []
    for model in models:
        answers = [_ask(engine, judged, model, judged.values[:cut], graphs) for cut in cuts]
        scores += _scored(judged, model, cuts, truths, answers)
    return scores


def _ask(
    engine: Engine, judged: Judged, model: str, past: Doubles, graphs: dict[str, GraphFile]
) -> tuple[Doubles, Doubles]:
    """The point and the deciles of one forecast."""
    if model == LAST:
        point = np.full(judged.horizon, past[-1])
        return point, np.tile(point, (len(LEVELS), 1))
    # Seasonal-naive is told the season, as its definition has it; models find out by themselves.
    told = (float(judged.season),) if model == NAIVE and judged.season > 1 else ()
    answer: Answer = engine.forecast(
        Task(
            values=past,
            horizon=judged.horizon,
            levels=LEVELS,
            model=model,
            season_lengths=told,
            step_s=judged.step_s,
            start_s=judged.start_s,
            graphs=graphs,
        )
    )
    point = answer.point
    if model == NAIVE:
        point = seasonal_naive(past, judged.season, judged.horizon)
    return point, answer.quantiles


def _scored(
    judged: Judged,
    model: str,
    cuts: Sequence[int],
    truths: Sequence[Doubles],
    answers: Sequence[tuple[Doubles, Doubles]],
) -> Iterator[Score]:
    if not cuts:
        return
    truth = np.stack(truths)
    point = np.stack([answer[0] for answer in answers])
    quantiles = np.stack([answer[1] for answer in answers], axis=1)
    error = np.abs(point - truth)
    units = np.array([naive_error(judged.values[:cut], judged.season) for cut in cuts])
    misses = truth - quantiles
    losses = np.maximum(LEVELS[:, None, None] * misses, (LEVELS[:, None, None] - 1) * misses)
    sizes = np.abs(point) + np.abs(truth)
    smape = np.divide(2 * error, sizes, out=np.zeros_like(error), where=sizes > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mase = np.where(units > 0, error.mean(axis=1) / units, np.nan)
    yield Score(
        group=judged.group,
        series=judged.name,
        model=model,
        mae=float(error.mean()),
        mase=float(np.nanmean(mase)) if np.isfinite(mase).any() else float("nan"),
        smape=float(smape.mean()),
        loss=float(2 * losses.sum() / len(LEVELS)),
        size=float(np.abs(truth).sum()),
        inside=float(((truth >= quantiles[0]) & (truth <= quantiles[-1])).mean()),
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One model on one group, or on all.

    `relative` is the geometric mean over the series of the model's MAE over that of seasonal-naive
    with the judged season: at least 0.001 each, without series on which seasonal-naive errs by
    nothing. The others are means over the series. In the group `all`, `relative` is the geometric
    mean of the groups, the others their plain means.
    """

    group: str
    model: str
    series: int
    relative: float
    mase: float
    smape: float
    wql: float
    coverage: float


def table(scores: Sequence[Score]) -> list[Row]:
    """The rows of the table: each group, and `all`, the mean of the groups."""
    groups = list(dict.fromkeys(score.group for score in scores))
    models = list(dict.fromkeys(score.model for score in scores))
    naive = {(one.group, one.series): one.mae for one in scores if one.model == NAIVE}
    rows = []
    for group in groups:
        for model in models:
            some = [one for one in scores if one.group == group and one.model == model]
            if some:
                rows.append(_row(group, model, some, naive))
    for model in models:
        mine = [row for row in rows if row.model == model]
        rows.append(
            Row(
                ALL,
                model,
                sum(row.series for row in mine),
                round(float(np.exp(np.mean([np.log(row.relative) for row in mine]))), DIGITS),
                *(
                    round(float(np.mean([getattr(row, name) for row in mine])), DIGITS)
                    for name in ("mase", "smape", "wql", "coverage")
                ),
            )
        )
    return rows


def _row(group: str, model: str, some: Sequence[Score], naive: dict[tuple[str, str], float]) -> Row:
    ratios = [
        max(one.mae / naive[one.group, one.series], ERROR_LEAST)
        for one in some
        if naive[one.group, one.series] > 0
    ]
    figures = (
        np.exp(np.mean(np.log(ratios))),
        np.nanmean([one.mase for one in some]),
        np.mean([one.smape for one in some]),
        np.mean([one.loss / one.size for one in some if one.size > 0]),
        np.mean([one.inside for one in some]),
    )
    return Row(group, model, len(some), *(round(float(figure), DIGITS) for figure in figures))


__all__ = ["ALL", "LAST", "MODELS", "Row", "graphs_of", "judge", "table"]
