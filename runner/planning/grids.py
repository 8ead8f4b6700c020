"""The precision of each grid over chosen factors, before any run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.designs.design import Design
    from runner.planning.diagnostics import Diagnostics
    from runner.studies.study import Study


def possible(study: Study, runs: int | None = None) -> Iterator[tuple[str, Design | str]]:
    """Every grid over the study's factors, or the reason why it is not possible.

    runs: for grids with a free number of runs.
    """
    from runner.designs import registry as designs

    for name, cls in designs.grids().items():
        try:
            design = designs.make(
                name, study.factors, study.baseline, runs=runs if cls.takes_runs else None
            )
            design.count  # noqa: B018 - raises BadInput for an array that cannot be built
        except BadInput as error:
            if runs is not None and cls.takes_runs:
                raise
            yield name, str(error)
        else:
            yield name, design


@dataclass(frozen=True)
class Outlook:
    """The diagnostics of the grid `name` with `seeds` seeds. reason: why it is not possible."""

    name: str
    summary: str
    seeds: int
    diagnostics: Diagnostics | None = None
    reason: str | None = None


def outlooks(study: Study, seeds: int | None, runs: int | None) -> list[Outlook]:
    """The diagnostics of each grid over the study's factors. seeds: by default each grid's own."""
    from runner.designs.registry import grids
    from runner.planning.diagnostics import diagnose

    found, known = [], grids()
    for name, design in possible(study, runs):
        summary, each = known[name].summary, seeds or known[name].default_seeds
        if isinstance(design, str):
            found.append(Outlook(name, summary, each, reason=design))
        else:
            found.append(Outlook(name, summary, each, diagnose(design, each)))
    return found
