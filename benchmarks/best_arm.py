"""How often an arm with a given probability of being the best really is the best."""

from __future__ import annotations

import numpy as np

from benchmarks.populations import Array, Population
from benchmarks.simulation import Layout, prepared, tables
from runner.analysis.best import fits, wins
from runner.analysis.data.shrunken_means import drawn_means
from runner.analysis.model.model_means import ModelMeans


def best_arm(
    layout: Layout, population: Population, studies: int, model: bool
) -> tuple[Array, Array]:
    """(studies, arms) probabilities of being the best, and whether the arm is the best.

    model: whether the runs form a factorial, whose model is used if it fits the arms.
    """
    known = prepared(layout)
    means, y = population.studies(np.random.default_rng(0), studies, layout.places())
    said, right = [], []
    for true, cells in zip(means, tables(layout.levels, y), strict=True):
        fitted = known.fitted(cells) if model else None
        if fitted is not None and fits(fitted):
            drawn = ModelMeans(fitted, cells).drawn(cells.levels)[1]
        else:
            own = drawn_means(cells, equal=False)
            assert own is not None
            drawn = own
        arms = true[np.ravel_multi_index(tuple(cells.levels.T), layout.sizes)]
        said.append(wins(drawn))
        right.append(arms == arms.max())
    return np.array(said), np.array(right)
