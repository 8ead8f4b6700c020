"""Intervals in general, over seeds and test images, in studies drawn from recorded answers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from benchmarks.populations import Array
from benchmarks.procedures import Found
from benchmarks.simulation import (
    Layout,
    estimates,
    prepared,
)
from runner.analysis.comparisons.welch import welch
from runner.analysis.data.arm_statistics import group
from runner.analysis.test_set.image_noise import parts, residual
from runner.analysis.test_set.per_image_correctness import bits
from runner.analysis.test_set.population import hull


def in_general(right: Sequence[Array], layout: Layout, studies: int) -> tuple[Found, Found]:
    """Effects on these test images, and in general, from recorded correct and wrong predictions.

    right: for each arm of the full grid the (runs, images) of its recorded runs. Every study draws
    runs of each arm, and test images, both with replacement; the truth is over all recorded ones.
    `together` of the second result is (studies, effects): whether the interval contains the truth.
    """
    rng = np.random.default_rng(0)
    images = right[0].shape[1]
    factorial = len({tuple(row) for row in layout.levels}) == np.prod(layout.sizes)
    known = prepared(layout)
    contrasts = [known.coding.main_effect(i) for i in range(len(layout.sizes))]
    grid = np.array(list(itertools.product(*map(range, layout.sizes))))
    mean = np.array([100 * x.mean() for x in right])
    start = group(layout.levels, np.zeros(len(layout.levels)))
    arms = np.eye(len(layout.sizes) + 1, len(layout.sizes), -1, dtype=int)  # zeros, then one 1 each
    zero, *single = (place for place in map(start.find, arms) if place is not None)
    at = np.ravel_multi_index(tuple(start.levels.T), layout.sizes)
    if not factorial:
        truth = np.array([mean[at[i]] - mean[at[zero]] for i in single])
    else:
        truth = np.array([
            mean[grid[:, j] == 1].mean() - mean[grid[:, j] == 0].mean()
            for j in range(len(layout.sizes))
        ])  # fmt: skip
    here, held = [], []
    for _ in range(studies):
        pick = rng.integers(images, size=images)
        runs = np.stack([right[a][rng.integers(len(right[a]))][pick] for a in layout.places()])
        found = bits(runs, layout.levels)
        cells = group(layout.levels, found.accuracy)
        if factorial:
            fitted = known.fitted(cells).fit
            mine = [fitted.estimate(c) for c in contrasts]
        else:
            mine = [welch(cells, i, zero) for i in single]
        noise = residual(found, list(layout.sizes))
        assert noise is not None
        rows = []
        for e, true in zip(mine, truth, strict=True):
            split = parts(e, found, noise)
            assert split is not None
            assert e.value is not None
            low, high = hull(split.estimate(e.value).interval(), e.interval()) or (np.nan, np.nan)
            rows.append(low <= true <= high)
        held.append(rows)
        here.append(mine)
    alone = estimates(here, np.tile(truth, (studies, 1)))
    return Found(alone), Found(alone, together=np.array(held))
