"""run --until: replicates of the design in a few planned looks, until it is decided.

What decides is validation accuracy, by the honest protocol: stopping is a choice, and choices never
use the test set. Yet the test metric needs the same adjusted level. Validation and test accuracy
of a run are correlated (both are of the same trained network), so runs whose luck stopped the study
early have luck on test too: with correlation 1 a plain 95 % test interval after stopping would be
wrong as often as naive peeking makes it. At the level of the looks an interval holds at every look
at once, whatever made the study stop; so every metric of such a study is analysed at that level.
A verdict on test may then stay undecided where validation's was not: that is the honest answer.

The level belongs to the plan (looks, budget, effects) and stands in study.toml with it. A plan is
therefore never changed under its name: what would (other looks, more seeds) is refused.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.analysis.analyze import analyze
from runner.analysis.metrics.registry import CHOOSES
from runner.designs.factor import PLACEBO
from runner.records.store import Store
from runner.text import print_json
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.analysis.data.experiment import Experiment
    from runner.execution.limits import Limits
    from runner.studies.study import Study

LISTED = 20_000  # runs: the degrees of freedom of more are as good as infinite


def with_level(study: Study, store: Store | None) -> Study:
    """`study` with the level of its looks: that of the study in the store, if it is there already.

    Looks that cannot have an interval yet are left out. Raises BadInput if none ever can.
    """
    assert study.looks is not None
    if study.looks.half_width is None and all(f.name == PLACEBO for f in study.factors):
        raise BadInput(
            "--until decided: a placebo's effect is zero, there is nothing to decide: name some "
            "--tricks, or ask how exactly it is measured with --until half-width=0.3"
        )
    held = _held(study, store) if store else None
    if held is not None:
        seeds, level, tests = held
    else:
        seeds, level, tests = _planned_level(study, study.looks.seeds)
    looks = dataclasses.replace(study.looks, seeds=seeds, level=level, tests=tests)
    return dataclasses.replace(study, looks=looks)


def _held(study: Study, store: Store) -> tuple[tuple[int, ...], float, int] | None:
    """Seeds, level and tests of the study as the store has it; None if it is new."""
    from runner.records.studies import load_study, study_names
    from runner.studies.looks import stored_looks

    if study.name not in study_names(store):
        return None
    return stored_looks(load_study(store, study.name).asked)


def _planned_level(study: Study, seeds: tuple[int, ...]) -> tuple[tuple[int, ...], float, int]:
    """The looks with an interval, and their level, by the analysis of made-up runs of the plan."""
    from runner.analysis.sequential import look_level

    usable: list[tuple[int, float]] = []
    tests = sum(len(factor.levels) - 1 for factor in study.factors)
    reason = ""
    for n in seeds:
        if study.design.total(n) > LISTED:
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


def _made_up(study: Study, seeds: int) -> Experiment:
    """Runs of pure noise, with the design's arms, in the places of the planned ones."""
    import numpy as np
    import pandas as pd

    from runner.analysis.data.experiment import Experiment
    from runner.designs.factor import level_names

    rows = [level_names(study.factors, arm) for arm, _ in study.design.runs(seeds)]
    runs = pd.DataFrame(rows)
    runs[CHOOSES] = 50 + np.random.default_rng(0).standard_normal(len(rows))
    asked = study.as_stored()
    return Experiment(
        runs=runs,
        factors={f.name: tuple(level.name for level in f.levels) for f in study.factors},
        grid=study.grid,
        order=asked.order or (),
        reference=dict(asked.reference or {}),
    )


def train_until(
    study: Study,
    results: Path,
    workers: int,
    device: str,
    plugins: list[str],
    yes: bool,
    json: bool = False,
    limits: Limits | None = None,
) -> int:
    """Train look after look of `study` until it is decided or its budget ends; the exit code.

    plan: as `with_level` gives it.
    What is recorded is not trained again, and each look is decided by its own runs alone: killed
    anywhere and run again it comes to the same look.
    """
    from runner.launch.exit_code import OUT_OF_TIME, failed, left_code
    from runner.launch.going_on import go_on, places
    from runner.launch.train import train_runs

    assert study.looks is not None
    aside = sys.stderr if json else sys.stdout
    for note in study.notes:
        print(note, file=aside)
    looks, told, code, stopped = study.looks.seeds, [], 0, "budget"
    leave = False  # asked to stop while a look's last runs were at hand
    for number, seeds in enumerate(looks, 1):
        part = dataclasses.replace(study, seeds=seeds)
        store = Store(results, create=False) if (results / "FORMAT").exists() else None
        if store is None or missing(part, store):
            summary = train_runs(part, store, results, workers, device, plugins, yes, aside, limits)
            if summary is None:
                return 0
            if summary.interrupted:
                stopped, code = "interrupted", left_code(summary)
                break
            code = max(code, int(failed(summary) > 0))
            yes, leave = True, summary.asked_to_stop
        look = {"look": number, "seeds": seeds, **judged(part, Store(results, create=False))}
        told.append(look)
        print(_line(study, look), file=aside, flush=True)
        if look["reason"]:
            stopped = "nothing to decide"
            break
        if not look["open"]:
            stopped = "decided"
            break
        if leave and number < len(looks):
            stopped, code = "interrupted", 130
            break
    if stopped == "interrupted":
        why = "the time is over" if code == OUT_OF_TIME else "interrupted"
        again = go_on(study.name, results, places(study, plugins), device)
        print(f"{why}: `{again}` goes on from here", file=aside)
    else:
        print(_end(study, told[-1], stopped, results), file=aside)
    if json:
        print_json({"study": study.name, "stopped": stopped, "looks": told})
    return code


