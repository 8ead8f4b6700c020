"""The result of a planned look of a sequential study."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.analysis.metrics.registry import CHOOSES
from runner.designs.factor import PLACEBO
from runner.records.studies import StoredStudy
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.run import Spec
    from runner.records.store import Store
    from runner.studies.any_study import AnyStudy


@dataclass(frozen=True)
class Look:
    """The result of look `number` (from 1), at `seeds` seeds of each arm.

    effects: their number, without effects that need no verdict (a placebo's). open: labels of
    undecided effects. unknown: labels of effects that cannot be estimated. wanted: about how many
    more runs are needed; None: unknown. reason: why the look has no result.
    """

    number: int
    seeds: int
    effects: int = 0
    open: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    wanted: int | None = None
    reason: str | None = None


def judged(study: AnyStudy[Spec], number: int, store: Store) -> Look:
    """Look `number`, from the runs of `study` only, whatever other runs the store has."""
    from runner.analysis.analyze import analyze
    from runner.analysis.sequential import open_effects, seeds_wanted
    from runner.records.run_frames import table
    from runner.studies.experiments import experiment

    assert study.looks is not None
    width = study.looks.half_width
    rows = [study.row(arm, spec) for arm, spec in study.planned()]
    stored = StoredStudy(study.name, study.as_stored(), rows)
    try:
        effects = analyze(experiment(stored, table(store, stored)), CHOOSES).effects
    except BadInput as error:
        return Look(number, study.seeds, reason=str(error))
    wanted = seeds_wanted(effects, study.seeds, width)
    left = None
    if wanted is not None and math.isfinite(wanted):
        more = max(math.ceil(wanted), study.seeds)
        left = study.design.total(more) - study.design.total(study.seeds)
    asked = [e for e in effects if width is not None or e.factor != PLACEBO]
    return Look(
        number,
        study.seeds,
        effects=len(asked),
        open=tuple(effect.label for effect in open_effects(effects, width)),
        unknown=tuple(e.label for e in asked if e.effect is None),
        wanted=left,
    )
