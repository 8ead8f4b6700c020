"""plan: how many runs each grid needs to see an effect, and how long they take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.commands.options import Json, Plugins, Results, load_plugins
from runner.execution.machine import cores, on_gpu
from runner.records.layout import RESULTS
from runner.text import print_json
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.designs.design import Design
    from runner.planning.needed import Goal, Needed
    from runner.studies.study import Study

ESTIMANDS = {"grid_average": "averaged over the grid", "baseline": "at the baseline"}


def plan(
    effect: Annotated[
        float | None, typer.Option(help="The smallest effect that is to be seen, in pp.")
    ] = None,
    half_width: Annotated[
        float | None, typer.Option(help="Instead: know every effect to ± this many pp (95 %).")
    ] = None,
    power: Annotated[
        float | None, typer.Option(help="Probability of seeing the effect. [default: 0.8]")
    ] = None,
    each: Annotated[
        bool, typer.Option("--each", help="5 % for each effect, not over all of them at once.")
    ] = False,
    task: Annotated[str, typer.Option(help="What to train on.")] = "digits",
    tricks: Annotated[
        str | None, typer.Option(help="Tricks, or none. [default: standard bag]")
    ] = None,
    factor: Annotated[
        list[str] | None, typer.Option(help="A recipe field to vary; may be repeated.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A recipe field for all arms. Repeatable.")
    ] = None,
    runs: Annotated[int | None, typer.Option(help="Runs of one fraction.")] = None,
    sigma: Annotated[
        float | None, typer.Option(help="Run-to-run sd in pp. [default: from records]")
    ] = None,
    pilot: Annotated[
        str | None, typer.Option(help="The study whose replicates tell the sd. [default: latest]")
    ] = None,
    results: Results = RESULTS,
    data: Annotated[
        Path | None, typer.Option(help="Where data sets are. [default: ./data]")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Runs at a time.")] = None,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Runs and hours that each grid needs to see an effect of a given size.

    \b
    tricks-bench plan --effect 0.3 --power 0.8
    tricks-bench plan --half-width 0.2 --tricks warmup,cosine,mixup --sigma 0.4
    """
    load_plugins(plugin)
    goal = _goal(effect, half_width, power)
    if workers is not None and workers < 1:
        raise BadInput(f"--workers must be at least 1, not {workers}")
    if sigma is not None and pilot is not None:
        raise BadInput("--sigma and --pilot both say what the run-to-run sd is: give one of them")
    from runner.commands.options import chosen
    from runner.planning.grids import possible
    from runner.planning.pilot import find_sigma, given

    study = chosen(task, tricks, factor, set_, data)
    noise = given(sigma) if sigma is not None else find_sigma(study, results, pilot)
    at_a_time = workers or (1 if on_gpu("auto") else cores())
    seconds, reason = _seconds(study, results)
    rows: list[dict[str, Any]] = []
    for name, design in possible(study, runs):
        if isinstance(design, str):
            rows.append({"name": name, "reason": design})
            continue
        needs = _needs(design, goal, noise.value)
        rows.append(
            {
                "name": name,
                "arms": design.count,
                "takes_runs": design.takes_runs,
                "left_out": _left_out(study, design),
                **_timed(needs, seconds, at_a_time),
            }
        )
    kind = "each" if each else "family"
    answer: dict[str, Any] = {
        "task": study.task.name,
        "unit": "pp",
        "goal": {"kind": goal.kind, "value": goal.value, "alpha": goal.alpha,
                 "power": goal.power if goal.kind == "effect" else None},
        "adjustment": kind,
        "sigma": noise.value,
        "sigma_source": noise.source,
        "sigma_estimate": noise.estimate,
        "sigma_df": noise.df,
        "runs": runs,
        "workers": at_a_time,
        "seconds_per_run": seconds,
        "seconds_reason": reason,
        "grids": rows,
        "cheapest": {key: _cheapest(rows, key, kind) for key in ESTIMANDS},
        "notes": list(study.notes),
    }  # fmt: skip
    if json:
        print_json(answer)
        return
    from runner.commands.plan_text import lines

    for line in lines(answer, ESTIMANDS):
        print(line)


