"""Unreplicated two-level grids: Lenth's pseudo standard error and the half-normal plot.

Most of many orthogonal contrasts are pure noise, so their median size estimates the noise (Lenth,
Technometrics 31, 1989): s0 = 1.5 median |c|, PSE = 1.5 median of the |c| below 2.5 s0.

Lenth's margins, t(m/3) · PSE for one contrast and t at Šidák's level for all at once, are
too wide (3.8 and 9.0 PSE for 7 contrasts: coverage 98 %, family-wise error 1.1 %). Here both are
simulated, as Ye and Hamada do (Journal of Quality Technology 32, 2000): 2.3 and 4.9 PSE, 95 % and
5 %. With 15 contrasts and no effect, some contrast is above the single margin in half of the
studies. So a contrast is called real only above the simultaneous margin.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.estimates import Estimate
from runner.analysis.data.labels import level_label

FEWEST_CONTRASTS = 7  # contrasts; among fewer, too many may be real effects
MOST_ARMS = 256
MOST_PRODUCTS = 20_000
SIMULATED = 2_000_000  # normal deviates for the simultaneous margin


def pseudo_standard_error(contrasts: np.ndarray) -> np.ndarray:
    """Lenth's PSE over the last axis.

    >>> float(pseudo_standard_error(np.array([1.0, -2.0, 3.0, -4.0, 50.0])))
    3.75
    """
    size = np.abs(contrasts)
    first = 1.5 * np.median(size, axis=-1, keepdims=True)
    kept = np.where(size <= 2.5 * first, size, np.nan)
    return np.asarray(1.5 * np.nanmedian(kept, axis=-1))


def largest_of_none(m: int) -> np.ndarray:
    """(studies,) simulated largest |contrast| / PSE of `m` contrasts without effects, sorted."""
    return _of_none(m)[1]


@lru_cache(maxsize=64)
def _of_none(m: int) -> tuple[np.ndarray, np.ndarray]:
    """Simulated |contrast| / PSE of `m` contrasts without effects, sorted: of one, the largest."""
    draws = np.random.default_rng(m).standard_normal((min(200_000, SIMULATED // m), m))
    size = np.abs(draws) / pseudo_standard_error(draws)[:, None]
    return np.sort(size, axis=None)[::m], np.sort(size.max(axis=1))


@lru_cache(maxsize=256)
def _critical(m: int, level: float) -> tuple[float, float]:
    """Values that |contrast| / PSE exceeds with probability `level` without any effect.

    The first is for one contrast, the second for the largest of all `m` contrasts.
    """
    one, largest = _of_none(m)
    return float(np.quantile(one, 1 - level)), float(np.quantile(largest, 1 - level))


@dataclass(frozen=True)
class HalfNormal:
    """Orthogonal contrasts of an unreplicated grid, each on the scale of a main effect.

    effects: (m,) mean of the runs at + minus mean of the runs at -; for an interaction this is half
    of y_ab - y_a - y_b + y_0. labels: alias strings. mains: label of a factor's level -> its index.
    """

    labels: list[str]
    effects: np.ndarray
    mains: Mapping[int, int]
    pse: float
    level: float

    @property
    def df(self) -> float:
        """Lenth's degrees of freedom of the PSE."""
        return len(self.effects) / 3

    def margin(self, level: float) -> float:
        """Half-width of the 1 - `level` interval of one contrast alone."""
        return _critical(len(self.effects), level)[0] * self.pse

    def simultaneous_margin(self, level: float) -> float:
        """Half-width of the 1 - `level` intervals of all contrasts at once."""
        return _critical(len(self.effects), level)[1] * self.pse

    def main_effect(self, factor: int) -> Estimate:
        """The effect of a factor, by its index.

        The standard error is set so that t on `df` gives `margin(level)`.
        """
        se = self.margin(self.level) / float(stats.t.isf(self.level / 2, self.df))
        return Estimate(float(self.effects[self.mains[factor]]), se, self.df)

    def together(self, effect: float | None, level: float) -> tuple[float, float] | None:
        """The 1 - `level` interval that holds for all contrasts at once."""
        if effect is None:
            return None
        half = self.simultaneous_margin(level)
        return effect - half, effect + half

    def p_adjusted(self, effect: float | None) -> float | None:
        """P(the largest of all contrasts is at least as large) without any effect."""
        if effect is None:
            return None
        drawn = largest_of_none(len(self.effects))
        below = int(np.searchsorted(drawn, abs(effect) / self.pse, side="left"))
        return (1 + len(drawn) - below) / (1 + len(drawn))


