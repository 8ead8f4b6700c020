"""Interactions that stand out of the error: too large to be noise, and of more factors than the
model has.

In an unreplicated grid the error is what the model leaves, its missing interactions with it. Where
a few of them are large they make every interval too wide: on a recorded grid of nine factors one
interaction of three had 54 % of the variance of all of them, and the intervals of a 64-run fraction
were three times as wide as its effects' errors. So the largest of those that these runs can show is
taken out of the error as long as it stands out of the rest (stepwise, as Hamada & Wu 1992, Journal
of Quality Technology 24: 130-137, do where aliasing is partial). Estimates stay as they are: an
effect that is mixed with such an interaction is as wrong as before.
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

# Of one step, over all directions that could be taken. At 0.05 a family of effects that are not
# there had 9.5 % errors after 32 runs chosen by exchange, at 0.01 5.4 %, without any steps 4.8 %.
LEVEL = 0.01
MOST_STEPS = 25
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
    """

    units: np.ndarray
    members: list[list[tuple[int, ...]]]


@dataclass(frozen=True)
class Apart:
    """Interactions taken out of the error, largest first.

    columns: (cells, k) orthonormal over the runs. members: see `Beyond`. squares: sum of squares of
    each.
    """

    columns: np.ndarray
    members: list[list[tuple[int, ...]]]
    squares: list[float]


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
    left = products - X @ (model.bread @ (X.T @ (count[:, None] * products)))
    squares = count @ left**2
    seen = np.flatnonzero(squares > SEEN * whole)
    if not len(seen):
        return None
    units = left[:, seen] / np.sqrt(squares[seen])
    alike = np.abs(units.T @ (count[:, None] * units)) > 1 - SEEN
    first = alike.argmax(axis=1)  # the first column of its direction
    kept = np.flatnonzero(first == np.arange(len(seen)))
    members = [[sets[seen[k]] for k in np.flatnonzero(first == lead)] for lead in kept]
    return Beyond(units[:, kept], members)


def standing_out(
    of: Beyond | None,
    residual: np.ndarray,
    count: np.ndarray,
    squares: float,
    df: int,
    fewest: int,
    level: float = LEVEL,
) -> Apart:
    """The interactions that stand out of a residual.

    residual: (cells,) what the model leaves of their means; count: (cells,) runs; squares: the
    residual's sum of squares, on `df`, with that within the cells where it is in the error;
    fewest: df that the error keeps.
    Each step takes the direction with most of the squares. All up to the last step at which noise
    would give any of them so large a share in fewer than `level` of all cases stand out: two large
    ones hide each other, so the first such step is not the end (Rosner 1983, Technometrics 25:
    165-172).
    """
    taken: list[tuple[np.ndarray, list[tuple[int, ...]], float]] = []
    last = 0
    scale = np.sqrt(count)
    if of is not None and df >= 2 * fewest:
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
            taken.append((unit / scale, of.members[best], square))
            # The share of one of df directions of normal noise is Beta(1/2, (df - 1) / 2).
            p = special.betaincc(0.5, (df - step - 1) / 2, square / squares)
            if p * len(free) < level:
                last = step + 1
            rest = rest - unit * along[best]
            units = units - np.outer(unit, unit @ units)
            squares -= square
            free[best] = False
    columns, members, found = zip(*taken[:last], strict=True) if last else ((), (), ())
    return Apart(
        np.stack(columns, axis=1) if last else np.empty((len(count), 0)), list(members), list(found)
    )
