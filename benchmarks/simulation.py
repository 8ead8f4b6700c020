"""Simulated studies: populations of known truth, layouts of the tool's own designs, and what the
tool's estimators say of thousands of studies at once.

Responses of all studies are drawn together; the model of a layout is prepared once, and only the
fit itself runs study by study, so that two thousand studies take a second or two.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from runner.analysis.cells import Cells, distinct, group
from runner.analysis.coding import Coding, Weights
from runner.analysis.factorial import Factorial, alias_sets, prepare
from runner.analysis.regression import fit
from runner.commands.experiments import experiment
from runner.designs import make
from runner.designs.conflicts import Conflicts
from runner.designs.design import Design
from runner.designs.factor import PLACEBO, Factor, Level
from runner.designs.fraction import Fraction
from runner.records.export import read_export
from tricks.recipe import Recipe

RECORDED = Path("results/reference")
CHANCE = 10.0  # per cent: what a recorded arm stands for whose every run diverged
NEIGHBOURS = 5  # arms of like accuracy whose replicates give an unreplicated arm its sd
Array = np.ndarray


@dataclass(frozen=True)
class Population:
    """What runs are drawn from: Normal(an arm's mean, its sd), arms of the full grid in order.

    sizes: levels of each factor. means: (rng, studies) -> (studies, arms). sd: (arms,).
    runs: recorded runs of each arm, to be drawn with replacement instead; empty: Normal.
    shuffled: whether each study gives the factors other columns and their levels other names, so
    that what a fraction mixes with an effect differs from study to study (not with `runs`).
    """

    name: str
    sizes: tuple[int, ...]
    means: Callable[[np.random.Generator, int], Array]
    sd: Array
    runs: Sequence[Array] = field(default=(), repr=False)
    shuffled: bool = False

    @property
    def grid(self) -> Array:
        """(arms, factors) level indices of the full grid."""
        return np.array(list(itertools.product(*map(range, self.sizes))))

    def studies(self, rng: np.random.Generator, count: int, places: Array) -> tuple[Array, Array]:
        """True means (studies, arms) and values (studies, runs) of runs of the arms `places`."""
        means = self.means(rng, count)
        where = np.tile(np.arange(means.shape[1]), (count, 1))
        if self.shuffled:
            where = np.stack([self._relabelled(rng) for _ in range(count)])
            means = np.take_along_axis(means, where, axis=1)
        if self.runs:
            drawn = [rng.choice(self.runs[arm], count) for arm in places]
            return means, np.stack(drawn, axis=1)
        noise = rng.standard_normal((count, len(places)))
        return means, np.asarray(means[:, places] + self.sd[where[:, places]] * noise)

    def _relabelled(self, rng: np.random.Generator) -> Array:
        """(arms,) the arm that takes the place of each where columns and levels are exchanged."""
        grid, sizes = self.grid, np.array(self.sizes)
        source = np.arange(len(sizes))
        for size in set(self.sizes):
            source[sizes == size] = rng.permutation(source[sizes == size])
        levels = np.empty_like(grid)
        for column, factor in enumerate(source):
            levels[:, factor] = rng.permutation(sizes[factor])[grid[:, column]]
        return np.asarray(np.ravel_multi_index(tuple(levels.T), self.sizes))


def constant(
    sizes: Sequence[int], interacting: bool = False, sd: float = 0.5, effect: float | None = None
) -> Population:
    """One sd for all arms; in every study other effects, N(0, 0.5), and interactions, N(0, 0.2).

    effect: that of every factor in every study instead.
    """
    grid = np.array(list(itertools.product(*map(range, sizes))))
    levels = [(j, a) for j, size in enumerate(sizes) for a in range(1, size)]
    codes = np.stack([(grid[:, j] == a) - 1 / sizes[j] for j, a in levels], axis=1)
    pairs = [
        codes[:, a] * codes[:, b]
        for a, b in itertools.combinations(range(len(levels)), 2)
        if levels[a][0] != levels[b][0]
    ]

    def means(rng: np.random.Generator, studies: int) -> Array:
        if effect is not None:
            return np.tile(90 + codes @ np.full(len(levels), effect), (studies, 1))
        found = 90 + rng.normal(0, 0.5, (studies, len(levels))) @ codes.T
        if interacting:
            found = found + rng.normal(0, 0.8, (studies, len(pairs))) @ np.stack(pairs)
        return np.asarray(found)

    name = "constant, interactions" if interacting else "constant"
    return Population(name, tuple(sizes), means, np.full(len(grid), sd))


def fixed(name: str, sizes: Sequence[int], mean: Array, sd: Array, runs: Any = ()) -> Population:
    """A population whose arms have the same means in every study."""
    return Population(
        name, tuple(sizes), lambda rng, studies: np.tile(mean, (studies, 1)), sd, runs
    )


def recorded_runs(name: str) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]]]:
    """Runs and factors of a committed study."""
    found = read_export(RECORDED / name)
    whole = experiment(found.study, found.runs.reset_index(drop=True))
    return whole.runs, dict(whole.factors)


def _by_arm(runs: pd.DataFrame, factors: dict[str, tuple[str, ...]]) -> list[Array]:
    """Accuracies of the runs of each arm of the full grid, in its order."""
    usable = runs[runs["state"].eq("ok") & runs["accuracy"].notna()]
    grouped = {key: part.to_numpy() for key, part in usable.groupby(list(factors))["accuracy"]}
    return [grouped.get(arm, np.empty(0)) for arm in itertools.product(*factors.values())]


def digits_five(resampled: bool = False) -> Population:
    """2^5 arms of digits with many seeds each: recorded means and sds, or the runs themselves."""
    runs, factors = recorded_runs("digits-five")
    arms = _by_arm(runs, factors)
    mean, sd = (np.array([f(x) for x in arms]) for f in (np.mean, lambda x: x.std(ddof=1)))
    sizes = [len(levels) for levels in factors.values()]
    name = "digits 2^5, runs resampled" if resampled else "digits 2^5"
    return fixed(name, sizes, mean, sd, arms if resampled else ())


def digits_full(two_level: bool = False) -> Population:
    """768 arms of digits run once. An arm's sd is that of replicated arms of like accuracy.

    Where the only run diverged, chance. two_level: without the optimizer's last level.
    """
    runs, factors = recorded_runs("digits-full")
    if two_level:
        kept = {name: levels[:2] for name, levels in factors.items()}
        runs = runs[np.all([runs[name].isin(levels) for name, levels in kept.items()], axis=0)]
        factors = kept
    arms = _by_arm(runs, factors)
    mean = np.array([x.mean() if len(x) else CHANCE for x in arms])
    again = [x for x in _by_arm(*recorded_runs("digits-fraction")) if len(x) > 1]
    accuracy = np.array([x.mean() for x in again])
    variance, df = (np.array([f(x) for x in again]) for f in (lambda x: x.var(ddof=1), len))
    near = np.argsort(np.abs(mean[:, None] - accuracy), axis=1)[:, :NEIGHBOURS]
    sd = np.sqrt((variance * (df - 1))[near].sum(axis=1) / (df - 1)[near].sum(axis=1))
    name = "digits 2^9" if two_level else "digits 2^8 × 3"
    return fixed(name, [len(levels) for levels in factors.values()], mean, sd)


def without_effects(population: Population) -> Population:
    """The same noise, and every arm the same mean."""
    flat = np.full(len(population.sd), 90.0)
    return fixed(f"{population.name}, no effects", population.sizes, flat, population.sd)


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
    def at(self) -> int | None:
        """The placebo's column."""
        return self.levels.shape[1] - 1 if self.placebo else None

    def places(self) -> Array:
        """(runs,) the place of each run's arm in the full grid without placebo."""
        sizes = self.sizes[:-1] if self.placebo else self.sizes
        return np.asarray(np.ravel_multi_index(tuple(self.real().T), tuple(sizes)))


def nameless(sizes: Sequence[int], placebo: bool = False, draw: int = 0) -> list[Factor]:
    """Factors of so many levels, and maybe a placebo. draw: other names, other random columns."""
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
    """The tool's own design. forbidden: (factor, level, factor, level) that exclude each other.

    draw: which random column a placebo has.
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
    """What the analysis of a layout derives from its arms alone."""

    layout: Layout
    coding: Coding
    design: Any
    unseen: list[tuple[int, int]]
    weights: Weights
    aliases: list[list[int]]

    def fitted(self, cells: Cells) -> Factorial:
        """As `runner.analysis.factorial.factorial` gives it."""
        found = fit(self.design, cells)
        pairs = bool(self.coding.pairs)
        return Factorial(self.coding, found, pairs, self.unseen, self.aliases, self.weights)

    def truth(self, population: Population) -> Array:
        """(coefficients, arms of the full grid): the model's coefficients from all arms' means.

        Each arm weighs as the product of its levels' shares in the design; a placebo's are 0.
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
    """The model of a layout, as the analysis makes it."""
    start = group(layout.levels, np.zeros(len(layout.levels)), layout.at)
    coding, design, unseen, weights = prepare(start, list(layout.sizes))
    return Prepared(layout, coding, design, unseen, weights, alias_sets(coding, design))


@dataclass(frozen=True)
class Estimates:
    """Of many studies. value, se, df: (studies, effects), NaN where there is none; truth alike."""

    value: Array
    se: Array
    df: Array
    truth: Array

    def half(self, level: float = 0.05, tests: int = 1) -> Array:
        """Half-widths of the 1 - level intervals, Šidák's over `tests` of them."""
        tail = (1 - (1 - level) ** (1 / tests)) / 2
        return np.asarray(stats.t.isf(tail, self.df) * self.se)

    def p(self) -> Array:
        """Unadjusted p of no effect."""
        return np.asarray(2 * stats.t.sf(np.abs(self.value) / self.se, self.df))

    def covered(self, level: float = 0.05, tests: int = 1) -> Array:
        """(studies, effects) whether the interval holds the truth."""
        return np.asarray(np.abs(self.value - self.truth) <= self.half(level, tests))


def estimates(found: Sequence[Sequence[Any]], truth: Array) -> Estimates:
    """From `Estimate`s of each study."""
    parts = np.array(
        [[(e.value, e.se, e.df) if e is not None else (None,) * 3 for e in row] for row in found],
        dtype=float,
    )
    return Estimates(parts[..., 0], parts[..., 1], parts[..., 2], truth)
