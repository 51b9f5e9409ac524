"""ETS and Theta by statsmodels: exponential smoothing chosen by AICc, and the Theta method.

Only forecasting processes import this: the library takes a second and 100 MB.
Hyndman, Koehler, Snyder and Grose (2002); Assimakopoulos and Nikolopoulos (2000).
"""

import warnings
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from stubtail.forecasting.task import Doubles

# The fit is linear in the values and repeated some hundred times.
ETS_VALUES_MAX: Final = 600
THETA_VALUES_MAX: Final = 1000
ETS_SEASON_MAX: Final = 24  # as everybody's automatic ETS: longer seasons have too many states
VALUES_MIN: Final = 5


def ets(values: Doubles, season: int, horizon: int) -> tuple[Doubles, Doubles, str]:
    """Exponential smoothing: point and standard deviation, float64 [horizon], and its name.

    Error is additive; trend is none or damped; the season is none, additive, or multiplicative
    for positive values. The one with the lowest AICc answers.

    Args:
        values: float64 [n], finite, n at least 5.
        season: steps; above 24 it is left out, as automatic ETS does.
        horizon: steps.
    """
    from statsmodels.tsa.holtwinters import ExponentialSmoothing  # noqa: PLC0415 - see above

    kept = _kept(values, season if season <= ETS_SEASON_MAX else 1, ETS_VALUES_MAX)
    best: Any = None
    named = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its optimiser, for people at a terminal
        for name, options in _kinds(kept, season):
            try:
                fit = ExponentialSmoothing(kept, initialization_method="heuristic", **options).fit(
                    optimized=True, use_brute=False
                )
            except (ValueError, ZeroDivisionError, FloatingPointError, np.linalg.LinAlgError):
                continue
            if np.isfinite(fit.aicc) and (best is None or fit.aicc < best.aicc):
                best, named = fit, name
    if best is None:
        return _flat(kept, horizon)
    point = np.asarray(best.forecast(horizon), np.float64)
    sigma = float(np.sqrt(np.mean(np.square(best.resid))))
    alpha = float(best.params.get("smoothing_level") or 0.0)
    # Hyndman et al. (2005), class 1, without the small terms of season and trend.
    spread = sigma * np.sqrt(1.0 + alpha**2 * np.arange(horizon))
    return point, spread, f"ETS({named})"


def theta(values: Doubles, season: int, horizon: int) -> tuple[Doubles, Doubles, str]:
    """The Theta method with a deseasonalised series; as `ets`."""
    from statsmodels.tsa.forecasting.theta import ThetaModel  # noqa: PLC0415 - see above

    kept = _kept(values, season, THETA_VALUES_MAX)
    seasonal = season > 1 and len(kept) >= 2 * season + 1
    positive = bool((kept > 0).all())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        try:
            fit = ThetaModel(
                kept,
                period=season if seasonal else 1,
                deseasonalize=seasonal,
                use_test=seasonal,
                method="multiplicative" if positive else "additive",
            ).fit()
            point = np.asarray(fit.forecast(horizon), np.float64)
        except (ValueError, ZeroDivisionError, FloatingPointError, np.linalg.LinAlgError):
            return _flat(kept, horizon)
    alpha = float(fit.params["alpha"])
    # The library's own variance would fit a state space model, which takes a second.
    lag = season if seasonal else 1
    sigma = float(np.std(kept[lag:] - kept[:-lag])) / np.sqrt(2.0) if len(kept) > lag else 0.0
    spread = sigma * np.sqrt(1.0 + alpha**2 * np.arange(horizon))
    return point, spread, "Theta"


def _kinds(values: Doubles, season: int) -> Iterator[tuple[str, dict[str, Any]]]:
    seasonal = 1 < season <= ETS_SEASON_MAX and len(values) >= 2 * season + 3
    trends: list[tuple[str, dict[str, Any]]] = [("N", {})]
    if len(values) >= 10:
        trends.append(("Ad", {"trend": "add", "damped_trend": True}))
    for name, trend in trends:
        yield f"A,{name},N", trend
        if seasonal:
            yield f"A,{name},A", {**trend, "seasonal": "add", "seasonal_periods": season}
            if (values > 0).all():
                yield f"A,{name},M", {**trend, "seasonal": "mul", "seasonal_periods": season}


def _kept(values: Doubles, season: int, most: int) -> Doubles:
    """The newest values, three seasons of them at least."""
    return values[-max(most, 3 * season) :]


def _flat(values: Doubles, horizon: int) -> tuple[Doubles, Doubles, str]:
    """What is left where no fit succeeds: the last value."""
    changes = np.diff(values)
    sigma = float(changes.std()) if len(changes) else 0.0
    return np.full(horizon, values[-1]), sigma * np.sqrt(np.arange(1.0, horizon + 1)), "last value"