def _goal(effect: float | None, half_width: float | None, power: float | None) -> Goal:
    from runner.planning.needed import Goal

    if (effect is None) == (half_width is None):
        raise BadInput(
            "say what is to be seen, in pp: --effect 0.3 (seen with --power 0.8), or "
            "--half-width 0.2 (of every interval), one of the two"
        )
    for flag, value in (("--effect", effect), ("--half-width", half_width)):
        if value is not None and not (value > 0 and math.isfinite(value)):
            raise BadInput(f"{flag} must be a number above 0 (pp), not {value:g}")
    if half_width is not None:
        if power is not None:
            raise BadInput("--power is for --effect: an interval's half-width has none")
        return Goal("half-width", half_width)
    power = 0.8 if power is None else power
    if not 0.05 < power < 1:
        raise BadInput(f"--power must be between 0.05 (the test's level) and 1, not {power:g}")
    assert effect is not None
    return Goal("effect", effect, power)


def _needs(design: Design, goal: Goal, sigma: float) -> dict[str, dict[str, Needed]]:
    """By estimand: over all effects at once ("family"), and for each alone ("each")."""
    from runner.planning.needed import needed
    from runner.planning.precision import Errors

    errors = Errors(design)
    return {
        "grid_average": {
            kind: needed(errors, goal, sigma, lambda e: e.grid, tests)
            for kind, tests in (("family", None), ("each", 1))
        },
        "baseline": {
            kind: needed(errors, goal, sigma, lambda e: e.baseline, tests)
            for kind, tests in (("family", None), ("each", 1))
        },
    }


def _timed(
    needs: dict[str, dict[str, Needed]], seconds: float | None, workers: int
) -> dict[str, Any]:
    """The needs as JSON values, with hours."""
    timed: dict[str, Any] = {}
    for estimand, kinds in needs.items():
        timed[estimand] = {}
        for kind, need in kinds.items():
            known = need.runs is not None and seconds is not None
            # No run is split: the last ones of a grid leave some workers idle.
            rounds = math.ceil((need.runs or 0) / workers)
            hours = rounds * seconds / 3600 if known and seconds else None
            timed[estimand][kind] = {
                "seeds": need.seeds, "runs": need.runs, "hours": hours,
                "reaches": need.reaches, "reason": need.reason,
            }  # fmt: skip
    return timed


def _left_out(study: Study, design: Design) -> list[str]:
    """Levels that take no part in the design: grids that turn everything on keep two."""
    return [
        f"{whole.name}={level.name}"
        for whole, kept in zip(study.factors, design.factors, strict=True)
        for level in whole.levels
        if level not in kept.levels
    ]


def _cheapest(rows: Sequence[dict[str, Any]], estimand: str, kind: str) -> str | None:
    """The name of the grid that needs the fewest runs, of those in which every level takes part."""
    able = [
        (row[estimand][kind]["runs"], row["name"])
        for row in rows
        if not row.get("reason") and not row["left_out"] and row[estimand][kind]["runs"]
    ]
    return min(able, key=lambda known: known[0])[1] if able else None


def _seconds(study: Study, results: Path) -> tuple[float | None, str | None]:
    """Mean seconds of a run by the records of like ones, or why that is not known."""
    from runner.planning.hours import predicted
    from runner.records.store import Store

    none = f"no run of these images and models is recorded in {results}: hours are not known"
    if not (results / "FORMAT").exists():
        return None, none
    try:
        found = predicted(study, 1, 1, Store(results, create=False), on_gpu("auto"))
    except BadInput as error:
        return None, str(error)
    return found.seconds_per_run, None if found.seconds_per_run is not None else none
