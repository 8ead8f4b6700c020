"""The study that trains a winner again: the baseline and one arm, on a separate stream of seeds.

The best of many arms is lucky as well as good (the winner's curse), and the runs that chose it
cannot show how lucky it was. Fresh runs can.
"""

from __future__ import annotations

from collections.abc import Sequence

from runner.designs.add_one import AddOne
from runner.designs.conflicts import Conflicts
from runner.designs.design import BEYOND, hashed_seed
from runner.designs.factor import Arm, Factor, Level
from runner.records.study_toml import StoredConfirm
from tricks.errors import BadInput, unknown

FACTOR = "winner"


class Winner(AddOne):
    """The baseline and the winner, with seeds that no other design draws.

    The seeds of studies are below BEYOND.
    """

    default_seeds = 5

    def seed(self, arm: Arm, index: int) -> int:
        return BEYOND + hashed_seed("confirm", index)


def winner_design(confirm: StoredConfirm, factors: Sequence[Factor]) -> Winner:
    """The design of the baseline and the winner of `confirm`, as one factor of two levels.

    factors: of the study that chose the winner. Raises BadInput for a level that they do not have.
    """
    names = {factor.name: factor for factor in factors}
    chosen = []
    for name, level in confirm.winner.items():
        if name not in names:
            raise unknown("factor of the winner", name, names)
        factor = names[name]
        place = factor.index(level)
        if place:
            chosen.append((factor, factor.levels[place]))
    if not chosen:
        raise BadInput("the winner is the baseline itself: there is nothing to confirm")
    label = " + ".join(
        factor.name if factor.kind == "trick" else f"{factor.name}={level.name}"
        for factor, level in chosen
    )
    winner = Level(
        label,
        tuple(trick for _, level in chosen for trick in level.tricks),
        tuple(field for _, level in chosen for field in level.fields),
        tuple(word for _, level in chosen for word in level.words),
    )
    return Winner([Factor(FACTOR, (Level("baseline"), winner), "winner")], Conflicts())
