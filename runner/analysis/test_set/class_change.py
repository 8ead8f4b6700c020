"""Changes of each class's accuracy between two arms, from the predictions of their runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runner.analysis.data.estimates import Estimate, contrast_df


@dataclass(frozen=True)
class ClassChange:
    """A class's accuracy (recall) before and after, per cent, means over runs.

    low, high: of the change, for this class alone (Welch); None if an arm has only one run.
    """

    name: str
    images: int
    before: float
    after: float
    low: float | None
    high: float | None

    @property
    def change(self) -> float:
        """Percentage points."""
        return self.after - self.before


@dataclass(frozen=True)
class ClassComparison:
    """Confusion matrices of the baseline and of the arm `label`.

    before, after: (runs, K, K) numbers of images; rows are true classes.
    """

    label: str
    names: tuple[str, ...]
    before: np.ndarray
    after: np.ndarray

    @property
    def changes(self) -> tuple[ClassChange, ...]:
        """One row for each class with images."""
        one, two = recalls(self.before), recalls(self.after)
        images = self.before[0].sum(axis=1)
        found = []
        for i in np.flatnonzero(images):
            ends = _interval(one[:, i], two[:, i]) or (None, None)
            means = float(one[:, i].mean()), float(two[:, i].mean())
            found.append(ClassChange(self.names[i], int(images[i]), *means, *ends))
        return tuple(found)


def compared(
    label: str, names: Sequence[str], before: Sequence[np.ndarray], after: Sequence[np.ndarray]
) -> ClassComparison | None:
    """The comparison of the runs `before` (baseline) and `after` (the arm `label`).

    before, after: the confusion matrix of each run. names: of the classes; class numbers are used
    if the number of names is wrong. None if an arm has no run, or if the runs have different
    numbers of test images of a class.
    """
    if not before or not after:
        return None
    images = before[0].sum(axis=1)
    if any(not np.array_equal(images, run.sum(axis=1)) for run in (*before, *after)):
        return None
    called = tuple(names) if len(names) == len(images) else tuple(map(str, range(len(images))))
    return ClassComparison(label, called, np.stack(before), np.stack(after))


def recalls(matrices: np.ndarray) -> np.ndarray:
    """(runs, K) per cent; 0 for a class without images. matrices: (runs, K, K).

    >>> recalls(np.array([[[3, 1], [0, 2]]]))
    array([[ 75., 100.]])
    """
    totals = np.maximum(matrices.sum(axis=2), 1)
    return np.asarray(100 * np.diagonal(matrices, axis1=1, axis2=2) / totals)


def _interval(one: np.ndarray, two: np.ndarray) -> tuple[float, float] | None:
    if min(len(one), len(two)) < 2:
        return None
    parts = np.array([values.var(ddof=1) / len(values) for values in (one, two)])
    if not parts.sum():
        return None
    df = contrast_df(parts, np.array([len(one) - 1, len(two) - 1]))
    change = float(two.mean() - one.mean())
    return Estimate(change, float(np.sqrt(parts.sum())), df).interval()
