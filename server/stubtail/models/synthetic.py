"""Rows for a graph whose callers are not there yet: from its manifest, or from its types."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import numpy as np

from stubtail.models.errors import RunFailed
from stubtail.models.features import Feature
from stubtail.models.manifest import Manifest
from stubtail.models.signature import FREE, Signature, TensorSpec

Array = np.ndarray[Any, np.dtype[Any]]
Feeds = dict[str, Array]
Run = Callable[[Mapping[str, Array]], list[Array]]

SEED: Final = 20_240_229  # every load of the same graph sees the same rows
# A free dimension besides the rows: a length, a width. Pooling needs some, attention takes any.
FREE_SIZES: Final = (8, 1, 64)
WARM_ROWS: Final = 64  # a burst; most graphs prepare nothing for more of them
WARM_SECONDS_MAX: Final = 0.02  # who waits longer for an answer does not see a first run


class SyntheticRows:
    """Makes feeds for a signature; every call gives fresh rows.

    Repeated rows run up to 3.5 times too fast in tree models, since branches become predictable.

    Args:
        signature: of the graph.
        manifest: its ranges and categories, where there is one with features.
        plain: zeros (and "0") instead of random values, for graphs that look things up.
        free_size: of free dimensions besides the first.
    """

    def __init__(
        self,
        signature: Signature,
        manifest: Manifest | None,
        *,
        plain: bool = False,
        free_size: int = FREE_SIZES[0],
    ) -> None:
        self._inputs = signature.inputs
        self._features = manifest.features if manifest is not None else ()
        # All features in one draw: a load is not to hold the GIL for a loop over features.
        ranges = np.array([_range(feature) for feature in self._features]).reshape(-1, 2)
        self._least, self._span = ranges[:, 0], ranges[:, 1]
        self._is_code = np.array([feature.type == "category" for feature in self._features], bool)
        self._plain = plain
        self._free_size = free_size
        self._random = np.random.default_rng(SEED)

    def __call__(self, rows: int) -> Feeds:
        """Feeds of `rows` rows, where the graph leaves the first dimension free."""
        if self._features:
            return {self._inputs[0].name: self._feature_rows(rows)}
        return {spec.name: self._tensor(spec, rows) for spec in self._inputs}

    def elements(self, rows: int) -> int:
        """Elements of the largest input of `rows` rows."""
        return max((int(np.prod(self._shape(spec, rows))) for spec in self._inputs), default=0)

    def _shape(self, spec: TensorSpec, rows: int) -> tuple[int, ...]:
        first = tuple(rows if size == FREE else size for size in spec.shape[:1])
        return first + tuple(self._free_size if size == FREE else size for size in spec.shape[1:])

    def _tensor(self, spec: TensorSpec, rows: int) -> Array:
        shape = self._shape(spec, rows)
        if spec.dtype == object:
            text = self._random.integers(0, 2, shape).astype(str).astype(object)
            return np.full(shape, "0", object) if self._plain else np.asarray(text, object)
        if self._plain:
            return np.zeros(shape, spec.dtype)
        if spec.dtype.kind == "f":
            return np.asarray(self._random.standard_normal(shape), spec.dtype)
        # 0 and 1 are indices that even small tables have.
        return np.asarray(self._random.integers(0, 2, shape), spec.dtype)

    def _feature_rows(self, rows: int) -> Array:
        values = self._least + self._span * self._random.random((rows, len(self._features)))
        return np.where(self._is_code, np.floor(values), values).astype(np.float32)


def _range(feature: Feature) -> tuple[float, float]:
    """The smallest value of a feature and the span above it; codes are rounded down later."""
    if feature.type == "category":
        return 0.0, float(len(feature.categories))
    least, most = feature.minimum, feature.maximum
    if least is None:
        return (0.0 if most is None else most - 1.0), 1.0
    return least, 1.0 if most is None else most - least


def first_run(
    run: Run, signature: Signature, manifest: Manifest | None
) -> tuple[SyntheticRows, list[Array]]:
    """The kind of synthetic rows that the graph takes, and its answer to one of them.

    Raises:
        RunFailed: it takes none; this is what the first kind led to.
    """
    failure: RunFailed | None = None
    for make in _kinds_of_rows(signature, manifest):
        try:
            return make, run(make(1))
        except RunFailed as error:
            failure = failure or error
    assert failure is not None
    raise failure


def _kinds_of_rows(signature: Signature, manifest: Manifest | None) -> Iterator[SyntheticRows]:
    if manifest is not None and manifest.features:
        yield SyntheticRows(signature, manifest)
        return
    has_free = any(FREE in spec.shape[1:] for spec in signature.inputs)
    for free_size in FREE_SIZES if has_free else FREE_SIZES[:1]:
        for plain in (False, True):
            yield SyntheticRows(signature, None, plain=plain, free_size=free_size)


def warm_run(
    run: Run, signature: Signature, manifest: Manifest | None, seconds: Callable[[int], float]
) -> Feeds | None:
    """Runs a graph that was checked elsewhere: the first call is not to pay for its first run.

    Args:
        run: one run of the graph.
        signature: as the check saw it.
        manifest: where there is one.
        seconds: how long a run of so many rows takes, as the check measured.

    Returns:
        One row that it has answered; None where it failed on all, which the check has told already.
    """
    known: Feeds | None = None
    with suppress(RunFailed):
        make, _ = first_run(run, signature, manifest)
        row = make(1)
        run(row)
        known = row
        if signature.batchable and seconds(WARM_ROWS) <= WARM_SECONDS_MAX:
            run(make(WARM_ROWS))
    return known
