"""Factorials: main effects averaged over the grid, interactions, and aliases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.estimates import benjamini_hochberg
from runner.analysis.model.allowed_grid import allowed_grid
from runner.analysis.model.coding import Coding, Contrast, Weights, all_pairs, contrasts, shares
from runner.analysis.model.large_interactions import beyond
from runner.analysis.model.linear_model import Model, model
from runner.analysis.model.partial_aliasing import mixed
from runner.analysis.model.regression import Fit, error_term, fit

# With more columns, two-factor interactions are left out: the fit would take minutes.
MOST_COLUMNS = 700
# A placebo is estimated within arms if differences within arms hold this share of its column.
WITHIN = 0.25


@dataclass(frozen=True)
class Factorial:
    """A fitted factorial.

    unseen: pairs of contrasts whose interaction the arms cannot show at all.
    aliases: (pairs,) for each pair in the coding the pairs that cannot be told apart from it,
        including the pair itself.
    weights: for each factor the shares of its levels in the averages of other factors' effects.
    """

    coding: Coding
    fit: Fit
    unseen: list[tuple[int, int]]
    aliases: list[list[int]]
    weights: Weights

    @property
    def interactions(self) -> bool:
        """Whether two-factor interactions are in the model."""
        return bool(self.coding.pairs)

    def confounded_mains(self, i: int) -> list[Contrast]:
        """Other main effects that cannot be separated from main effect `i`."""
        row = np.abs(self.fit.model.null[1 + i, 1 : 1 + len(self.coding.mains)])
        return [self.coding.mains[j] for j in np.flatnonzero(row > 1e-6) if j != i]

    @cached_property
    def clear_interactions(self) -> dict[int, float | None]:
        """Benjamini-Hochberg's p of each pair without aliases, adjusted over these pairs."""
        clear = [k for k, members in enumerate(self.aliases) if len(members) == 1]
        found = [self.fit.estimate(self.coding.interaction(k), noise_only=True) for k in clear]
        return dict(zip(clear, benjamini_hochberg([e.p() for e in found]), strict=True))


def prepare(
    cells: Cells, sizes: list[int], weights: Weights | None = None
) -> tuple[Coding, Model, list[tuple[int, int]], Weights]:
    """Coding and model: all main effects, and all two-factor interactions if they leave error df.

    weights: shares of levels in the averages; by default the shares of the runs. If lost runs
    unbalance a fraction, an average over their shares mixes main effects with aliased interactions.
    Then equal shares are tried, for which the design was made.
    All interactions are left out if fewer than two residual df would remain (without replicates),
    or if some main effect could not be estimated beside them.
    The third value is the pairs that the arms cannot show, the fourth the weights that were used.
    """
    weights = weights or shares(cells.levels, cells.count, sizes)
    equal = [np.full(size, 1 / size) for size in sizes]
    for tried in (weights, equal):
        found = _with_interactions(cells, tried)
        if found is not None:
            return (*found, tried)
    plain = Coding(contrasts(cells.levels, weights), [])
    X = columns(plain, cells)
    without = model(X, cells.count)
    unseen: list[tuple[int, int]] = []
    if len(plain.mains) ** 2 / 2 < MOST_COLUMNS:
        _, unseen = _visible(_pairs(plain.mains, cells), X, without, cells.count)
    grid = allowed_grid(cells.levels, weights)
    without = replace(without, beyond=beyond(plain, 2, without, cells.placebo, grid))
    replicated = int(cells.merged[0].count.max()) > 1 and len(cells.count) <= MOST_COLUMNS
    if replicated and without.rank == plain.size and not _clear(plain, without, cells):
        at = without.projector()
        shared = mixed(plain, cells.levels, weights, at, cells.count, cells.placebo, grid)
        without = replace(without, mixed=shared)
    return plain, without, unseen, weights


def _with_interactions(
    cells: Cells, weights: Weights
) -> tuple[Coding, Model, list[tuple[int, int]]] | None:
    """The model with two-factor interactions; None if main effects or all error df are lost."""
    mains = contrasts(cells.levels, weights)
    pairs = _pairs(mains, cells)
    if not pairs or 1 + len(mains) + len(pairs) > MOST_COLUMNS:
        return None
    plain = Coding(mains, [])
    X = columns(plain, cells)
    without = model(X, cells.count)
    seen, unseen = _visible(pairs, X, without, cells.count)
    coding = Coding(mains, seen)
    full = model(columns(coding, cells), cells.count)
    full = replace(full, lesser=without, beyond=beyond(coding, 3, full, cells.placebo))
    replicated = error_term(full, cells) == "replicates"
    enough = replicated or int(cells.count.sum()) - full.rank >= 2
    lost = [
        i
        for i in range(len(mains))
        if without.estimable(plain.main_effect(i)) and not full.estimable(coding.main_effect(i))
    ]
    return None if not seen or not enough or lost else (coding, full, unseen)


