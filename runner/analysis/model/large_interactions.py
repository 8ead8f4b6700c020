"""Interactions that stand out of the error: too large for noise, and not in the model.

In an unreplicated grid the error is the residual of the model, which contains the interactions
that the model leaves out. A few large ones make every interval too wide. On a recorded grid of nine
factors, one three-factor interaction had 54 % of the variance of all of them, and the intervals of
a 64-run fraction were three times as wide as the errors of its effects.

So the largest visible interaction is taken out of the error as long as it stands out of the rest
(stepwise, as Hamada & Wu 1992, Journal of Quality Technology 24: 130-137, do for partial aliasing).
If the residual identifies the interaction, it is also removed from the effects that are partly
mixed with it.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from runner.analysis.model.allowed_grid import averages
from runner.analysis.model.coding import Coding

if TYPE_CHECKING:
    from runner.analysis.model.linear_model import Model

# Level of one step, over all possible directions (Bonferroni), by the order of the interactions.
# Many two-factor products also fit noise: at 0.05, effects of the margin's size were called
# negligible in 7.5 % of studies with 32 runs chosen by exchange; at 0.01 in 6.0 %; without any
# steps in 5.7 %.
LEVELS = {2: 0.01, 3: 0.05}
RECHECK_TIMES = 3  # times the level, without the most deviant arm
MOST_STEPS = 50
MOST_DIRECTIONS = 2000
MOST_ENTRIES = 4_000_000  # arms times directions
ROUNDING = 1e-9  # share of the squares
SEEN = 1e-6  # smallest share of a product's square that is outside the model
NEW = 0.01  # smallest share of a direction's square that is outside earlier directions


@dataclass(frozen=True)
class Beyond:
    """Directions in the residual of interactions that the model leaves out.

    units: (cells, m) one column for each direction, of length 1 over the runs and orthogonal to the
    model. members: for each direction the interactions that share it, as sets of contrasts.
    order: number of factors of an interaction. lengths: (m,) length of the first member's product
    outside the model. shares: (p, m) weight of that product in the model's coefficients, minus its
    weight in the grid's average.
    """

    units: np.ndarray
    members: list[list[tuple[int, ...]]]
    order: int
    lengths: np.ndarray
    shares: np.ndarray


@dataclass(frozen=True)
class LargeInteractions:
    """Interactions taken out of the error, largest first.

    columns: (cells, k) orthonormal over the runs; squares: the sum of squares of each. members: see
    `Beyond`. everything: whether these are all visible interactions.
    shift: (cells, p) for a contrast c of the coefficients, `shift c` are weights of one run of each
    cell. They are subtracted from the weights of the estimate to clear it of these interactions.
    """

    columns: np.ndarray
    members: list[list[tuple[int, ...]]]
    squares: list[float]
    shift: np.ndarray
    everything: bool = False

    @property
    def df(self) -> int:
        """Degrees of freedom that these interactions take from the error."""
        return self.columns.shape[1]


def beyond(
    coding: Coding,
    order: int,
    model: Model,
    placebo: int | None = None,
    grid: np.ndarray | None = None,
) -> Beyond | None:
    """Interactions of `order` factors in the residual of a model; None if there are too many.

    coding: of the model's columns. placebo: the factor without interactions. grid: (arms, factors)
    level indices of arms that represent the grid of the averages, if interactions do not
    average out: see `runner.analysis.model.allowed_grid`.
    """
    mains = coding.mains
    X, count = model.X, model.count
    real = [i for i, contrast in enumerate(mains) if contrast.factor != placebo]
    most = min(MOST_DIRECTIONS, MOST_ENTRIES // len(count))
    if math.comb(len(real), order) > most:
        return None
    sets = [
        chosen
        for chosen in itertools.combinations(real, order)
        if len({mains[i].factor for i in chosen}) == order
    ]
    if not sets:
        return None
    products = np.stack([X[:, [1 + i for i in chosen]].prod(axis=1) for chosen in sets], axis=1)
    whole = count @ products**2
    shares = model.bread @ (X.T @ (count[:, None] * products))
    left = products - X @ shares
    squares = count @ left**2
    seen = np.flatnonzero(squares > SEEN * whole)
    if not len(seen):
        return None
    units = left[:, seen] / np.sqrt(squares[seen])
    alike = np.abs(units.T @ (count[:, None] * units)) > 1 - SEEN
    leads = alike.argmax(axis=1)  # the first column of its direction
    kept = np.flatnonzero(leads == np.arange(len(seen)))
    members = [[sets[seen[k]] for k in np.flatnonzero(leads == lead)] for lead in kept]
    first = seen[kept]
    own = shares[:, first]
    if grid is not None:
        Xg = coding.matrix(grid)
        whole = np.stack([Xg[:, [1 + i for i in sets[k]]].prod(axis=1) for k in first], axis=1)
        own = own - averages(coding, grid, whole, placebo)
    return Beyond(units[:, kept], members, order, np.sqrt(squares[first]), own)


def standing_out(
    of: Beyond | None,
    X: np.ndarray,
    bread: np.ndarray,
    residual: np.ndarray,
    count: np.ndarray,
    df: int,
    fewest: int,
) -> LargeInteractions:
    """The interactions that stand out of a residual.

    X: (cells, p), bread: (p, p) of the model; residual: (cells,) of the cells' means, on `df`;
    count: (cells,) runs; fewest: df that the residual keeps. Replicates of a few arms are not used:
    beside low-variance arms ordinary noise would look significant (then 85 % of a 64-run fraction's
    intervals held).

    If all visible interactions leave half of the df, all are taken out and nothing is chosen.
    Otherwise those are taken out that stand out with and without the most deviant arm: a single bad
    run contributes to all directions at once, and the last of many steps finds it.
    """
    none = np.empty((len(count), 0))
    if of is None:
        return LargeInteractions(none, [], [], none)
    scale = np.sqrt(count)
    rest, units = scale * residual, scale[:, None] * of.units
    everything = of.units.shape[1] <= min(df // 2, df - fewest)
    kept = list(range(of.units.shape[1]))
    if not everything and df < 2 * fewest:
        kept = []
    elif not everything:
        kept = _steps(units, rest, df, fewest, LEVELS[of.order])
        if kept:
            arm = _most_deviant(X * scale[:, None], bread, rest)
            again = _steps(
                units - np.outer(arm, arm @ units), rest - arm * (arm @ rest), df - 1, fewest,
                RECHECK_TIMES * LEVELS[of.order],
            )  # fmt: skip
            kept = [k for k in kept if k in again]
    if not kept:
        return LargeInteractions(none, [], [], none)
    sizes, vectors = np.linalg.eigh(units[:, kept].T @ units[:, kept])
    fine = sizes > NEW * sizes[-1]
    columns = units[:, kept] @ (vectors[:, fine] / np.sqrt(sizes[fine]))
    squares = [float(x) for x in (columns.T @ rest) ** 2]
    members = [of.members[k] for k in kept]
    shift = _shift(of, kept, count)
    return LargeInteractions(columns / scale[:, None], members, squares, shift, everything)


def _steps(units: np.ndarray, rest: np.ndarray, df: int, fewest: int, level: float) -> list[int]:
    """Indices of the directions that stand out, largest first.

    units: (arms, m) and rest: (arms,), times √count. Each step takes the direction with the largest
    share of the squares. A step is significant if noise would give some direction so large a share
    with a probability below `level`. All steps up to the last significant one stand out: two large
    interactions hide each other, so an earlier step may not be significant (Rosner 1983,
    Technometrics 25: 165-172).
    """
    chosen: list[int] = []
    last = 0
    squares = float(rest @ rest)
    free = np.ones(units.shape[1], dtype=bool)
    for step in range(min(MOST_STEPS, df // 2, df - fewest)):
        size = np.einsum("ij,ij->j", units, units)
        free &= size > NEW
        along = np.where(free, units.T @ rest, 0) / np.sqrt(np.where(free, size, 1))
        best = int(np.argmax(np.abs(along)))
        square = float(along[best] ** 2)
        if square >= squares * (1 - ROUNDING) or not free.any():
            break  # the rest would say nothing about noise
        chosen.append(best)
        # In normal noise the share of one of df directions is Beta(1/2, (df - 1) / 2).
        p = special.betaincc(0.5, (df - step - 1) / 2, square / squares)
        if p * len(free) < level:
            last = step + 1
        unit = units[:, best] / math.sqrt(size[best])
        rest = rest - unit * along[best]
        units = units - np.outer(unit, unit @ units)
        squares -= square
        free[best] = False
    return chosen[:last]


def _most_deviant(X: np.ndarray, bread: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """(arms,) unit vector: the change of the residual if the most deviant arm's mean changes.

    X: (arms, p) and rest: (arms,), times √count. Residuals are studentized with one common sd.
    """
    room = 1 - np.einsum("ij,jk,ik->i", X, bread, X, optimize=True)
    there = room > SEEN
    worst = int(np.argmax(np.where(there, np.abs(rest) / np.sqrt(np.where(there, room, 1)), 0)))
    arm = -X @ (bread @ X[worst])
    arm[worst] += 1
    return np.asarray(arm / np.linalg.norm(arm))


def _shift(of: Beyond, chosen: list[int], count: np.ndarray) -> np.ndarray:
    """`LargeInteractions.shift`; directions that several interactions share are not shifted."""
    mixed = np.abs(of.shares).max(axis=0) > ROUNDING
    known = [k for k in chosen if len(of.members[k]) == 1 and mixed[k]]
    left = of.units[:, known] * of.lengths[known]
    inverse = np.linalg.pinv(left.T @ (count[:, None] * left), rcond=NEW, hermitian=True)
    return left @ (inverse @ of.shares[:, known].T)
