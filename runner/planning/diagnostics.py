"""Diagnostics of a design before it is run: errors, degrees of freedom, aliases, efficiency."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.labels import level_label
from runner.analysis.effects import BASELINE
from runner.analysis.model.coding import Coding, Weights, all_pairs, contrasts, shares
from runner.analysis.model.factorial import MOST_COLUMNS
from runner.analysis.model.linear_model import model
from runner.designs.design import Design
from runner.designs.exchange import efficiency
from runner.designs.layout import FACTORIAL
from runner.designs.placebo import place
from runner.planning.precision import TOO_MANY, EffectPrecision, Errors

ONE_CHANGE = "arms are compared with each other: no effect is averaged over other factors"


@dataclass(frozen=True)
class Alias:
    """Terms that the runs cannot tell apart. estimable: the number of their known combinations.

    estimable is 1 if the terms' columns are equal up to sign (a full alias).
    """

    terms: list[str]
    estimable: int

    def __str__(self) -> str:
        return (" = " if self.estimable == 1 else " ~ ").join(self.terms)


@dataclass(frozen=True)
class Diagnostics:
    """Diagnostics of a design with `seeds`. Standard errors are in units of the run-to-run sd.

    estimand: of the design's own table. error_df: of the whole design; effects may have other df.
    aliases: sets of terms, see `Alias`. clear: whether no main effect is aliased with two-factor
    interactions. d_efficiency: of the main effects, 1 for balanced orthogonal columns. reasons:
    field's name -> why it is None.
    """

    grid: str
    arms: int
    excluded: int
    seeds: int
    runs: int
    estimand: str
    labels: list[str]
    effects: list[EffectPrecision]
    error_term: str
    error_df: int | None
    aliases: list[Alias] | None
    clear: bool | None
    d_efficiency: float | None
    reasons: dict[str, str] = field(default_factory=dict)


def diagnose(design: Design, seeds: int) -> Diagnostics:
    """The diagnostics of `design` run with `seeds` runs of each of its arms."""
    errors = Errors(design)
    term, df = errors.error(seeds)
    reasons = {}
    aliases: list[Alias] | None = None
    clear: bool | None = None
    efficiency: float | None = None
    if errors.one_at_a_time:
        reasons = dict.fromkeys(("aliases", "clear"), ONE_CHANGE)
    elif errors.closed:
        aliases, clear = [], True
    elif not errors.listed:
        reasons = dict.fromkeys(("aliases", "clear", "error_df"), TOO_MANY)
    else:
        found = find_aliases(design, errors.cells(1))
        if found is None:
            most = f"more than {MOST_COLUMNS} terms: too many to search for aliases"
            reasons = dict.fromkeys(("aliases", "clear"), most)
        else:
            aliases, clear = found
    if errors.closed:
        efficiency = 1.0
    elif errors.listed:
        efficiency = d_efficiency(errors.cells(1), errors.sizes)
    else:
        reasons["d_efficiency"] = TOO_MANY
    effects = errors.precisions(seeds)
    alone = errors.one_at_a_time and design.layout == FACTORIAL  # a grid with one factor
    return Diagnostics(
        grid=design.name,
        arms=design.count,
        excluded=design.excluded,
        seeds=seeds,
        runs=seeds * design.count,
        estimand=BASELINE if alone else design.estimand,
        labels=[label(design, effect.factor, effect.level) for effect in effects],
        effects=effects,
        error_term=term,
        error_df=df,
        aliases=aliases,
        clear=clear,
        d_efficiency=efficiency,
        reasons=reasons,
    )


def label(design: Design, factor: int, level: int) -> str:
    """The name of a level's effect in tables."""
    held = design.factors[factor]
    return level_label(held.name, held.levels[level].name, held.levels[0].name, len(held.levels))


def find_aliases(
    design: Design, cells: Cells, weights: Weights | None = None
) -> tuple[list[Alias], bool] | None:
    """Alias sets of two or more terms, and whether no main effect is in a set; None for too many.

    Terms are aliased through the null space of all main effects and two-factor interactions. An
    interaction of two levels that exclude each other does not exist and is left out. weights:
    shares of levels over which effects are averaged; by default the shares in `cells`.
    """
    sizes = [len(factor.levels) for factor in design.factors]
    mains = contrasts(cells.levels, weights or shares(cells.levels, cells.count, sizes))
    pairs = []
    placebo = place(design.factors)
    for a, b in all_pairs(mains):
        if placebo in (mains[a].factor, mains[b].factor):
            continue  # it changes nothing in any combination
        one, two = sorted((mains[a], mains[b]), key=lambda c: c.factor)
        if (one.factor, one.level, two.factor, two.level) not in design.conflicts.reasons:
            pairs.append((a, b))
    coding = Coding(mains, pairs)
    if coding.size > MOST_COLUMNS:
        return None
    fitted = model(coding.matrix(cells.levels), cells.count)
    names = [label(design, c.factor, c.level) for c in mains]
    terms = ["average", *names, *(f"{names[a]} × {names[b]}" for a, b in pairs)]
    sets = []
    for block in fitted.entangled():
        lost = float(np.trace(fitted.null[np.ix_(block, block)]))
        if len(block) > 1 or lost > 1e-6:
            sets.append(Alias([terms[k] for k in block], len(block) - round(lost)))
    clear = all(fitted.estimable(coding.main_effect(i)) for i in range(len(mains)))
    return sets, clear


def d_efficiency(cells: Cells, sizes: list[int]) -> float:
    """The `efficiency` of all runs of the cells; an arm counts once per run."""
    return efficiency(np.repeat(cells.levels, cells.count, axis=0), sizes)
