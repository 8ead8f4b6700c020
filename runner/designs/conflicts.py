"""Find levels that exclude each other, and count the possible arms without listing them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from runner.designs.factor import Arm, Factor, compose_levels
from tricks.errors import BadInput, TrickConflict
from tricks.recipe import Recipe

# (factor, level, factor, level) by position, the first factor before the second.
Pair = tuple[int, int, int, int]


@dataclass(frozen=True)
class Conflicts:
    """Forbidden pairs of levels with their reasons.

    Pairs are enough: a field has one owner and a need names one value, so any set of tricks that
    cannot be composed contains a pair that cannot. If several factors can meet one need (mixup and
    cutmix for mixing-off), pairs require all of these factors. So a few possible arms are left out,
    but never an impossible arm kept.
    """

    reasons: dict[Pair, str] = field(default_factory=dict)

    def allows(self, arm: Arm) -> bool:
        """Whether no pair of levels of `arm` is forbidden."""
        return not any(arm[i] == a and arm[j] == b for i, a, j, b in self.reasons)

    def components(self, sizes: Sequence[int]) -> list[tuple[tuple[int, ...], list[Arm]]]:
        """Sets of factors connected by conflicts, each with its allowed combinations.

        sizes: number of levels of each factor. A factor without conflicts is a set by itself. The
        full grid is the product of all sets, each in lexicographic order.
        """
        edges = [(i, j) for i, _, j, _ in self.reasons]
        places = [tuple(members) for members in linked(len(sizes), edges)]
        return [(place, list(self._combinations(place, sizes, ()))) for place in places]

    def _combinations(
        self, place: tuple[int, ...], sizes: Sequence[int], chosen: Arm
    ) -> Iterator[Arm]:
        """Allowed combinations of the factors in `place`, given levels of the first few factors."""
        if len(chosen) == len(place):
            yield chosen
            return
        j = place[len(chosen)]
        for b in range(sizes[j]):
            before = zip(place, chosen, strict=False)
            if not any((i, a, j, b) in self.reasons for i, a in before):
                yield from self._combinations(place, sizes, (*chosen, b))


def linked(count: int, edges: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The connected components of the numbers below `count`, each in ascending order.

    >>> linked(4, [(0, 2)])
    [[0, 2], [1], [3]]
    """
    beside: dict[int, set[int]] = {i: set() for i in range(count)}
    for i, j in edges:
        beside[i].add(j)
        beside[j].add(i)
    found = []
    seen: set[int] = set()
    for start in range(count):
        if start not in seen:
            members, todo = set(), [start]
            while todo:
                i = todo.pop()
                if i not in members:
                    members.add(i)
                    todo += beside[i]
            seen |= members
            found.append(sorted(members))
    return found


def find_conflicts(factors: Sequence[Factor], baseline: Recipe) -> Conflicts:
    """Conflicts between levels of `factors`, found by composing each pair on `baseline`.

    Raises BadInput for a level that cannot be composed on the baseline, unless a level of another
    factor makes it possible. Then only the pairs with that factor's other levels are forbidden.
    """
    levels = [(i, a) for i, factor in enumerate(factors) for a in range(len(factor.levels))]
    alone = {at: _refusal(factors, baseline, (at,)) for at in levels}
    together: dict[Pair, str] = {}
    for (i, a), (j, b) in itertools.combinations(levels, 2):
        if i != j:
            refusal = _refusal(factors, baseline, ((i, a), (j, b)))
            if refusal:
                together[(i, a, j, b)] = refusal

    def forbidden(i: int, a: int, j: int, b: int) -> bool:
        return ((i, a, j, b) if i < j else (j, b, i, a)) in together

    # Level -> the factors that have a level which makes it possible.
    rescuers: dict[tuple[int, int], set[int]] = {}
    for (i, a), refusal in alone.items():
        if refusal:
            rescuers[(i, a)] = {j for j, b in levels if j != i and not forbidden(i, a, j, b)}
            if not rescuers[(i, a)]:
                raise BadInput(refusal)

    reasons = {}
    for (i, a, j, b), refusal in together.items():
        blamed = [(at, other) for at, other in (((i, a), j), ((j, b), i)) if at in rescuers]
        if not blamed or any(other in rescuers[at] for at, other in blamed):
            reasons[(i, a, j, b)] = refusal
    return Conflicts(reasons)


def _refusal(
    factors: Sequence[Factor], baseline: Recipe, places: Sequence[tuple[int, int]]
) -> str | None:
    try:
        compose_levels(baseline, [factors[i].levels[a] for i, a in places])
    except TrickConflict as error:
        return str(error)
    return None
