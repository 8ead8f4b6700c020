"""A study's design as planned, and as the successful runs realise it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tricks.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

    from runner.analysis.data.experiment import Experiment
    from runner.designs.design import Design
    from runner.planning.diagnostics import Alias, Diagnostics
    from runner.records.studies import StoredStudy

TERMS = 6  # of an alias set to name
MOST_COMPARED = 20_000  # runs: larger designs are not compared run by run
OTHER = (
    "this version would plan other arms than the listed arms (another version made the study, "
    "or its tricks have changed)"
)
ERROR_TERMS = {
    "replicates": "noise from replicates",
    "arms": "noise from replicates of each arm",
    "pooled": "noise from replicates and from terms outside the model",
    "hc2": "noise from terms outside the model of two-factor interactions",
    "none": "no error term",
    "": "error term not computed",
}


@dataclass(frozen=True)
class RunDesign:
    """The runs of a design, its different arms, and its aliases.

    clear: whether no main effect is aliased with two-factor interactions. sets: alias sets, as
    texts. None if unknown.
    """

    runs: int
    arms: int
    d_efficiency: float | None = None
    clear: bool | None = None
    sets: tuple[str, ...] | None = None


@dataclass(frozen=True)
class PlannedDesign(RunDesign):
    """errors: the effects' standard errors in σ. df: smallest and largest df of the errors."""

    errors: tuple[float, ...] = ()
    df: tuple[float, float] | None = None
    error_term: str = ""


@dataclass(frozen=True)
class RealisedDesign:
    """planned: None, with a `reason`, if the design cannot be built again or has changed."""

    run: RunDesign
    planned: PlannedDesign | None = None
    notes: tuple[str, ...] = ()
    reason: str | None = None


def study_design(stored: StoredStudy, experiment: Experiment, metric: str) -> RealisedDesign:
    """A study's planned design, and the design of its runs that have the metric.

    stored: at one stage. experiment: its recorded runs.
    """
    from runner.analysis.data.experiment import succeeded, values

    codes = experiment.codes
    fine = succeeded(experiment.runs) & values(experiment.runs, metric).notna()
    left = codes[fine.to_numpy()]
    run = RunDesign(len(left), len({tuple(row) for row in left}))
    try:
        design, seeds = rebuilt(stored)
    except BadInput as error:
        return RealisedDesign(run, reason=str(error))
    from runner.planning.diagnostics import diagnose

    diagnostics = diagnose(design, seeds)
    run = _left(run, design, diagnostics, codes, left)
    return RealisedDesign(run, _planned(design, diagnostics), _notes(design))


def rebuilt(stored: StoredStudy) -> tuple[Design, int]:
    """The study's planned design, and its seeds. Raises BadInput if the study lists other arms."""
    from pathlib import Path

    from runner.designs.factor import level_names
    from runner.studies.asked import from_stored
    from runner.studies.building import built

    found = built(from_stored(stored.asked, Path("study.toml")))
    design, seeds = found.design, found.seeds
    if design.total(seeds) > MOST_COMPARED:
        raise BadInput(f"it has {design.total(seeds):,} runs, too many to compute this")
    names = [factor.name for factor in design.factors]
    held = [(f.name, [level.name for level in f.levels]) for f in design.factors]
    if held != [(f.name, list(f.levels)) for f in stored.asked.factors]:
        raise BadInput(OTHER)
    listed = Counter(tuple(str(run[name]) for name in names) for run in stored.runs)
    planned = Counter(
        tuple(level_names(design.factors, arm).values()) for arm, _ in design.runs(seeds)
    )
    # A sequential study lists the runs of its looks so far.
    if listed - planned or (planned != listed and not stored.asked.until):
        raise BadInput(OTHER)
    return design, seeds


def _planned(design: Design, diagnostics: Diagnostics) -> PlannedDesign:
    df = [e.own.df for e in diagnostics.effects if e.own.df is not None]
    return PlannedDesign(
        design.total(diagnostics.seeds),
        len(set(design)),
        diagnostics.d_efficiency,
        diagnostics.clear,
        None if diagnostics.aliases is None else tuple(_text(x) for x in diagnostics.aliases),
        tuple(e.own.se for e in diagnostics.effects if e.own.se is not None),
        (min(df), max(df)) if df else None,
        ERROR_TERMS.get(diagnostics.error_term, diagnostics.error_term),
    )


def _left(
    run: RunDesign, design: Design, diagnostics: Diagnostics, codes: np.ndarray, left: np.ndarray
) -> RunDesign:
    """`run` with the efficiency and aliases of the runs `left`, given as level indices."""
    import numpy as np

    from runner.analysis.data.arm_statistics import group
    from runner.analysis.model.coding import shares
    from runner.planning.diagnostics import d_efficiency, find_aliases

    if not len(left):
        return run
    cells = group(left, np.zeros(len(left)))
    sizes = [len(factor.levels) for factor in design.factors]
    if diagnostics.d_efficiency is not None:
        run = replace(run, d_efficiency=d_efficiency(cells, sizes))
    if diagnostics.aliases is not None:
        # Averaged over the planned or equal shares of levels, as in the analysis.
        planned = shares(codes, np.ones(len(codes)), sizes)
        equal = [np.full(size, 1 / size) for size in sizes]
        for weights in (planned, equal):
            aliases = find_aliases(design, cells, weights)
            if aliases is not None and (run.clear is None or aliases[1]):
                run = replace(run, sets=tuple(map(_text, aliases[0])), clear=aliases[1])
            if aliases is None or aliases[1]:
                break
    return run


def _text(alias: Alias) -> str:
    """`cosine × warmup = zero-gamma × evonorm`, shortened; `~`: partly aliased."""
    more = len(alias.terms) - TERMS
    text = str(replace(alias, terms=alias.terms[:TERMS]))
    return f"{text} and {more} more" if more > 0 else text


def _notes(design: Design) -> tuple[str, ...]:
    notes = [f"{note[:1].upper()}{note[1:]}." for note in design.notes()]
    if design.control is not None:
        notes.append("As planned counts the baseline's arm with as many seeds as the others.")
    return tuple(notes)
