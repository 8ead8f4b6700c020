"""The level of a sequential study's looks, from its design alone, without recorded runs."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from runner.analysis.analyze import analyze
from runner.analysis.metrics.registry import CHOOSES
from runner.designs.factor import PLACEBO, level_names
from runner.records.studies import StoredStudy, known_study
from runner.studies.as_experiment import as_experiment
from runner.studies.looks import stored_looks
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.analysis.data.experiment import Experiment
    from runner.records.store import Store
    from runner.studies.any_study import AnyStudy, S

MANY_RUNS = 20_000  # runs: with more, the degrees of freedom are practically infinite


def with_level(study: AnyStudy[S], store: Store | None) -> AnyStudy[S]:
    """`study` with the level of its looks; a study in the store keeps its level.

    Looks that cannot have an interval yet are left out. Raises BadInput if no look can have one.
    """
    assert study.looks is not None
    if study.looks.half_width is None and all(f.name == PLACEBO for f in study.factors):
        raise BadInput(
            "--until decided: a placebo's effect is zero, so there is nothing to decide: name "
            "some --tricks, or use --until half-width=0.3"
        )
    known = known_study(store, study.name)
    held = stored_looks(known.asked) if known else None
    seeds, level, tests = held or _planned_level(study, study.looks.seeds)
    looks = dataclasses.replace(study.looks, seeds=seeds, level=level, tests=tests)
    return dataclasses.replace(study, looks=looks)


def _planned_level(
    study: AnyStudy[S], seeds: tuple[int, ...]
) -> tuple[tuple[int, ...], float, int]:
    """The looks with an interval, and their level, from an analysis of made-up runs."""
    from runner.analysis.sequential import look_level

    usable: list[tuple[int, float]] = []
    tests = sum(len(factor.levels) - 1 for factor in study.factors)
    reason = ""
    for n in seeds:
        if study.design.total(n) > MANY_RUNS:
            usable.append((n, math.inf))
            continue
        analysis = analyze(_made_up(study, n), CHOOSES)
        df = analysis.df_of_intervals
        if df is None:
            reason = next((e.reason for e in analysis.effects if e.reason), "")
            continue
        usable.append((n, df[0]))
        tests = sum(effect.se is not None for effect in analysis.effects)
    if not usable:
        raise BadInput(
            f"--until {study.looks.until if study.looks else ''}: with at most {seeds[-1]} "
            f"seed{'s' * (seeds[-1] > 1)} of each arm no look has an interval ({reason}); "
            f"choose more with --seeds, such as --seeds {max(8, 2 * seeds[-1])}"
        )
    at = tuple(n for n, _ in usable)
    level = look_level([n / at[-1] for n in at], [df for _, df in usable], tests)
    return at, level, tests


def _made_up(study: AnyStudy[S], seeds: int) -> Experiment:
    """Runs of pure noise, with the arms and seeds of the planned runs."""
    import numpy as np
    import pandas as pd

    rows = [level_names(study.factors, arm) for arm, _ in study.design.runs(seeds)]
    runs = pd.DataFrame(rows)
    runs[CHOOSES] = 50 + np.random.default_rng(0).standard_normal(len(rows))
    return as_experiment(StoredStudy(study.name, study.as_stored(), []), runs)
