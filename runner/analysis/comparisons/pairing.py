"""Pairing: whether a seed that is lucky in one arm tends to be lucky in other arms."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from runner.analysis.data.experiment import Experiment, succeeded, values

PAYS = 0.6  # at 3 seeds a paired t test has 2 df instead of 4 and gains only from this ρ on
FEWEST_SEEDS = 3


@dataclass(frozen=True)
class Pairing:
    """See `pairing`. Without ρ only `reason` is set. says: whether pairing pays, in words."""

    rho: float | None = None
    ci: tuple[float, float] | None = None
    pairs: int | None = None
    seeds: int | None = None
    pays: bool | None = None
    reason: str | None = None
    says: str | None = None


def pairing(experiment: Experiment, metric: str) -> Pairing:
    """ρ, the correlation between two arms at equal seeds, pooled over all pairs of arms.

    ρ is the mean of Pearson's r over the pairs of arms, so no noisy arm dominates. r correlates the
    deviations of runs from their arm's mean. ci: 95 %, see `correlation`. pairs: number of pairs of
    arms; seeds: number of seeds that all these arms have. pays: whether ρ is at least PAYS, None if
    the interval does not decide it. rho is None, with the reason, if two or more arms have fewer
    than three common seeds.
    """
    runs = experiment.runs
    y = values(runs, metric)
    usable = (succeeded(runs) & y.notna()).to_numpy()
    if "seed" not in runs:
        return Pairing(reason="the runs have no seeds")
    codes = experiment.codes[usable]
    seeds = runs["seed"][usable].astype(str).to_numpy()
    table, reason = _table(codes, seeds, y[usable].to_numpy())
    if table is None:
        return Pairing(reason=reason)
    arms, count = table.shape
    found = correlation(table)
    if found is None:
        return Pairing(reason="the runs of every arm are equal")
    rho, ends = found
    pairs = arms * (arms - 1) // 2
    if ends is None:
        reason = "an interval of ρ needs at least four common seeds"
        return Pairing(rho, pairs=pairs, seeds=count, reason=reason)
    low, high = ends
    pays = True if low >= PAYS else False if high < PAYS else None
    said = {
        True: "a paired test (arms at equal seeds) would be more precise",
        False: f"a paired test would not be more precise: at 3 seeds it needs ρ ≥ {PAYS}",
        None: f"too few seeds to say whether a paired test would be more precise (ρ ≥ {PAYS})",
    }[pays]
    return Pairing(rho, (low, high), pairs, count, pays, says=said)


def _table(codes: np.ndarray, seeds: np.ndarray, y: np.ndarray) -> tuple[np.ndarray | None, str]:
    """(arms, seeds) values of the arms that have every common seed once; or None and a reason."""
    own = "each arm has its own seeds"
    by_arm: dict[tuple[int, ...], dict[str, float]] = {}
    for arm, seed, value in zip(map(tuple, codes), seeds, y, strict=True):
        held = by_arm.setdefault(arm, {})
        if seed in held:
            return None, "a seed occurs twice in an arm"
        held[seed] = value
    arms_of: dict[str, int] = {}
    for held in by_arm.values():
        for seed in held:
            arms_of[seed] = arms_of.get(seed, 0) + 1
    # One diverged run must not remove its seed from all arms: seeds that most arms have stay.
    common = sorted(seed for seed, arms in arms_of.items() if 2 * arms > len(by_arm))
    full = [held for held in by_arm.values() if all(seed in held for seed in common)]
    if len(by_arm) > 1 and not common:
        return None, own
    if len(common) < FEWEST_SEEDS:
        return None, f"{len(common)} common seeds: ρ needs three or more"
    if len(full) < 2:
        return None, "fewer than two arms have the same seeds"
    return np.array([[held[seed] for seed in common] for held in full]), ""


def correlation(table: np.ndarray) -> tuple[float, tuple[float, float] | None] | None:
    """ρ and its 95 % interval from (arms, seeds) values; None if fewer than two arms vary.

    Rows are scaled to the same sd, since sds of real arms differ tenfold. Then the mean r of all
    pairs is (F - 1) / (F + arms - 1), where F is the mean square between seeds divided by the
    residual mean square. F's distribution gives the interval (Shrout & Fleiss 1979, ICC(3,1)).
    Below four seeds there is no interval: after the scaling it would cover only 80 %.
    """
    seeds = table.shape[1]
    left = table - table.mean(axis=1, keepdims=True)
    sd = np.sqrt((left**2).sum(axis=1) / (seeds - 1))
    z = left[sd > 0] / sd[sd > 0, None]
    arms = len(z)
    if arms < 2:
        return None
    common = z.mean(axis=0)
    # Scaling each row by its estimated sd costs about one more df.
    df = seeds - 2, (seeds - 2) * (arms - 1)
    between = arms * float((common**2).sum()) / df[0]
    rest = float(((z - common) ** 2).sum()) / df[1]
    ratio = between / rest if rest > 1e-12 * between else math.inf

    def rho(f: float) -> float:
        return (f - 1) / (f + arms - 1) if math.isfinite(f) else 1.0

    if seeds < FEWEST_SEEDS + 1:
        return rho(ratio), None
    ends = (rho(ratio / float(stats.f.isf(tail, *df))) for tail in (0.025, 0.975))
    return rho(ratio), (next(ends), next(ends))
