"""How long a run takes: `fixed + per_row * rows`, learned from the runs themselves."""

FORGET = 0.98  # each run makes older ones count 2 % less: about the last 50 runs decide
FORGET_FAST = 0.5  # a run in less than half of its time shows that the slow ones are over
PRIOR_RUNS = 2.0  # the measurements of the warm-up count as much as this many runs
PRIOR_ROWS = (1.0, 64.0)
TRUST_MIN = 0.01  # of the prior: enough to tell the two parts of a run apart
OUTLIER_S = 1e-3


class LatencyModel:
    """Least squares over recent runs with exponential forgetting, held by a prior.

    The prior (two points from the warm-up) keeps the fit defined while every batch has the same
    number of rows, and is forgotten in effect once real runs spread out.

    Args:
        fixed_s: seconds of a run with no rows, from the warm-up.
        per_row_s: seconds that each row adds, from the warm-up.
    """

    __slots__ = ("_n", "_prior", "_trust", "_x", "_xx", "_xy", "_y", "fixed_s", "per_row_s")

    def __init__(self, fixed_s: float, per_row_s: float) -> None:
        self.fixed_s = max(fixed_s, 1e-7)
        self.per_row_s = max(per_row_s, 1e-9)
        weight = PRIOR_RUNS / len(PRIOR_ROWS)
        times = [self.fixed_s + self.per_row_s * rows for rows in PRIOR_ROWS]
        self._prior = (
            PRIOR_RUNS,
            weight * sum(PRIOR_ROWS),
            weight * sum(times),
            weight * sum(rows * rows for rows in PRIOR_ROWS),
            weight * sum(rows * time for rows, time in zip(PRIOR_ROWS, times, strict=True)),
        )
        self._trust = 1.0
        self._n = self._x = self._y = self._xx = self._xy = 0.0

    def predict_s(self, rows: int) -> float:
        """Expected seconds of one run with so many rows."""
        return self.fixed_s + self.per_row_s * rows

    def rows_within(self, budget_s: float) -> int:
        """The most rows whose run is expected to end within the budget; may be 0 or less."""
        return int((budget_s - self.fixed_s) / self.per_row_s)

    def observe(self, rows: int, run_s: float) -> None:
        """Learns from one finished run; a pause of the machine counts as four expected runs."""
        expected_s = self.predict_s(rows)
        run_s = min(run_s, 4.0 * expected_s + OUTLIER_S)
        forget = FORGET
        if 2.0 * run_s < expected_s:
            forget = FORGET_FAST
            self._trust = max(self._trust * FORGET_FAST, TRUST_MIN)
        self._n = n = self._n * forget + 1.0
        self._x = x = self._x * forget + rows
        self._y = y = self._y * forget + run_s
        self._xx = xx = self._xx * forget + rows * rows
        self._xy = xy = self._xy * forget + rows * run_s
        trust = self._trust
        prior_n, prior_x, prior_y, prior_xx, prior_xy = [trust * part for part in self._prior]
        n += prior_n
        x += prior_x
        y += prior_y
        spread = n * (xx + prior_xx) - x * x
        slope = (n * (xy + prior_xy) - x * y) / spread if spread > 0.0 else self.per_row_s
        mean = y / n
        # Neither part may be negative, whatever the noise; the line stays through the mean.
        slope = min(max(slope, 1e-9), mean * n / x)
        self.per_row_s = slope
        self.fixed_s = max(mean - slope * x / n, 1e-7)
