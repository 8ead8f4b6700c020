"""Effect coding: the columns of a factorial model, built by hand from level indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Contrast:
    """One level of a factor against its reference, averaged over the design's other levels.

    values: (levels,) the column's value at each level, centred under the design's weights:
    -1, +1 for two levels (then an effect is 2 β), 0/1 for one level of a factor with more levels.
    """

    factor: int
    level: int
    values: np.ndarray

    @property
    def span(self) -> float:
        """The factor by which β becomes the change from the reference to this level."""
        return float(self.values[self.level] - self.values[0])


Weights = list[np.ndarray]  # for each factor the (levels,) shares in the average


def shares(levels: np.ndarray, count: np.ndarray, sizes: Sequence[int]) -> Weights:
    """The share of runs at each level. levels: (cells, factors) indices; count: (cells,) runs."""
    return [
        np.bincount(levels[:, j], weights=count, minlength=size) / count.sum()
        for j, size in enumerate(sizes)
    ]


def contrasts(levels: np.ndarray, weights: Weights) -> list[Contrast]:
    """Main-effect contrasts of the levels that occur; none for a factor without its reference.

    levels: (cells, factors) indices.
    """
    found = []
    for j, share in enumerate(weights):
        size = len(share)
        there = np.bincount(levels[:, j], minlength=size) > 0
        present = [level for level in range(1, size) if there[level]]
        if not there[0]:
            continue
        for level in present:
            if len(present) == 1:
                code = np.where(np.arange(size) == level, 1.0, -1.0)
                mean = float(code @ share)
            else:
                code = (np.arange(size) == level).astype(float)
                mean = float(share[level])
            found.append(Contrast(j, level, code - mean))
    return found


@dataclass(frozen=True)
class Coding:
    """The columns of X: the intercept, then `mains`, then products of two of them.

    mains: column 1 + i is contrast i. pairs: column 1 + len(mains) + k is the product of the
    contrasts pairs[k], of two different factors.
    """

    mains: list[Contrast]
    pairs: list[tuple[int, int]]

    @property
    def size(self) -> int:
        """The number of columns."""
        return 1 + len(self.mains) + len(self.pairs)

    def matrix(self, levels: np.ndarray) -> np.ndarray:
        """X: (cells, p) for level indices (cells, factors)."""
        columns = [c.values[levels[:, c.factor]] for c in self.mains]
        products = [columns[a] * columns[b] for a, b in self.pairs]
        return np.stack([np.ones(len(levels)), *columns, *products], axis=1)

    def main_effect(self, i: int) -> np.ndarray:
        """(p,) contrast of main effect `i`, averaged over the grid."""
        c = np.zeros(self.size)
        c[1 + i] = self.mains[i].span
        return c

    def interaction(self, k: int) -> np.ndarray:
        """(p,) pair `k`: one effect at the other factor's level, minus at its reference.

        For two-level factors this is y_ab - y_a - y_b + y_0 = 4 β.
        """
        a, b = self.pairs[k]
        c = np.zeros(self.size)
        c[1 + len(self.mains) + k] = self.mains[a].span * self.mains[b].span
        return c

    def simple_effect(self, i: int, others: dict[int, int]) -> np.ndarray:
        """(p,) effect of contrast `i`. others: the levels of other factors, both by index."""
        c = self.main_effect(i)
        for k, pair in enumerate(self.pairs):
            if i not in pair:
                continue
            other = self.mains[pair[0] if pair[1] == i else pair[1]]
            if other.factor in others:
                at = other.values[others[other.factor]]
                c[1 + len(self.mains) + k] = self.mains[i].span * at
        return c


def all_pairs(mains: Sequence[Contrast]) -> list[tuple[int, int]]:
    """All pairs of contrasts of different factors."""
    return [
        (a, b)
        for a in range(len(mains))
        for b in range(a + 1, len(mains))
        if mains[a].factor != mains[b].factor
    ]