def half_normal(
    cells: Cells, factors: Mapping[str, Sequence[str]], level: float
) -> HalfNormal | str:
    """The contrasts of a two-level grid, or the reason why there are none.

    Columns are products of factors, sorted by the number of factors. Equal columns are one
    contrast, labelled by its members of lowest order (and by two-factor interactions, if it is a
    main effect). A product that is only partly aliased with earlier columns is not a contrast. If
    it is a two-factor interaction, the labels of those columns name it after ~.
    """
    varied = [j for j in range(len(factors)) if len(np.unique(cells.levels[:, j])) > 1]
    if any(len(np.unique(cells.levels[:, j])) > 2 for j in varied):
        return "a half-normal plot is for factors of two levels each"
    if len(np.unique(cells.count)) > 1:
        return "the arms have unequal numbers of runs, so contrasts are not equally precise"
    if len(cells.count) > MOST_ARMS:
        return f"more than {MOST_ARMS} arms: the residual estimates the noise"
    names = list(factors)
    labels, signs = [], []
    for j in varied:
        top = int(cells.levels[:, j].max())
        held = factors[names[j]]
        labels.append(level_label(names[j], held[top], held[0], len(held)))
        signs.append(np.where(cells.levels[:, j] == top, 1, -1))
    if not varied:
        return "the arms do not differ in any factor"
    codes = np.stack(signs, axis=1)
    found = _columns(codes)
    mains = {varied[members[0][0]]: i for i, (_, members) in enumerate(found)
             if len(members[0]) == 1}  # fmt: skip
    if len(mains) < len(varied):
        return "the main effects are not orthogonal to each other (arms are missing or aliased)"
    if len(found) < FEWEST_CONTRASTS:
        return f"{len(found)} orthogonal contrasts are too few to separate noise from effects"
    X = np.stack([column for column, _ in found], axis=1)
    effects = 2 * X.T @ cells.mean / len(cells.count)
    size = float(np.abs(cells.mean).max())
    pse = float(pseudo_standard_error(effects))
    if not pse > 1e-9 * size:
        return "most contrasts are exactly 0, so the noise cannot be estimated"
    texts = [
        _text(labels, column, members, codes) + _mixed(labels, column, members, codes)
        for column, members in found
    ]
    return HalfNormal(texts, effects, mains, pse, level)


Members = list[tuple[int, ...]]


def _columns(signs: np.ndarray) -> list[tuple[np.ndarray, Members]]:
    """Balanced orthogonal ±1 columns with the products that equal them up to sign.

    signs: (arms, factors) of -1 and 1.
    """
    arms, k = signs.shape
    place: dict[bytes, int] = {}
    found: list[tuple[np.ndarray, Members]] = []
    taken = np.zeros((arms, 0), dtype=np.int64)
    tried = 0
    for order in range(1, k + 1):
        tried += math.comb(k, order)
        if order > 2 and (len(found) >= arms - 1 or tried > MOST_PRODUCTS):
            break
        for product in itertools.combinations(range(k), order):
            column = signs[:, product].prod(axis=1)
            key = (column * column[0]).astype(np.int8).tobytes()
            if key in place:
                members = found[place[key]][1]
                if order <= max(2, len(members[0])):
                    members.append(product)
            elif column.sum() == 0 and not (taken.T @ column).any():
                place[key] = len(found)
                found.append((column, [product]))
                taken = np.column_stack([taken, column])
    return found


def _text(labels: list[str], column: np.ndarray, members: Members, signs: np.ndarray) -> str:
    """The alias string of a contrast."""
    text = " × ".join(labels[j] for j in members[0])
    for product in members[1:4]:
        same = signs[0, list(product)].prod() == column[0]
        text += f" {'+' if same else '-'} {' × '.join(labels[j] for j in product)}"
    rest = len(members) - 4
    return f"{text} and {rest} more" if rest > 0 else text


def _mixed(labels: list[str], column: np.ndarray, members: Members, signs: np.ndarray) -> str:
    """Two-factor interactions that are partly in a contrast, as text after ~.

    >>> signs = np.array([[1, 1, 1], [1, -1, 1], [-1, 1, 1], [-1, -1, -1]])
    >>> _mixed(["a", "b", "c"], signs[:, 0] * signs[:, 1], [(0, 1)], signs)
    ' ~ a × c ~ b × c'
    """
    partly = [
        pair
        for pair in itertools.combinations(range(signs.shape[1]), 2)
        if pair not in members and signs[:, pair].prod(axis=1) @ column
    ]
    text = "".join(f" ~ {labels[i]} × {labels[j]}" for i, j in partly[:3])
    return f"{text} and {len(partly) - 3} more" if len(partly) > 3 else text
