"""Simulated studies: layouts of the tool's designs, and the tool's estimates in many studies.

Responses of all studies are drawn together. The model of a layout is prepared once, and only the
fit runs study by study, so two thousand studies take a second or two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.populations import Array, Population
from runner.analysis.data.arm_statistics import Cells, distinct, group
from runner.analysis.model.coding import Coding, Weights
from runner.analysis.model.factorial import Factorial, alias_sets, prepare
from runner.analysis.model.regression import fit
from runner.designs.conflicts import Conflicts
from runner.designs.design import Design
from runner.designs.factor import PLACEBO, Factor, Level
from runner.designs.fraction import Fraction
from runner.designs.registry import make
from tricks.recipe import Recipe


@dataclass(frozen=True)
class Layout:
    """Runs of one study. levels: (runs, factors) level indices; the last may be a placebo."""

    name: str
    levels: Array
    sizes: tuple[int, ...]
    placebo: bool = False
    forbidden: tuple[tuple[int, int, int, int], ...] = ()

    def real(self) -> Array:
        """The levels without the placebo's."""
        return self.levels[:, :-1] if self.placebo else self.levels

    @property
    def placebo_column(self) -> int | None:
        """The placebo's column."""
        return self.levels.shape[1] - 1 if self.placebo else None

    def places(self) -> Array:
        """(runs,) the index of each run's arm in the full grid without placebo."""
        sizes = self.sizes[:-1] if self.placebo else self.sizes
        return np.asarray(np.ravel_multi_index(tuple(self.real().T), tuple(sizes)))


def nameless(sizes: Sequence[int], placebo: bool = False, draw: int = 0) -> list[Factor]:
    """Factors with these numbers of levels, and perhaps a placebo.

    draw: number of the draw; it gives other names and other random columns.
    """
    found = [
        Factor(f"x{i}{'_' * draw}", tuple(Level(str(a)) for a in range(size)), "field")
        for i, size in enumerate(sizes)
    ]
    if placebo:
        found.append(Factor(PLACEBO, (Level("off"), Level("on")), "trick"))
    return found


def layout(
    grid: str, sizes: Sequence[int], seeds: int = 1, runs: int | None = None,
    placebo: bool = False, forbidden: Sequence[tuple[int, int, int, int]] = (), draw: int = 0,
) -> Layout:  # fmt: skip
    """The tool's design. forbidden: (factor, level, factor, level) that exclude each other.

    draw: chooses the random column of a placebo.
    """
    factors = nameless(sizes, placebo, draw)
    if forbidden:
        conflicts = Conflicts(dict.fromkeys(forbidden, "forbidden"))
        design: Design = Fraction(factors, conflicts, asked_runs=runs or 0)
    else:
        design = make(grid, factors, Recipe(), runs=runs)
    arms = list(design)
    name = f"{grid}, {len(arms)} runs"
    if forbidden:
        name = f"exchange, {len(arms)} runs, forbidden arms"
    name += f" × {seeds}" if seeds > 1 else ""
    width = tuple(sizes) + ((2,) if placebo else ())
    levels = [arm for number in range(seeds) for arm in design.replicate(number)]
    return Layout(name, np.array(levels), width, placebo, tuple(forbidden))


def tables(levels: Array, y: Array, placebo: int | None = None) -> Iterator[Cells]:
    """The cells of each study. levels: (runs, factors); y: (studies, runs); placebo: its column."""
    arms, where = distinct(levels)
    member = np.eye(len(arms))[where]
    count = member.sum(axis=0).astype(np.int64)
    mean = y @ member / count
    squares = (y - mean[:, where]) ** 2 @ member
    for one, spread in zip(mean, squares, strict=True):
        yield Cells(arms, count, one, spread, placebo)


@dataclass(frozen=True)
class Prepared:
    """The part of a layout's analysis that depends only on its arms."""

    layout: Layout
    coding: Coding
    design: Any
    unseen: list[tuple[int, int]]
    weights: Weights
    aliases: list[list[int]]

    def fitted(self, cells: Cells) -> Factorial:
        """The result of `runner.analysis.model.factorial.factorial`."""
        found = fit(self.design, cells)
        return Factorial(self.coding, found, self.unseen, self.aliases, self.weights)

    def truth(self, population: Population) -> Array:
        """(coefficients, arms of the full grid): the model's coefficients from all arms' means.

        An arm's weight is the product of its levels' shares in the design; a placebo's is 0.
        """
        levels = grid = population.grid
        if self.layout.placebo:
            levels = np.concatenate(
                [np.column_stack([grid, np.full(len(grid), p)]) for p in (0, 1)]
            )
        weight = np.prod([share[levels[:, j]] for j, share in enumerate(self.weights)], axis=0)
        for i, a, j, b in self.layout.forbidden:
            weight[(levels[:, i] == a) & (levels[:, j] == b)] = 0
        X = self.coding.matrix(levels)
        solved = np.linalg.pinv(X.T @ (weight[:, None] * X), hermitian=True) @ X.T * weight
        return np.asarray(solved.reshape(len(solved), -1, len(grid)).sum(axis=1))


def prepared(layout: Layout) -> Prepared:
    """The model of a layout, as in the analysis."""
    start = group(layout.levels, np.zeros(len(layout.levels)), layout.placebo_column)
    coding, design, unseen, weights = prepare(start, list(layout.sizes))
    return Prepared(layout, coding, design, unseen, weights, alias_sets(coding, design))


@dataclass(frozen=True)
class Estimates:
    """Estimates of many studies. value, se, df, truth: (studies, effects), NaN if missing."""

    value: Array
    se: Array
    df: Array
    truth: Array

    def half(self, level: float = 0.05) -> Array:
        """Half-widths of the 1 - level intervals."""
        return np.asarray(stats.t.isf(level / 2, self.df) * self.se)

    def p(self) -> Array:
        """Unadjusted p of no effect."""
        return np.asarray(2 * stats.t.sf(np.abs(self.value) / self.se, self.df))

    def covered(self) -> Array:
        """(studies, effects) whether the 95 % interval holds the truth."""
        return np.asarray(np.abs(self.value - self.truth) <= self.half())


def estimates(found: Sequence[Sequence[Any]], truth: Array) -> Estimates:
    """From `Estimate`s of each study."""
    parts = np.array(
        [[(e.value, e.se, e.df) if e is not None else (None,) * 3 for e in row] for row in found],
        dtype=float,
    )
    return Estimates(parts[..., 0], parts[..., 1], parts[..., 2], truth)
