"""The known designs, and a design over given factors. Torch-free."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from runner.designs.conflicts import find_conflicts
from runner.designs.design import BY_NAME, Design
from runner.designs.factor import Factor
from runner.designs.reference_levels import all_on, two_levels
from tricks.errors import BadInput, unknown
from tricks.recipe import Recipe


def grids() -> dict[str, type[Design]]:
    """Every design by name: from the files of this folder and from plug-ins."""
    for found in pkgutil.iter_modules([str(Path(__file__).parent)], "runner.designs."):
        importlib.import_module(found.name)
    return dict(sorted(BY_NAME.items(), key=lambda item: (item[1].rank, item[0])))


def find(name: str) -> type[Design]:
    """The design called `name`. Raises BadInput with close matches."""
    known = grids()
    if name not in known:
        raise unknown("grid", name, known)
    return known[name]


def make(
    grid: str,
    factors: Sequence[Factor],
    baseline: Recipe,
    reference: Mapping[str, str] | None = None,
    order: Sequence[str] = (),
    runs: int | None = None,
    control: int | None = None,
) -> Design:
    """The design `grid` over `factors`, without arms that cannot be composed on `baseline`.

    reference: factor -> the level that "all on" means. order: all factors, in the order in which
    they are added. runs: of one replicate; None: the design's default. control: see Design. Designs
    that turn everything on keep only two levels of each factor. Raises BadInput if the design is
    not possible.
    """
    cls = find(grid)
    if not factors:
        raise BadInput("there is nothing to vary: name some --tricks or a --factor")
    if reference and not cls.needs_on:
        raise BadInput(f'--reference says what "all on" means: leave it out for --grid {grid}')
    if order and not cls.needs_order:
        raise BadInput(f"--order is for --grid cumulative: leave it out for --grid {grid}")
    if runs is not None and not cls.takes_runs:
        raise BadInput(f"--runs is for --grid fraction: leave it out for --grid {grid}")
    if runs is not None and runs < 1:
        raise BadInput(f"--runs must be at least 1, not {runs}")
    if control is not None and not cls.takes_control:
        raise BadInput(
            "--control-seeds is for --grid add-one and leave-one-out, which compare all arms "
            f"with one arm: leave it out for --grid {grid}"
        )
    on: tuple[int, ...] = ()
    if cls.needs_on:
        factors = two_levels(factors, all_on(factors, reference or {}))
        on = (1,) * len(factors)
    positions = _positions(factors, order) if cls.needs_order else ()
    conflicts = find_conflicts(factors, baseline)
    design = cls(factors, conflicts, on, positions, runs or 0, control)
    design.check()
    return design


def _positions(factors: Sequence[Factor], order: Sequence[str]) -> tuple[int, ...]:
    """Positions of the factors in `order`, which must name all; () or none: the given order."""
    names = [factor.name for factor in factors]
    order = order or names
    found: list[int] = []
    for name in order:
        # A trick may stand for its group: lars for optimizer.
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
