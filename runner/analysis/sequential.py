"""Group-sequential looks: a level for each of a few planned looks, so that all hold together.

A study that is tested again and again until something is significant is wrong far more often
than in 5 % of cases: with eight looks in 17 % of studies. Here every look uses one constant
nominal level (Pocock's boundary: z 2.36 at four looks and 2.51 at eight, against 1.96). An
interval at that level is a repeated confidence interval: it holds at every planned look, for any
stopping rule. The level is found by simulating t statistics. Each look's data contain the data of
the look before. So does the estimate of the noise, whose degrees of freedom grow.

With several tests the error over all tests and looks stays below alpha if each of m tests
crosses at some look with probability at most alpha / m. The tails of different looks overlap less
the further out they are, so the level for m tests is a little smaller than the level for one test.
Holm, Bonferroni and Šidák at that level then hold over the looks as they hold at one look (Holm's
argument needs level / j <= the bound of alpha / j for all j <= m, and m is the strictest).

Source: Pocock 1977, Biometrika 64; Jennison and Turnbull 2000, chapters 2 and 9.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from runner.analysis.effects import Effect
from runner.designs.factor import PLACEBO

ALPHA = 0.05
CHUNK = 200_000  # paths at a time, and the fewest
MOST_CHUNKS = 8
SEED = 1977


def look_level(fractions: Sequence[float], df: Sequence[float], tests: int = 1) -> float:
    """The level to use instead of `ALPHA` at every look, for `tests` tests together.

    fractions: (looks,) share of the data at each look, increasing; df: (looks,) degrees of freedom
    of the t statistics. The level is ALPHA for one look, and at least ALPHA / looks.

    >>> round(look_level([0.25, 0.5, 0.75, 1.0], [1e6] * 4), 3)
    0.018
    """
    if len(fractions) <= 1:
        return ALPHA
    growing = np.minimum.accumulate(np.asarray(df, float)[::-1])[::-1]
    key = tuple(float(x) for x in fractions), tuple(float(x) for x in growing)
    return _level(*key, max(1, tests))


@functools.lru_cache(maxsize=64)
def _level(fractions: tuple[float, ...], df: tuple[float, ...], tests: int) -> float:
    from scipy import stats

    each = ALPHA / tests
    # The far tail of many tests needs more paths: about 2,000 of them should cross.
    chunks = int(np.clip(np.ceil(2000 / each / CHUNK), 1, MOST_CHUNKS))
    rng = np.random.default_rng(SEED)
    critical = stats.t.isf(each / 2, df)
    degrees = np.asarray(df)
    crossing = []
    for _ in range(chunks):
        t = np.abs(paths(rng, CHUNK, fractions, df))
        # The smallest p of a path counts only if some look passes alpha / tests.
        far = t[(t > critical).any(axis=1)]
        crossing.append(2 * stats.t.sf(far, degrees).min(axis=1))
    smallest = np.sort(np.concatenate(crossing))
    rank = int(each * chunks * CHUNK)
    found = float(smallest[rank - 1]) if 0 < rank <= len(smallest) else 0.0
    return tests * float(np.clip(found, each / len(fractions), each))


def paths(
    rng: np.random.Generator, count: int, fractions: Sequence[float], df: Sequence[float]
) -> np.ndarray:
    """(count, looks) t statistics without any effect, over cumulative data and noise estimates.

    df: nondecreasing; each look's variance estimate contains that of the look before.
    """
    steps = np.diff(np.asarray(fractions, float), prepend=0.0)
    more = np.diff(np.minimum(np.asarray(df, float), 1e6), prepend=0.0)
    sums = np.cumsum(rng.standard_normal((count, len(steps))) * np.sqrt(steps), axis=1)
    squares = np.cumsum(rng.chisquare(np.maximum(more, 1e-9), (count, len(more))), axis=1)
    z = sums / np.sqrt(np.asarray(fractions, float))
    return np.asarray(z / np.sqrt(squares / np.cumsum(more)))


def describe(seeds: Sequence[int], level: float) -> str:
    """One sentence on the confidence over all looks and at each look.

    >>> describe((5, 10), 0.0295)
    '95 % over 2 planned looks (at 5 and 10 seeds): each at 97.05 %'
    """
    *before, last = map(str, seeds)
    at = f"{', '.join(before)} and {last}" if before else last
    looks = f"{len(seeds)} planned look{'s' * (len(seeds) > 1)}"
    unit = "seed" if last == "1" else "seeds"
    return f"{1 - ALPHA:.0%}".replace("%", " %") + (
        f" over {looks} (at {at} {unit}): each at {100 * (1 - level):.4g} %"
    )


def open_effects(effects: Sequence[Effect], half_width: float | None = None) -> list[Effect]:
    """The effects that more seeds might still decide.

    An effect is open if it has no verdict yet or, with `half_width`, if its interval is wider than
    ± `half_width`. An effect is not open if no number of runs can estimate it (aliased, or an arm
    that never succeeds). A placebo is not open, because its effect is known to be zero.
    """
    found = []
    for effect in effects:
        if effect.effect is None or (half_width is None and effect.factor == PLACEBO):
            continue
        half = half_of(effect)
        if half is None:
            found.append(effect)
        elif half_width is not None:
            if half > half_width:
                found.append(effect)
        elif effect.verdict == "undecided":
            found.append(effect)
    return found


def half_of(effect: Effect) -> float | None:
    """Half the width of the printed interval; None without one."""
    if effect.ci_low is None or effect.ci_high is None:
        return None
    return (effect.ci_high - effect.ci_low) / 2


def seeds_wanted(
    effects: Sequence[Effect], seeds: int, half_width: float | None = None
) -> float | None:
    """About how many seeds of each arm would decide all open effects, at the present noise.

    An interval shrinks with the square root of the seeds; a verdict needs `to_decide` more runs.
    The result is at least one seed more, also if no number can be given. None without any
    interval.
    """
    wanted = []
    for effect in open_effects(effects, half_width):
        half = half_of(effect)
        if half is None:
            return None
        if half_width is None:
            more = effect.to_decide.runs if effect.to_decide else None
            at_least = (seeds + 1.0) if more is None else seeds * (1 + more / effect.runs)
            wanted.append(max(at_least, seeds + 1.0))
            continue
        wanted.append(seeds * (half / half_width) ** 2)
    return max(wanted) if wanted else None