def missing(study: Study, store: Store) -> bool:
    """Whether a run of `study` has no record that stands."""
    states = store.states()
    return any(states.get(spec.id, "infra") == "infra" for _, spec in study.planned())


def judged(study: Study, store: Store) -> dict[str, Any]:
    """What the runs of one look say, whatever else the study has by now.

    effects: number, without those that need no verdict (a placebo's); open: labels of the effects
    not decided; unknown: of those that cannot be estimated; wanted: about how many more runs;
    reason: why nothing can be said at all.
    """
    from runner.analysis.sequential import open_effects, seeds_wanted
    from runner.records.studies import StoredStudy
    from runner.records.table import table
    from runner.studies.experiments import experiment

    assert study.looks is not None
    width = study.looks.half_width
    rows = [study.row(arm, spec) for arm, spec in study.planned()]
    file = StoredStudy(study.name, study.as_stored(), rows)
    try:
        effects = analyze(experiment(file, table(store, file)), CHOOSES).effects
    except BadInput as error:
        return {"effects": 0, "open": [], "unknown": [], "wanted": None, "reason": str(error)}
    wanted = seeds_wanted(effects, study.seeds, width)
    left = None
    if wanted is not None and math.isfinite(wanted):
        more = max(math.ceil(wanted), study.seeds)
        left = study.design.total(more) - study.design.total(study.seeds)
    asked = [e for e in effects if width is not None or e.factor != PLACEBO]
    return {
        "effects": len(asked),
        "open": [effect.label for effect in open_effects(effects, width)],
        "unknown": [e.label for e in asked if e.effect is None],
        "wanted": left,
        "reason": None,
    }


def _line(study: Study, look: dict[str, Any]) -> str:
    assert study.looks is not None
    looks = study.looks.seeds
    seeds = f"{look['seeds']} seed{'s' * (look['seeds'] > 1)}"
    head = f"look {look['look']} of {len(looks)} ({seeds} of each arm)"
    if look["reason"]:
        return f"{head}: {look['reason']}"
    closed = look["effects"] - len(look["open"]) - len(look["unknown"])
    what = (
        "decided" if study.looks.half_width is None else f"known to ±{study.looks.half_width:g} pp"
    )
    text = f"{head}: {closed} of {look['effects']} effects {what} on {CHOOSES}"
    if look["unknown"]:
        text += f"; cannot be estimated: {', '.join(look['unknown'])}"
    if look["open"]:
        text += f"; open: {', '.join(look['open'])}"
        more = look["wanted"]
        budget = study.design.total(looks[-1]) - study.design.total(look["seeds"])
        if more is None:
            text += "; how many runs that takes cannot be told yet"
        else:
            over = f", but the budget has {budget:,} left" if more > budget > 0 else ""
            text += f"; about {more:,} more runs{over}"
    return text


def _end(study: Study, look: dict[str, Any], stopped: str, results: Path) -> str:
    from runner.analysis.sequential import describe
    from runner.records.layout import at

    assert study.looks is not None
    assert study.looks.level is not None
    if stopped == "nothing to decide":
        return f"{study.name}: more seeds would not help, it stops here"
    state = "is decided: nothing more to train"
    if stopped == "budget":
        most = study.looks.seeds[-1]
        state = f"has used its budget of {most} seed{'s' * (most > 1)} of each arm"
    return (
        f"{study.name} {state}\n"
        f"intervals are {describe(study.looks.seeds, study.looks.level)}\n"
        f"`tricks-bench report {study.name}{at(results)}` writes the report"
    )
