"""D-optimal arrays by exchange, for any factors and any forbidden combinations.

Bayesian D-optimality (DuMouchel & Jones 1994, Technometrics 36: 37-47): main effects are primary;
two-factor interactions are potential, with a prior that shrinks them to zero. So any number of runs
from the number of main effects upwards is possible, and main effects are as clear of interactions
as the runs allow. Arms are improved one factor at a time (Meyer & Nachtsheim 1995, Technometrics
37: 60-69), or two factors at a time if they exclude each other. So no list of all combinations is
needed.

The determinant is that of the runs' N × N covariance under the prior: |X'X + K| = |K| |I + C| with
C = X K⁻¹ X', whose entries need no columns of X (see `covariance`).
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from runner.designs.conflicts import Conflicts
from runner.designs.factor import Arm, Factor
from tricks.errors import BadInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[Any]

# Prior variances of coefficients in units of σ², with main effects coded ±1.
PRIMARY = 1e3  # the mean and the main effects are unknown
POTENTIAL = 0.25  # an interaction's coefficient is about half of σ
PASSES = 12
STARTS = 10
WORK = 100_000  # runs times factors, over all starts: one or two seconds


def covariance(one: Matrix, two: Matrix, sizes: Sequence[int]) -> Matrix:
    """(n, m): prior covariance of the means of arms `one` (n, k) and `two` (m, k).

    With orthogonal contrasts of mean square 1, the inner product of two levels of a factor with
    `size` levels is size - 1 if they are equal, else -1, for any choice of contrasts.
    """
    import numpy as np

    scale = np.repeat(np.array(sizes, dtype=float), sizes)
    left, right = _indicators(one, sizes), _indicators(two, sizes).T
    total = (left * scale) @ right - len(sizes)
    squares = (left * (scale**2 - 2 * scale)) @ right + len(sizes)
    found: Matrix = PRIMARY * (1 + total) + POTENTIAL * (total**2 - squares) / 2
    return found


def _indicators(arms: Matrix, sizes: Sequence[int]) -> Matrix:
    """(n, levels of all factors): 1 for the levels that an arm has, else 0."""
    import numpy as np

    found = np.zeros((len(arms), sum(sizes)))
    found[np.arange(len(arms))[:, None], arms + np.cumsum([0, *sizes[:-1]])] = 1
    return found


def information(arms: Matrix, sizes: Sequence[int]) -> float:
    """log |I + C| of (N, k) `arms`, the criterion for choosing an array: larger is better."""
    import numpy as np

    return float(np.linalg.slogdet(np.eye(len(arms)) + covariance(arms, arms, sizes))[1])


def efficiency(array: Sequence[Arm] | Matrix, sizes: Sequence[int]) -> float:
    """D-efficiency for main effects, |X'X|^(1/p) / N: 1 if orthogonal and balanced, 0 if singular.

    array: N arms, or (N, k) level indices; sizes: levels of each factor; X: (N, p), orthogonal
    contrasts of mean square 1.
    """
    import numpy as np

    arms = np.array(array)
    columns = [np.ones((len(arms), 1))]
    for i, size in enumerate(sizes):
        columns.append(contrasts(size)[arms[:, i]])
    x = np.hstack(columns)
    if np.linalg.matrix_rank(x) < x.shape[1]:
        return 0.0
    return float(np.exp(np.linalg.slogdet(x.T @ x)[1] / x.shape[1]) / len(x))


def contrasts(size: int) -> Matrix:
    """(size, size - 1) orthogonal contrasts of `size` levels, of mean square 1."""
    import numpy as np

    centred = np.eye(size) - 1 / size  # its row space is the space of contrasts
    found: Matrix = np.linalg.svd(centred)[0][:, : size - 1] * np.sqrt(size)
    return found


def exchange(factors: Sequence[Factor], conflicts: Conflicts, runs: int) -> tuple[Arm, ...]:
    """`runs` possible arms, with repeats if useful, that estimate all main effects best.

    The same levels, conflicts and runs always give the same arms. Raises BadInput if the possible
    arms cannot separate all main effects, or if `runs` are too few.
    """
    import numpy as np

    sizes = [len(factor.levels) for factor in factors]
    needed = 1 + sum(size - 1 for size in sizes)
    if runs < needed:
        raise BadInput(
            f"--runs {runs} cannot estimate all main effects: use at least {needed} "
            f"({needed + 8} or more leave degrees of freedom for error)"
        )
    source = random.Random(f"{sizes} {sorted(conflicts.reasons)} {runs}")
    search = _Search(sizes, conflicts)
    starts = max(2, min(STARTS, WORK // (runs * runs * len(sizes))))
    found = []
    for _ in range(starts):
        arms = np.array([_random_arm(sizes, conflicts, source) for _ in range(runs)])
        found.append((search.improve(arms), arms))
    best = max(found, key=lambda item: round(item[0], 6))[1]
    array = tuple(tuple(int(level) for level in arm) for arm in best)
    if efficiency(array, sizes) == 0:
        names = ", ".join(factor.name for factor in factors)
        raise BadInput(
            f"the possible arms cannot separate the main effects of {names}: leave "
            "out one of these factors"
        )
    return array


class _Search:
    """Moves from arm to arm, and the improvement of an array by such moves."""

    def __init__(self, sizes: Sequence[int], conflicts: Conflicts) -> None:
        import numpy as np

        self.sizes = sizes
        self.forbidden = np.array(list(conflicts.reasons), dtype=int).reshape(-1, 4)
        moves = list(_moves(sizes, conflicts))
        self.changed = np.zeros((len(moves), len(sizes)), dtype=bool)  # whether a move changes …
        self.levels = np.zeros((len(moves), len(sizes)), dtype=int)  # … a factor, and to what
        for row, move in enumerate(moves):
            for place, level in move:
                self.changed[row, place], self.levels[row, place] = True, level

    def neighbours(self, arm: Matrix) -> Matrix:
        """(m, k): the possible arms one move away, and `arm` itself."""
        import numpy as np

        arms = np.where(self.changed, self.levels, arm)
        first, a, second, b = self.forbidden.T
        refused = (arms[:, first] == a) & (arms[:, second] == b)
        kept: Matrix = arms[~refused.any(axis=1)]
        return kept

    def improve(self, arms: Matrix) -> float:
        """Exchange `arms`, in place, until nothing improves. Returns their information.

        The best replacement for an arm is the arm about which the other arms say least, that is the
        arm with the largest variance given all others.
        """
        import numpy as np

        own = float(covariance(arms[:1], arms[:1], self.sizes)[0, 0])  # equal for all arms
        held = np.eye(len(arms)) + covariance(arms, arms, self.sizes)
        for _ in range(PASSES):
            inverse, changed = np.linalg.inv(held), False
            for i in range(len(arms)):
                others = self.neighbours(arms[i])
                across = covariance(others, arms, self.sizes)
                across[:, i] = 0
                rest = inverse - np.outer(inverse[i], inverse[i]) / inverse[i, i]
                variance = 1 + own - ((across @ rest) * across).sum(axis=1)
                best = int(
                    np.argmax(np.round(variance, 6))
                )  # the same choice among ties on all machines
                if variance[best] > (1 + 1e-6) / inverse[i, i]:
                    arms[i], changed = others[best], True
                    held[i, :] = held[:, i] = across[best]
                    held[i, i] = 1 + own
                    side = rest @ across[best]  # the new row joins the inverse of the rest
                    side[i] = -1
                    inverse = rest + np.outer(side, side) / variance[best]
            if not changed:
                break
        return information(arms, self.sizes)


def _moves(sizes: Sequence[int], conflicts: Conflicts) -> Iterator[tuple[tuple[int, int], ...]]:
    """Changes of one factor, or of two factors that exclude each other: ((factor, level), ...)."""
    for i, size in enumerate(sizes):
        for a in range(size):
            yield ((i, a),)
    for i, j in sorted({(i, j) for i, _, j, _ in conflicts.reasons}):
        for a, b in itertools.product(range(sizes[i]), range(sizes[j])):
            if (i, a, j, b) not in conflicts.reasons:
                yield (i, a), (j, b)


def _random_arm(sizes: Sequence[int], conflicts: Conflicts, source: random.Random) -> Arm:
    """A possible arm: factors in random order take a random level that is still possible."""
    for _ in range(100):
        arm: dict[int, int] = {}
        for i in source.sample(range(len(sizes)), len(sizes)):
            free = [a for a in range(sizes[i]) if _fits(conflicts, arm, i, a)]
            if not free:
                break
            arm[i] = source.choice(free)
        else:
            return tuple(arm[i] for i in range(len(sizes)))
    return (0,) * len(sizes)


def _fits(conflicts: Conflicts, arm: dict[int, int], i: int, a: int) -> bool:
    pairs = ((i, a, j, b) if i < j else (j, b, i, a) for j, b in arm.items())
    return not any(pair in conflicts.reasons for pair in pairs)
