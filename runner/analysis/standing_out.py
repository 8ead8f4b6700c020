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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from runner.analysis.coding import Contrast

if TYPE_CHECKING:
    from runner.analysis.linear_model import Model

# Of one step, over all directions that could be taken (Bonferroni). Many more products of two
# factors than directions fit noise, too: at 0.05, effects of the margin's size were called
# negligible in 7.5 % of studies of 32 runs chosen by exchange, at 0.01 in 6.0 %, without any steps
# in 5.7 %.
LEVELS = {2: 0.01, 3: 0.05}
MOST_STEPS = 50
MOST_DIRECTIONS = 2000
MOST_ENTRIES = 20_000_000  # of arms times directions
ROUNDING = 1e-9  # share of the squares
SEEN = 1e-6  # share of a product's square that the model must leave
NEW = 0.01  # share of a direction's square that those taken before must leave


@dataclass(frozen=True)
class Beyond:
    """What interactions that the model leaves out would look like in its residual.

    units: (cells, m) one column for each that can be told apart, of length 1 over the runs and
    orthogonal to the model. members: for each the interactions that share it, as sets of contrasts.
    order: of how many factors. lengths: (m,) of what the model leaves of each first member's
    product; shares: (p, m) what the model's coefficients have of that product.
    """

    units: np.ndarray
    members: list[list[tuple[int, ...]]]
    order: int
    lengths: np.ndarray
    shares: np.ndarray


@dataclass(frozen=True)
class Apart:
    """Interactions taken out of the error, largest first.

    columns: (cells, k) orthonormal over the runs. members: see `Beyond`. squares: sum of squares of
    each column. everything: whether these are all that the residual can show, largest or not.
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
    mains: Sequence[Contrast], order: int, model: Model, placebo: int | None = None
) -> Beyond | None:
    """Interactions of `order` factors in the residual of a model; None if there are too many.

    mains: contrasts of the model's columns 1 and on. placebo: the factor that is in none.
    """
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
    return Beyond(units[:, kept], members, order, np.sqrt(squares[first]), shares[:, first])


def standing_out(
    of: Beyond | None,
    residual: np.ndarray,
    count: np.ndarray,
    df: int,
    fewest: int,
) -> Apart:
    """The interactions that stand out of a residual.

    residual: (cells,) what the model leaves of their means, on `df`; count: (cells,) runs; fewest:
    df that it keeps. Replicates of a few arms are no part of it: those may be the quiet ones, next
    to which all the others' noise stands out (85 % of a 64-run fraction's intervals held then).
    All of them, if that leaves half of the df: then nothing has to be chosen. Else by steps, each
    of which takes the direction with most of the squares. Up to the last step at which noise would
    give any of them so large a share in fewer than `LEVELS` of all cases they stand out: two large
    ones hide each other, so the first other step is not the end (Rosner 1983, Technometrics 25:
    165-172).
    """
    scale = np.sqrt(count)
    if of is not None and of.units.shape[1] <= min(df // 2, df - fewest):
        sizes, vectors = np.linalg.eigh(of.units.T @ (count[:, None] * of.units))
        kept = sizes > NEW * sizes[-1]
        columns = of.units @ (vectors[:, kept] / np.sqrt(sizes[kept]))
        found = [float(x) for x in (columns.T @ (count * residual)) ** 2]
        shift = _shift(of, list(range(len(of.members))), count)
        return Apart(columns, of.members, found, shift, everything=True)
    chosen: list[int] = []
    taken: list[np.ndarray] = []
    found = []
    last = 0
    if of is not None and df >= 2 * fewest:
        squares = float(count @ residual**2)
        rest, units = scale * residual, scale[:, None] * of.units
        free = np.ones(units.shape[1], dtype=bool)
        for step in range(min(MOST_STEPS, df // 2, df - fewest)):
            size = np.einsum("ij,ij->j", units, units)
            free &= size > NEW
            along = np.where(free, units.T @ rest, 0) / np.sqrt(np.where(free, size, 1))
            best = int(np.argmax(np.abs(along)))
            square = float(along[best] ** 2)
            if square >= squares * (1 - ROUNDING) or not free.any():
                break  # the rest, if any, says nothing of noise
            unit = units[:, best] / math.sqrt(size[best])
            chosen.append(best)
            taken.append(unit / scale)
            found.append(square)
            # The share of one of df directions of normal noise is Beta(1/2, (df - 1) / 2).
            p = special.betaincc(0.5, (df - step - 1) / 2, square / squares)
            if p * len(free) < LEVELS[of.order]:
                last = step + 1
            rest = rest - unit * along[best]
            units = units - np.outer(unit, unit @ units)
            squares -= square
            free[best] = False
    if of is None or not last:
        return Apart(np.empty((len(count), 0)), [], [], np.empty((len(count), 0)))
    members = [of.members[k] for k in chosen[:last]]
    shift = _shift(of, chosen[:last], count)
    return Apart(np.stack(taken[:last], axis=1), members, found[:last], shift)


def _shift(of: Beyond, chosen: list[int], count: np.ndarray) -> np.ndarray:
    """See `Apart`. Of several that look alike in the residual none is told, so none is left out."""
    mixed = np.abs(of.shares).max(axis=0) > ROUNDING
    known = [k for k in chosen if len(of.members[k]) == 1 and mixed[k]]
    left = of.units[:, known] * of.lengths[known]
    inverse = np.linalg.pinv(left.T @ (count[:, None] * left), rcond=NEW, hermitian=True)
    return left @ (inverse @ of.shares[:, known].T)
