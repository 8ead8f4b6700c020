"""The levels of a placebo in a factorial: drawn at random, so that it needs no extra runs.

In the first replicate its levels come from a random stream named by the factors, so the same design
always draws the same levels. In every second replicate each arm has the other level. So with an
even number of replicates its effect is estimated within arms, clear of effects of any order. In a
single replicate it is compared with an error that contains a random part of each interaction. A
fixed column would contain one whole interaction. In records, the interaction of five factors made
such a placebo look real in 10 % of 2^5 grids with eight seeds, and interactions of three factors in
11 to 27 % of fractions.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

from runner.designs.factor import PLACEBO, Arm, Factor

DRAWN = "drawn"  # as described above
COLUMN = (
    "column"  # one fixed product of other factors, the same in every replicate, as in old studies
)
LEVELS = (DRAWN, COLUMN)
CARRIERS = 3  # factors of two levels, whose product is clear of effects of one and two factors
STARTS = 20
PASSES = 20
TRIES = 300


def place(factors: Sequence[Factor]) -> int | None:
    """The position of the placebo among `factors`."""
    names = [factor.name for factor in factors]
    return names.index(PLACEBO) if PLACEBO in names else None


def stream(factors: Sequence[Factor]) -> random.Random:
    """Random numbers that depend only on the names of the factors and their levels."""
    return random.Random(_text(factors))


def flipped(arm: Arm, at: int) -> Arm:
    """`arm` with the other level of the placebo, which is at position `at`."""
    return (*arm[:at], 1 - arm[at], *arm[at + 1 :])


class Sign:
    """The level of the placebo in each arm of a full grid, computed without listing the arms.

    It is the product of three factors of two levels, with a random sign for every combination of
    the others. So it is exactly balanced, and clear of all effects that do not involve all three
    factors. If there are two more factors of two levels, the sign also changes where both are on.
    So it is aliased with half of each of many interactions, never with a whole one.
    """

    def __init__(self, factors: Sequence[Factor], carriers: Sequence[int]) -> None:
        self.text = _text(factors)
        source = stream(factors)
        chosen = source.sample(list(carriers), len(carriers))
        self.three = chosen[:CARRIERS]
        self.two = chosen[CARRIERS : CARRIERS + 2] if len(carriers) >= CARRIERS + 2 else []
        self.turned = [i for i in self.two if source.randrange(2)]
        held = {*self.three, *self.two}
        self.rest = [
            i for i, factor in enumerate(factors) if i not in held and factor.name != PLACEBO
        ]

    def level(self, arm: Sequence[int]) -> int:
        """The placebo's level, 0 or 1, in `arm`."""
        said = f"{self.text}\n{[arm[i] for i in self.rest]}"
        drawn = hashlib.sha256(said.encode()).digest()[0]
        both = bool(self.two) and all(arm[i] for i in self.two)
        return (sum(arm[i] for i in (*self.three, *self.turned)) + both + drawn) % 2


def drawn(arms: Sequence[Arm], sizes: Sequence[int], source: random.Random) -> list[int]:
    """Random levels for the runs of an array, as clear of its effects as a short search finds.

    arms: (N, k) without the placebo. sizes: levels of each factor. Draws several random columns
    with equally many runs at both levels, and improves each by exchanging two runs at a time.
    Returns the column with the smallest part in the space of the main effects and, as far as
    possible, of two-factor interactions.
    """
    import numpy as np

    share = _shares(arms, sizes)
    best: tuple[float, list[int]] | None = None
    for _ in range(STARTS):
        order = source.sample(range(len(arms)), len(arms))
        z = np.ones(len(arms))
        z[order[: len(arms) // 2]] = -1
        for _ in range(PASSES):
            pull = share @ z
            high, low = np.flatnonzero(z > 0), np.flatnonzero(z < 0)
            # The change of z' share z if two runs exchange their levels.
            own = np.diag(share)
            gain = 4 * (
                (pull[low] + own[low])[None, :] - (pull[high] - own[high])[:, None]
                - 2 * share[np.ix_(high, low)]
            )  # fmt: skip
            i, j = np.unravel_index(int(np.argmin(np.round(gain, 9))), gain.shape)
            if gain[i, j] > -1e-9:
                break
            z[high[i]], z[low[j]] = -1, 1
        left = round(float(z @ share @ z), 6)
        if best is None or left < best[0]:
            best = left, [int(x > 0) for x in z]
    assert best is not None
    return best[1]


def _shares(arms: Sequence[Arm], sizes: Sequence[int]):  # type: ignore[no-untyped-def]
    """(N, N): projector on main effects, plus half the projector on the rest of interactions."""
    import numpy as np

    table = np.array(arms)
    columns = []
    for j, size in enumerate(sizes):
        columns += [((table[:, j] == a) * 1.0 - 1 / size, j) for a in range(1, size)]
    main = np.stack([np.ones(len(table)), *(c for c, _ in columns)], axis=1)
    pairs = [a * b for k, (a, i) in enumerate(columns) for b, j in columns[k + 1 :] if i != j]
    whole = np.column_stack([main, *pairs])
    return (_projector(main) + _projector(whole)) / 2


def _projector(X):  # type: ignore[no-untyped-def]
    import numpy as np

    left, values, _ = np.linalg.svd(X, full_matrices=False)
    basis = left[:, values > 1e-9 * values[0]]
    return basis @ basis.T


def majority(spare: Sequence[Sequence[int]], source: random.Random) -> list[int]:
    """A column made from the unused columns of an array, as levels of its runs.

    The majority of three unused columns whose product is unused too: it is aliased with half of
    each of four sets of interactions, instead of with one whole set. Without such a triple, one
    unused column.
    """
    known = {tuple(column) for column in spare}
    known |= {tuple(1 - x for x in column) for column in known}
    for _ in range(TRIES if len(spare) > 3 else 0):
        three = [[x ^ turn for x in column] for column in source.sample(list(spare), 3)
                 for turn in (source.randrange(2),)]  # fmt: skip
        if tuple(sum(levels) % 2 for levels in zip(*three, strict=True)) in known:
            return [int(sum(levels) > 1) for levels in zip(*three, strict=True)]
    return list(spare[source.randrange(len(spare))])


def alternate(arms: Sequence[Arm], column: Sequence[int]) -> list[int]:
    """`column` with alternating levels for arms that occur more than once."""
    found, last = [], {}  # type: ignore[var-annotated]
    for arm, level in zip(arms, column, strict=True):
        last[arm] = 1 - last[arm] if arm in last else level
        found.append(last[arm])
    return found


def _text(factors: Sequence[Factor]) -> str:
    return "\n".join(f"{f.name}: {', '.join(level.name for level in f.levels)}" for f in factors)
