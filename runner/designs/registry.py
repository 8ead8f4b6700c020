"""Designs: factors -> arms. Torch-free; arms are generated lazily."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.designs.add_one import AddOne
from runner.designs.all_on import all_on, two_levels
from runner.designs.conflicts import find_conflicts
from runner.designs.cumulative import Cumulative
from runner.designs.design import Design
from runner.designs.factor import Arm, Factor, Level
from runner.designs.fraction import Fraction
from runner.designs.full import Full
from runner.designs.leave_one_out import LeaveOneOut
from runner.designs.pairs import Pairs
from runner.designs.placebo import DRAWN
from runner.designs.screen import Screen
from tricks.errors import BadInput, unknown
from tricks.recipe import Recipe

__all__ = ["GRIDS", "Arm", "Design", "Factor", "Level", "find", "make"]

GRIDS: dict[str, type[Design]] = {
    design.name: design
    for design in (AddOne, LeaveOneOut, Cumulative, Pairs, Full, Screen, Fraction)
}


def find(name: str) -> type[Design]:
    """The design called `name`. Raises BadInput with close matches."""
    if name not in GRIDS:
        raise unknown("grid", name, GRIDS)
    return GRIDS[name]


def make(
    grid: str,
    factors: Sequence[Factor],
    baseline: Recipe,
    reference: Mapping[str, str] | None = None,
    order: Sequence[str] = (),
    runs: int | None = None,
    control: int | None = None,
    placebo_level: str = DRAWN,
) -> Design:
    """The design `grid` over `factors`, less what cannot be composed on `baseline`.

    reference: factor -> the level that "all on" means; order: all factors, first added first.
    runs: of one replicate; None: the design's own number. control, placebo_level: see
    Design.
    Designs that turn everything on keep only two levels of each factor.
    Raises BadInput where the design cannot be had.
    """
    cls = find(grid)
    if not factors:
        raise BadInput("there is nothing to vary: name some --tricks or a --factor")
    if reference and not cls.needs_on:
        raise BadInput(f'--reference says what "all on" means: --grid {grid} has no use for it')
    if order and not cls.needs_order:
        raise BadInput(f"--order is for --grid cumulative: --grid {grid} has no use for it")
    if runs is not None and not cls.takes_runs:
        raise BadInput(f"--runs is for --grid fraction: --grid {grid} has no use for it")
    if runs is not None and runs < 1:
        raise BadInput(f"--runs must be at least 1, not {runs}")
    if control is not None and not cls.takes_control:
        raise BadInput(
            "--control-seeds is for --grid add-one and leave-one-out, which compare all arms with "
            f"one: --grid {grid} has no use for it"
        )
    on: tuple[int, ...] = ()
    if cls.needs_on:
        factors = two_levels(factors, all_on(factors, reference or {}))
        on = (1,) * len(factors)
    positions = _positions(factors, order) if cls.needs_order else ()
    conflicts = find_conflicts(factors, baseline)
    design = cls(factors, conflicts, on, positions, runs or 0, control, placebo_level)
    design.check()
    return design


def _positions(factors: Sequence[Factor], order: Sequence[str]) -> tuple[int, ...]:
    """Positions of the factors named in `order`, which are all of them; by default as they are."""
    names = [factor.name for factor in factors]
    order = order or names
    found: list[int] = []
    for name in order:
        # A member of a group may stand for its group: lars for optimizer.
        by_level = [
            f.name for f in factors if f.kind in ("group", "levels") and f.levels[1].name == name
        ]
        name = by_level[0] if by_level else name
        if name not in names:
            raise BadInput(f"--order: {unknown('factor', name, names)}")
        if names.index(name) in found:
            raise BadInput(f"--order names {name} twice")
        found.append(names.index(name))
    missing = [name for i, name in enumerate(names) if i not in found]
    if missing:
        raise BadInput(f"--order must name every factor: {', '.join(missing)} is missing")
    return tuple(found)
