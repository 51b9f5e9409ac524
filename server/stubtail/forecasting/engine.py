"""Forecasts one series: from a task to an answer, in the process that was asked."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from stubtail.forecasting import auto, classical, network
from stubtail.forecasting.backtest import ORIGINS, mean_errors, origins_of
from stubtail.forecasting.fits import Fits
from stubtail.forecasting.frequency import Frequency
from stubtail.forecasting.graphs import Graphs
from stubtail.forecasting.history import History, prepare
from stubtail.forecasting.levels import DECILES, MIDDLE, at_levels, finished, normal_deciles
from stubtail.forecasting.members import Course, Past, trees
from stubtail.forecasting.naive import naive_error, naive_spread, seasonal_naive
from stubtail.forecasting.pace import Pace
from stubtail.forecasting.regression import TOO_SHORT, covariate_effect
from stubtail.forecasting.seasons import detect
from stubtail.forecasting.task import (
    AUTO,
    BLEND,
    ETS,
    NAIVE,
    THETA,
    TREES,
    ZERO_SHOT,
    Answer,
    Doubles,
    GraphFile,
    SeriesError,
    Share,
    Task,
    TooSlowError,
)
from stubtail.forecasting.trend import recent_slope

VALUES_MIN: Final = 3  # fewer say no more than the last one
ASKED: Final = "asked for"
NOT_FINITE: Final = (
    "have a forecast beyond all numbers; scale them and their covariates to usual sizes"
)


class Engine:
    """Forecasts, with what it has loaded and fitted before. One task at a time.

    Args:
        clock: monotonic seconds, those of the tasks' deadlines.
        cached_fits_max: fits of ets and theta that are kept.
    """

    def __init__(self, clock: Callable[[], float], *, cached_fits_max: int = 0) -> None:
        self._clock = clock
        self._fits = Fits(cached_fits_max)
        self._graphs = Graphs()
        self._pool = ThreadPoolExecutor(auto.THREADS, thread_name_prefix="zero-shot")
        self._pace = Pace()

    @property
    def loaded(self) -> set[str]:
        """The hashes of the graphs that are ready to run."""
        return self._graphs.loaded

    def close(self) -> None:
        """Ends its threads."""
        self._pool.shutdown(wait=True)

    def forecast(self, task: Task) -> Answer:
        """The answer to a task.

        Raises:
            SeriesError: the series cannot be forecast.
            TooSlowError: there is no time left.
        """
        if self._clock() >= task.deadline_s:
            raise TooSlowError("its deadline passed before it began")
        history, past = past_of(task)
        notes = _notes(history)
        effect = None
        if task.covariates is not None:
            cut = len(task.values) - len(history.values)
            effect = covariate_effect(past.values, task.covariates[:, cut:], past.seasons)
            if effect is None:
                notes.append(TOO_SHORT)
            else:
                rest = past.values - effect[: len(past.values)]
                past = Past(rest, past.seasons, past.step_s, past.next_s)
        answer = self._answer(task, past, notes)
        future = effect[len(past.values) :] if effect is not None else np.zeros(task.horizon)
        deciles = answer.quantiles + future
        exact = {"non_negative": task.non_negative, "integer": task.integer}
        point = finished(deciles[MIDDLE], **exact)
        quantiles = finished(at_levels(deciles, task.levels), **exact)
        if not (np.isfinite(point).all() and np.isfinite(quantiles).all()):
            raise SeriesError("values", NOT_FINITE)
        return Answer(
            point=point,
            quantiles=quantiles,
            model=answer.model,
            version=answer.version,
            reason=answer.reason,
            shares=answer.shares,
            season_lengths=answer.season_lengths,
            slope=answer.slope,
            backtest_mae=answer.backtest_mae,
            backtest_mase=answer.backtest_mase,
            origins=answer.origins,
            notes=tuple(notes),
        )

    def _answer(self, task: Task, past: Past, notes: list[str]) -> Answer:
        """The answer with all deciles as its quantiles."""
        if np.ptp(past.values) == 0 or len(past.values) < VALUES_MIN:
            return _last_value(past, task.horizon)
        if task.model == AUTO:
            return self._auto(task, past, notes)
        began_s = self._clock()
        model, course, reason, version = self._single(task, past)
        now_s = self._clock()
        mae, origins = math.nan, 0
        # A look back takes as long for each origin, about.
        if 2 * ORIGINS * (now_s - began_s) < min(task.deadline_s, task.due_s) - now_s:
            mae, origins = self._look_back(task, past)
        return _answer(model, version, reason, (Share(model, 1.0),), past, course, mae, origins)

    def _auto(self, task: Task, past: Past, notes: list[str]) -> Answer:
        zero_shot, tree_graph = task.graphs.get(ZERO_SHOT), task.graphs.get(TREES)
        runs = auto.Runs(
            self._network(zero_shot) if zero_shot else None,
            self._graphs.runner(tree_graph) if tree_graph else None,
            self._pool,
            self._pace,
            self._clock,
        )
        left_s = min(task.deadline_s, task.due_s) - self._clock()
        found = auto.blend(past, task.horizon, runs, left_s)
        if found.left_out:
            notes.append(found.left_out)
        if zero_shot is None:
            notes.append("the zero-shot model is not served here, and was left out")
        names = ", ".join(f"{share.model} {share.weight:.0%}" for share in found.shares)
        reason = f"weighed by {found.origins} rolling origins: {names}"
        if not found.origins:
            reason = f"not compared on its past; usual weights: {names}"
        single = len(found.shares) == 1
        model = found.shares[0].model if single else BLEND
        return _answer(
            model, "", reason, found.shares, past, found.deciles, found.mae, found.origins
        )

    def _single(self, task: Task, past: Past) -> tuple[str, Course, str, str]:
        """Who answers, the deciles, why it does, and the version."""
        model, horizon, values = task.model, task.horizon, past.values
        reason = ASKED
        if model == TREES:
            graph = task.graphs[TREES]
            (course,) = trees(self._graphs.runner(graph), [past], [horizon])
            return model, course, reason, graph.version
        if model == ZERO_SHOT:
            if len(values) >= network.VALUES_MIN:
                graph = task.graphs[ZERO_SHOT]
                course = network.forecast(self._network(graph), values, horizon)
                return model, course, reason, graph.version
            reason = f"{model} needs {network.VALUES_MIN} values; the last season repeats"
        elif model in (ETS, THETA):
            if len(values) >= classical.VALUES_MIN:
                fit = classical.ets if model == ETS else classical.theta
                point, spread, name = self._fits.get(fit, values, past.short, horizon)
                return model, normal_deciles(point, spread), f"{reason}; fitted {name}", ""
            reason = f"{model} needs {classical.VALUES_MIN} values; the last season repeats"
        point = seasonal_naive(values, past.short, horizon)
        return NAIVE, normal_deciles(point, naive_spread(values, past.short, horizon)), reason, ""

    def _look_back(self, task: Task, past: Past) -> tuple[float, int]:
        """The mean absolute error on rolling origins, where looking back costs next to nothing."""
        if task.model not in (NAIVE, TREES):  # the others take as long again for each origin
            return math.nan, 0
        origins = origins_of(len(past.values), past.short, task.horizon)
        if not origins.ends:
            return math.nan, 0
        pasts = [past.until(end) for end in origins.ends]
        steps = [origins.steps] * len(pasts)
        if task.model == NAIVE:
            courses = [seasonal_naive(p.values, past.short, origins.steps)[None] for p in pasts]
        else:
            courses = trees(self._graphs.runner(task.graphs[TREES]), pasts, steps)
        errors = mean_errors([{task.model: one} for one in courses], past.values, origins)
        return float(errors[task.model].mean()), len(courses)

    def _network(self, graph: GraphFile) -> network.Run:
        """Runs the zero-shot model and learns how long that takes."""
        run = self._graphs.runner(graph)

        def timed(values: network.Floats, mask: network.Floats) -> network.Floats:
            began = self._clock()
            result = run(values, mask)
            self._pace.network.learn(self._clock() - began)
            return result

        return timed


def _last_value(past: Past, horizon: int) -> Answer:
    """The answer for a series that does not change, or is too short to tell how."""
    constant = np.ptp(past.values) == 0
    point = np.full(horizon, past.values[-1])
    deciles = normal_deciles(point, naive_spread(past.values, 1, horizon))
    if constant:
        deciles = np.tile(point, (len(DECILES), 1))  # without the rounding of a mean
    reason = "the series is constant" if constant else "two values say no more than the last one"
    return _answer(NAIVE, "", reason, (Share(NAIVE, 1.0),), past, deciles, math.nan, 0)


def past_of(task: Task) -> tuple[History, Past]:
    """The values of a task made ready, and as its models see them; raises SeriesError."""
    cycles = Frequency(task.step_s).cycles() if task.step_s else ()
    given = tuple(dict.fromkeys(round(length) for length in task.season_lengths))
    history = prepare(task.values, min(given, default=round(cycles[0]) if cycles else 0))
    seasons = given or detect(history.values, cycles)
    next_s = None
    if task.start_s is not None and task.step_s:
        next_s = task.start_s + len(task.values) * task.step_s
    return history, Past(history.values, seasons, task.step_s, next_s)


def _notes(history: History) -> list[str]:
    notes = []
    if history.missing:
        notes.append(f"{history.missing} missing values were filled")
    if history.trailing:
        notes.append(f"the last {history.trailing} values were missing: the forecast starts late")
    if history.cut:
        notes.append(f"the first {history.cut} values were left out: missing, or too old to matter")
    return notes


def _answer(
    model: str,
    version: str,
    reason: str,
    shares: tuple[Share, ...],
    past: Past,
    deciles: Doubles,
    mae: float,
    origins: int,
) -> Answer:
    unit = naive_error(past.values, past.short)
    return Answer(
        deciles[MIDDLE],
        deciles,
        model,
        version,
        reason,
        shares,
        tuple(float(season) for season in past.seasons),
        recent_slope(past.values, past.short),
        mae,
        mae / unit if unit > 0 else math.nan,
        origins,
    )
