"""Populations of runs with known truth: artificial ones, and recorded grids."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from runner.records.export import read_export
from runner.studies.experiments import experiment

RECORDED = Path("results/ten-epochs")
CHANCE = 10.0  # per cent: mean of a recorded arm whose runs all diverged
NEIGHBOURS = 10  # arms with similar accuracy whose pairs of runs give an arm's sd
Array = np.ndarray


@dataclass(frozen=True)
class Population:
    """The distribution of runs: Normal(mean, sd) for each arm of the full grid, in order.

    sizes: levels of each factor. means: (rng, studies) -> (studies, arms). sd: (arms,).
    runs: recorded runs of each arm, drawn with replacement instead; empty: Normal.
    shuffled: whether each study assigns factors to other columns and renames their levels, so that
    the interactions aliased with an effect differ between studies (not with `runs`).
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
        """(arms,) the arm that replaces each arm when columns and levels are exchanged."""
        grid, sizes = self.grid, np.array(self.sizes)
        source = np.arange(len(sizes))
        for size in set(self.sizes):
            source[sizes == size] = rng.permutation(source[sizes == size])
        levels = np.empty_like(grid)
        for column, factor in enumerate(source):
            levels[:, factor] = rng.permutation(sizes[factor])[grid[:, column]]
        return np.asarray(np.ravel_multi_index(tuple(levels.T), self.sizes))


def constant(sizes: Sequence[int], interacting: bool = False) -> Population:
    """One sd of 0.5 for all arms; each study draws effects N(0, 0.5), interactions N(0, 0.8).

    An interaction is the change of an effect, 4 β of two-level factors: β has sd 0.2.
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
        found = 90 + rng.normal(0, 0.5, (studies, len(levels))) @ codes.T
        if interacting:
            found = found + rng.normal(0, 0.8, (studies, len(pairs))) @ np.stack(pairs)
        return np.asarray(found)

    name = "constant, interactions" if interacting else "constant"
    return Population(name, tuple(sizes), means, np.full(len(grid), 0.5))


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
    """768 arms of digits, each run twice. An arm's sd is the sd of arms with similar accuracy.

    Means are without the noise of the two runs (see `without_noise`), or chance if both diverged.
    two_level: without the optimizer's last level.
    """
    runs, factors = recorded_runs("digits-full-twice")
    if two_level:
        kept = {name: levels[:2] for name, levels in factors.items()}
        runs = runs[np.all([runs[name].isin(levels) for name, levels in kept.items()], axis=0)]
        factors = kept
    arms, sizes = _by_arm(runs, factors), [len(levels) for levels in factors.values()]
    once, again = (np.array([x[i] if len(x) else CHANCE for x in arms]) for i in (0, -1))
    twice = np.array([len(x) > 1 for x in arms])
    accuracy, variance = (once + again) / 2, (once - again) ** 2 / 2
    near = np.argsort(np.abs(accuracy[:, None] - accuracy[twice]), axis=1)[:, :NEIGHBOURS]
    sd = np.sqrt(variance[twice][near].mean(axis=1))
    name = "digits 2^9" if two_level else "digits 2^8 × 3"
    return fixed(name, sizes, without_noise(once, again, sizes), sd)


def without_noise(once: Array, again: Array, sizes: Sequence[int]) -> Array:
    """(arms,) means of a full grid, from two runs of each arm in its order.

    Contrasts of means contain the runs' noise. The contrasts of each order are shrunk until their
    mean square equals that of the truth, which is the covariance of both runs' contrasts
    (constrained empirical Bayes: Ghosh 1992, Journal of the American Statistical Association 87:
    533-540).
    """
    bases = [
        np.linalg.qr(np.column_stack([np.ones(size), np.eye(size)[:, 1:]]))[0] for size in sizes
    ]
    first, second = (_turned(y.reshape(sizes), [b.T for b in bases]) for y in (once, again))
    order = (np.indices(sizes) > 0).sum(axis=0)
    found = (first + second) / 2
    for k in range(1, len(sizes) + 1):
        of = order == k
        true, seen = float((first[of] * second[of]).mean()), float((found[of] ** 2).mean())
        found[of] *= np.sqrt(min(max(true / seen, 0.0), 1.0)) if seen > 0 else 0.0
    return _turned(found, bases).reshape(-1)


def _turned(table: Array, matrices: Sequence[Array]) -> Array:
    """The table with each of its axes multiplied by a matrix."""
    for axis, matrix in enumerate(matrices):
        table = np.moveaxis(np.tensordot(matrix, table, axes=(1, axis)), 0, axis)
    return table


def without_effects(population: Population) -> Population:
    """A population with the same noise and the same mean for every arm."""
    flat = np.full(len(population.sd), 90.0)
    return fixed(f"{population.name}, no effects", population.sizes, flat, population.sd)
