"""Where a factorial carries a placebo: on columns drawn at random, so that it costs no runs.

In the first replicate its levels follow a stream of their own, named by the factors: the same
design always draws the same. In every second replicate each arm has the other level. So with an
even number of replicates it is told within arms, clear of every effect of any order; and a single
replicate compares it with an error that holds the interactions it is mixed with, a random part of
each, instead of one of them whole (as recorded, that of five factors called it real in 10 % of
2^5 grids with eight seeds, those of three factors in 11 to 27 % of fractions).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

from runner.designs.factor import PLACEBO, Arm, Factor

DRAWN = "drawn"  # as above
COLUMN = "column"  # one fixed product of others, the same in every replicate, as studies once were
LEVELS = (DRAWN, COLUMN)
CARRIERS = 3  # factors of two levels whose product clears it of effects of one and two factors
STARTS = 20
PASSES = 20
TRIES = 300


def place(factors: Sequence[Factor]) -> int | None:
    """The position of the placebo among `factors`."""
    names = [factor.name for factor in factors]
    return names.index(PLACEBO) if PLACEBO in names else None


def stream(factors: Sequence[Factor]) -> random.Random:
    """Random numbers that only the names of the factors and their levels decide."""
    return random.Random(_text(factors))


def flipped(arm: Arm, at: int) -> Arm:
    """`arm` with the placebo, at position `at`, at its other level."""
    return (*arm[:at], 1 - arm[at], *arm[at + 1 :])


class Sign:
    """The level of the placebo in each arm of a full grid, told without listing the others.

    The product of three factors of two levels, by a random sign for every combination of the
    rest: exactly balanced, and clear of all effects but those that hold all three. Where there are
    two more of two levels the sign changes where both are on: so it is mixed with half of each of
    many interactions, never with one whole.
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
        """0 or 1."""
        said = f"{self.text}\n{[arm[i] for i in self.rest]}"
        drawn = hashlib.sha256(said.encode()).digest()[0]
        both = bool(self.two) and all(arm[i] for i in self.two)
        return (sum(arm[i] for i in (*self.three, *self.turned)) + both + drawn) % 2


def drawn(arms: Sequence[Arm], sizes: Sequence[int], source: random.Random) -> list[int]:
    """Random levels for the runs of an array, as clear of its effects as a short search finds.

    arms: (N, k) without the placebo; sizes: levels of each. Of several random columns with equally
    many runs at both levels, each improved by exchanging two runs, the one with the least part in
    the space of the main effects and, as far as that leaves room, of two-factor interactions.
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
            # What exchanging the levels of two runs adds to z' share z.
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
    """(N, N) projector on the main effects, and half of that on what interactions add to it."""
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
    """A column from those that an array has to spare, as levels of its runs.

    What most of three of them have, where their product is to spare too: mixed with half of each
    of four sets of interactions, instead of with one whole. Else one of them.
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
    """`column` with the levels of an arm that stands more than once taking turns."""
    found, last = [], {}  # type: ignore[var-annotated]
    for arm, level in zip(arms, column, strict=True):
        last[arm] = 1 - last[arm] if arm in last else level
        found.append(last[arm])
    return found


def _text(factors: Sequence[Factor]) -> str:
    return "\n".join(f"{f.name}: {', '.join(level.name for level in f.levels)}" for f in factors)
