"""The two shipped arrays for factors of two levels and one of three: 64 and 48 runs.

In both, all main effects are clear of two-factor interactions and of each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

TWO_LEVEL_COLUMNS = 9  # two-level columns of either array

# 64 runs: each two-level factor is a product (XOR) of some of the six basic columns A..F. The last
# factor is the placebo's: with it, repeated arms stay repeated.
WORDS = ("E", "BDE", "ACE", "ABCDE", "F", "BDF", "ACF", "ABCDF", "B")

# 48 runs, OA(48, 3·2⁹, strength 3): for each of the three levels, bit i is two-level factor i.
BITS = (
    (0, 30, 102, 120, 171, 181, 205, 211, 301, 307, 331, 341, 390, 408, 480, 510),
    (23, 33, 74, 125, 153, 174, 196, 242, 268, 314, 336, 359, 387, 436, 479, 489),
    (15, 52, 65, 123, 146, 168, 220, 231, 281, 290, 342, 364, 389, 447, 458, 497),
)

ArrayRow = tuple[
    tuple[int, ...], int
]  # levels of the two-level columns, level of the three-level column


def rows64() -> Iterator[ArrayRow]:
    """The regular fraction of 64 runs in six basic columns A..F.

    The factor of three levels uses C and D: the reference where D is 0 (32 runs), else C chooses
    between the other two levels (16 runs each). With eight two-level factors, 23 degrees of freedom
    are for two-factor interactions, some of them aliased with each other, and 30 are left for
    error. Where D is 0, A and C act only together, so 16 arms occur twice, each time with its own
    seed, and 16 of the 30 degrees of freedom are pure error.
    """
    for bits in itertools.product((0, 1), repeat=6):
        value = dict(zip("ABCDEF", bits, strict=True))
        two = tuple(sum(value[letter] for letter in word) % 2 for word in WORDS)
        yield two, value["D"] * (1 + value["C"])


def rows48() -> Iterator[ArrayRow]:
    """OA(48, 3·2⁹) of strength 3: any three columns hold every combination equally often.

    With eight two-level factors and two-factor interactions, 2 degrees of freedom are left for
    error, so it needs replicates.
    """
    for level, numbers in enumerate(BITS):
        for number in numbers:
            yield tuple(number >> i & 1 for i in range(TWO_LEVEL_COLUMNS)), level


ARRAYS = {64: rows64, 48: rows48}
