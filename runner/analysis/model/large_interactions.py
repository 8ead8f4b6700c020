"""Interactions that stand out of the error: too large to be noise, and of more factors than the
model has.

In an unreplicated grid the error is what the model leaves, its missing interactions with it. Where
a few of them are large they make every interval too wide: on a recorded grid of nine factors one
interaction of three had 54 % of the variance of all of them, and the intervals of a 64-run fraction
were three times as wide as its effects' errors. So the largest of those that these runs can show is
taken out of the error as long as it stands out of the rest (stepwise, as Hamada & Wu 1992, Journal
of Quality Technology 24: 130-137, do where aliasing is partial). Where the residual shows which
interaction it is, effects that are partly mixed with it are freed of it.
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

# Of one step, over all directions that could be taken (Bonferroni). Many more products of two
# factors than directions fit noise, too: at 0.05, effects of the margin's size were called
# negligible in 7.5 % of studies of 32 runs chosen by exchange, at 0.01 in 6.0 %, without any steps
# in 5.7 %.
LEVELS = {2: 0.01, 3: 0.05}
AGAIN = 3  # times the level, without the most deviant arm
MOST_STEPS = 50
MOST_DIRECTIONS = 2000
MOST_ENTRIES = 4_000_000  # of arms times directions
ROUNDING = 1e-9  # share of the squares
SEEN = 1e-6  # share of a product's square that the model must leave
NEW = 0.01  # share of a direction's square that those taken before must leave


@dataclass(frozen=True)
class Beyond:
    """What interactions that the model leaves out would look like in its residual.

    units: (cells, m) one column for each that can be told apart, of length 1 over the runs and
    orthogonal to the model. members: for each the interactions that share it, as sets of contrasts.
    order: of how many factors. lengths: (m,) of what the model leaves of each first member's
    product; shares: (p, m) what the model's coefficients have of that product and the grid's
    average has not.
    """

    units: np.ndarray
    members: list[list[tuple[int, ...]]]
    order: int
    lengths: np.ndarray
    shares: np.ndarray


@dataclass(frozen=True)
class Apart:
    """Interactions taken out of the error, largest first.

    columns: (cells, k) orthonormal over the runs, squares: sum of squares of each. members: see
    `Beyond`. everything: whether these are all that the residual can show, largest or not.
    shift: (cells, p) for a contrast c of the coefficients, shift c are weights of one run of each
    cell that the estimate has less, so that it is free of these interactions.
    """

    columns: np.ndarray
    members: list[list[tuple[int, ...]]]
    squares: list[float]
    shift: np.ndarray
    everything: bool = False

    @property
    def df(self) -> int:
        """Degrees of freedom that the error has less."""
        return self.columns.shape[1]


def beyond(
    coding: Coding,
    order: int,
    model: Model,
    placebo: int | None = None,
    grid: np.ndarray | None = None,
) -> Beyond | None:
    """Interactions of `order` factors in the residual of a model; None if there are too many.

    coding: of the model's columns. placebo: the factor that is in none. grid: (arms, factors) level
    indices of arms that stand for the grid over which is averaged, where interactions do not
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
) -> Apart:
    """The interactions that stand out of a residual.

    X: (cells, p), bread: (p, p) of the model; residual: (cells,) what it leaves of their means, on
    `df`; count: (cells,) runs; fewest: df that the residual keeps. Replicates of a few arms are no
    part of it: those may be the quiet ones, next to which all the others' noise stands out (85 % of
    a 64-run fraction's intervals held then).
    All of them, if that leaves half of the df: then nothing has to be chosen. Else those that stand
    out with and without the most deviant arm: a single bad run is in all directions at once, and
    the last of many steps finds it in what they leave.
    """
    none = np.empty((len(count), 0))
    if of is None:
        return Apart(none, [], [], none)
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
                AGAIN * LEVELS[of.order],
            )  # fmt: skip
            kept = [k for k in kept if k in again]
    if not kept:
        return Apart(none, [], [], none)
    sizes, vectors = np.linalg.eigh(units[:, kept].T @ units[:, kept])
    fine = sizes > NEW * sizes[-1]
    columns = units[:, kept] @ (vectors[:, fine] / np.sqrt(sizes[fine]))
    squares = [float(x) for x in (columns.T @ rest) ** 2]
    members = [of.members[k] for k in kept]
    shift = _shift(of, kept, count)
    return Apart(columns / scale[:, None], members, squares, shift, everything)


def _steps(units: np.ndarray, rest: np.ndarray, df: int, fewest: int, level: float) -> list[int]:
    """Numbers of the directions that stand out, largest first.

    units: (arms, m) and rest: (arms,), times √count. Each step takes the direction with most of the
    squares. Up to the last step at which noise would give any of them so large a share in fewer
    than `level` of all cases they stand out: two large ones hide each other, so the first other
    step is not the end (Rosner 1983, Technometrics 25: 165-172).
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
            break  # the rest, if any, says nothing of noise
        chosen.append(best)
        # The share of one of df directions of normal noise is Beta(1/2, (df - 1) / 2).
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
    """(arms,) unit vector of the residual that the arm of the largest residual moves.

    X: (arms, p) and rest: (arms,), times √count. Residuals are studentized, all by one sd.
    """
    room = 1 - np.einsum("ij,jk,ik->i", X, bread, X, optimize=True)
    there = room > SEEN
    worst = int(np.argmax(np.where(there, np.abs(rest) / np.sqrt(np.where(there, room, 1)), 0)))
    arm = -X @ (bread @ X[worst])
    arm[worst] += 1
    return np.asarray(arm / np.linalg.norm(arm))


def _shift(of: Beyond, chosen: list[int], count: np.ndarray) -> np.ndarray:
    """See `Apart`. Of several that look alike in the residual none is told, so none is left out."""
    mixed = np.abs(of.shares).max(axis=0) > ROUNDING
    known = [k for k in chosen if len(of.members[k]) == 1 and mixed[k]]
    left = of.units[:, known] * of.lengths[known]
    inverse = np.linalg.pinv(left.T @ (count[:, None] * left), rcond=NEW, hermitian=True)
    return left @ (inverse @ of.shares[:, known].T)