def _pairs(mains: list[Contrast], cells: Cells) -> list[tuple[int, int]]:
    """All pairs of contrasts of different factors, except the placebo, which does not interact."""
    pairs = all_pairs(mains)
    return [p for p in pairs if cells.placebo not in (mains[p[0]].factor, mains[p[1]].factor)]


def columns(coding: Coding, cells: Cells) -> np.ndarray:
    """X of a model (see `Coding.matrix`), in which a placebo does not change other estimates.

    If most arms have runs with and without the placebo, its column is the difference within arms,
    which is clear of every other effect of any order. Otherwise its column is the part that is
    orthogonal to the other columns. In both cases the other effects are the same as without it.
    """
    X = coding.matrix(cells.levels)
    for i, contrast in enumerate(coding.mains):
        if contrast.factor != cells.placebo:
            continue
        column, (arms, where) = X[:, 1 + i], cells.merged
        mean = np.bincount(where, cells.count * column, len(arms.count)) / arms.count
        within = column - mean[where]
        total = float((cells.count * column**2).sum())
        if (cells.count * within**2).sum() >= WITHIN * total:
            X[:, 1 + i] = within
            continue
        others = np.delete(X, 1 + i, axis=1)
        known = model(others, cells.count)
        left = column - others @ (known.bread @ (others.T @ (cells.count * column)))
        if (cells.count * left**2).sum() > 1e-9 * total:
            X[:, 1 + i] = left
    return X


def _visible(
    pairs: list[tuple[int, int]], X: np.ndarray, without: Model, count: np.ndarray
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Pairs whose product is not a sum of main effects, and the other pairs."""
    seen: list[tuple[int, int]] = []
    unseen: list[tuple[int, int]] = []
    for a, b in pairs:
        product = X[:, 1 + a] * X[:, 1 + b]
        left = product - X @ (without.bread @ (X.T @ (count * product)))
        visible = (count * left**2).sum() > 1e-9 * (count * product**2).sum()
        (seen if visible else unseen).append((a, b))
    return seen, unseen


def factorial(
    cells: Cells, sizes: list[int], weights: Weights | None = None, noise: str = "own"
) -> Factorial:
    """Fit a factorial.

    sizes: number of declared levels of each factor; weights: see `prepare`; noise: see `fit`.
    """
    coding, design, unseen, used = prepare(cells, sizes, weights)
    aliases = alias_sets(coding, design)
    return Factorial(coding, fit(design, cells, noise=noise), unseen, aliases, used)


def clear_mains(factorial: Factorial) -> bool:
    """Whether the main effects of a model without interactions are clear of all two-factor ones.

    This holds in a fold-over: the interactions are then only in the residual.
    """
    return not factorial.interactions and _clear(
        factorial.coding, factorial.fit.model, factorial.fit.cells
    )


def _clear(coding: Coding, design: Model, cells: Cells) -> bool:
    """`clear_mains` for a model of main effects."""
    if design.rank < coding.size or len(coding.mains) ** 2 / 2 > MOST_COLUMNS:
        return False
    for a, b in _pairs(coding.mains, cells):
        product = design.X[:, 1 + a] * design.X[:, 1 + b]
        shared = design.bread @ (design.X.T @ (design.count * product))
        if np.abs(shared[1 : 1 + len(coding.mains)]).max() > 1e-6:
            return False
    return True


def alias_sets(coding: Coding, design: Model) -> list[list[int]]:
    """For each pair in the coding the pairs connected with it through the null space."""
    first = 1 + len(coding.mains)
    sets: list[list[int]] = [[] for _ in coding.pairs]
    for found in design.entangled(first):
        members = [k - first for k in found]
        for k in members:
            sets[k] = members
    return sets


def alias_sum(factorial: Factorial, members: list[int]) -> np.ndarray | None:
    """(p,) the only signed sum of interactions that the runs determine.

    In a regular fraction the columns of a set are equal up to sign: the first member's
    column estimates first ± others. None if the columns are not proportional.
    """
    coding, design = factorial.coding, factorial.fit.model
    first = 1 + len(coding.mains)
    X = design.X[:, [first + k for k in members]]
    residual = X - design.count @ X / design.count.sum()
    lead = residual[:, 0]
    factors = (residual.T @ (design.count * lead)) / (lead @ (design.count * lead))
    if np.abs(residual - np.outer(lead, factors)).max() > 1e-6:
        return None
    c = np.zeros(coding.size)
    span = coding.interaction(members[0])[first + members[0]]
    for k, share in zip(members, factors, strict=True):
        c[first + k] = span * share
    return c
