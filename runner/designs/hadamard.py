"""Hadamard matrices, and Plackett and Burman's two-level arrays built from them.

Built by Paley's two constructions over the residues of a prime, and by doubling (Sylvester). For
12, 20 and 24 rows the first construction is Plackett and Burman's cyclic array (Biometrika 1946,
33: 305-325).
"""

from __future__ import annotations

import itertools
import math

Matrix = list[list[int]]  # of ±1, its first column all +1


def hadamard(order: int) -> Matrix | None:
    """A Hadamard matrix H of `order` rows (H'H = order·I), or None where none is built here.

    >>> hadamard(2)
    [[1, 1], [1, -1]]
    """
    if order in (1, 2):
        return [[1, 1], [1, -1]] if order == 2 else [[1]]
    if order % 4:
        return None
    if _is_prime(order - 1):
        return _paley_one(order - 1)
    half = hadamard(order // 2)
    if half is not None:
        return [[*row, *row] for row in half] + [[*row, *(-x for x in row)] for row in half]
    if _is_prime(order // 2 - 1) and (order // 2 - 1) % 4 == 1:
        return _paley_two(order // 2 - 1)
    return None


def folded(factors: int, at_least: int = 0) -> Matrix:
    """A fold-over (H, -H) of ±1 with at least `factors` columns and `at_least` rows.

    Mirroring every row clears main effects of all two-factor interactions. The column that is
    constant within each half holds one more factor: 12 rows of H give 24 runs for 12 factors. The
    first row is all +1.
    """
    orders = itertools.count(max(factors, math.ceil(at_least / 2)))
    rows = next(matrix for matrix in map(hadamard, orders) if matrix)
    rows = [[x * first for x, first in zip(row, rows[0], strict=True)] for row in rows]
    return rows + [[-x for x in row] for row in rows]


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % d for d in range(2, int(number**0.5) + 1))


def _jacobsthal(q: int) -> Matrix:
    """Q[i][j] = 1 where i - j is a square modulo the prime q, -1 where it is not, 0 for i = j."""
    squares = {x * x % q for x in range(1, q)}
    return [
        [0 if i == j else 1 if (i - j) % q in squares else -1 for j in range(q)] for i in range(q)
    ]


def _paley_one(q: int) -> Matrix:
    """q + 1 rows, for a prime q with q % 4 == 3."""
    below = [
        [1, *(x - (i == j) for j, x in enumerate(row))] for i, row in enumerate(_jacobsthal(q))
    ]
    return [[1] * (q + 1), *below]


def _paley_two(q: int) -> Matrix:
    """2(q + 1) rows, for a prime q with q % 4 == 1; signs of rows make the first column +1."""
    border = [[0, *[1] * q], *([1, *row] for row in _jacobsthal(q))]
    blocks = {0: ((1, -1), (-1, -1)), 1: ((1, 1), (1, -1)), -1: ((-1, -1), (-1, 1))}
    rows = [[sign for x in row for sign in blocks[x][half]] for row in border for half in (0, 1)]
    return [[x * row[0] for x in row] for row in rows]
