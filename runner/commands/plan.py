"""plan: how many runs each grid needs to see an effect, and how long they take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands.json_output import print_json
from runner.commands.options import DataFolder, Json, Plugins, Results, chosen, load_plugins
from runner.execution.machine import at_a_time
from runner.records.json_values import JsonValue
from runner.records.layout import RESULTS
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.planning.grid_needs import GridNeed, GridNeeds
    from runner.planning.needed import Goal


def plan(
    effect: Annotated[
        float | None, typer.Option(help="The smallest effect to detect, in pp.")
    ] = None,
    half_width: Annotated[
        float | None,
        typer.Option(
            help="Instead of --effect: the half-width of every effect's 95 % interval, in pp."
        ),
    ] = None,
    power: Annotated[
        float | None, typer.Option(help="The probability of detecting the effect. [default: 0.8]")
    ] = None,
    each: Annotated[
        bool,
        typer.Option("--each", help="Test each effect at 5 %, not all effects together at 5 %."),
    ] = False,
    task: Annotated[str | None, typer.Option(help="The task. [default: digits]")] = None,
    study: Annotated[
        str | None,
        typer.Option(help="Take the factors and settings of this study: a TOML file or a name."),
    ] = None,
    tricks: Annotated[
        str | None, typer.Option(help="Tricks, or none. [default: standard bag]")
    ] = None,
    factor: Annotated[
        list[str] | None, typer.Option(help="A recipe field to vary. Repeatable.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="The value of a recipe field in all arms. Repeatable."),
    ] = None,
    runs: Annotated[int | None, typer.Option(help="Runs of a fraction per seed.")] = None,
    sigma: Annotated[
        float | None, typer.Option(help="The run-to-run sd in pp. [default: from records]")
    ] = None,
    pilot: Annotated[
        str | None,
        typer.Option(help="The study whose replicates give the sd. [default: the latest]"),
    ] = None,
    results: Results = RESULTS,
    data: DataFolder = None,
    workers: Annotated[int | None, typer.Option(help="Parallel runs.")] = None,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Compute the runs and hours that each grid needs to detect an effect of a given size.

    \b
    tricks-bench plan --effect 0.3 --power 0.8
    tricks-bench plan --half-width 0.2 --tricks warmup,cosine,mixup --sigma 0.4
    tricks-bench plan --effect 1 --study digits-bag
    """
    load_plugins(plugin)
    goal = _goal(effect, half_width, power)
    workers = at_a_time(workers, None, "auto")
    if sigma is not None and pilot is not None:
        raise BadInput("--sigma and --pilot both give the run-to-run sd: give one of them")
    from runner.commands.plan_text import plan_lines
    from runner.planning.grid_needs import EACH, FAMILY, grid_needs
    from runner.planning.pilot_noise import find_sigma, given

    if study is None:
        asked = chosen(task or "digits", tricks, factor, set_, data)
    else:
        from runner.commands.asked import StudyFlags, asked_study

        flags = StudyFlags(
            task=task, study=study, tricks=tricks, factor=factor, set=set_, data=data
        )
        asked = asked_study(flags, results)
    noise = given(sigma) if sigma is not None else find_sigma(asked, results, pilot)
    found = grid_needs(asked, goal, noise, runs, workers, results)
    kind = EACH if each else FAMILY
    if json:
        print_json(_json(found, kind))
        return
    for line in plan_lines(found, kind):
        print(line)


def _json(found: GridNeeds, kind: str) -> Mapping[str, JsonValue]:
    from runner.planning.grid_needs import ESTIMANDS

    goal, sigma = found.goal, found.sigma
    cheapest = {estimand: found.cheapest(estimand, kind) for estimand in ESTIMANDS}
    return {
        "task": found.study.task.name,
        "unit": "pp",
        "goal": {"kind": goal.kind, "value": goal.value, "alpha": goal.alpha,
                 "power": goal.power if goal.kind == "effect" else None},
        "adjustment": kind,
        "sigma": sigma.value,
        "sigma_source": sigma.source,
        "sigma_estimate": sigma.estimate,
        "sigma_df": sigma.df,
        "runs": found.runs,
        "workers": found.workers,
        "seconds_per_run": found.seconds,
        "seconds_reason": found.seconds_reason,
        "grids": [_grid_json(found, grid) for grid in found.grids],
        "cheapest": {key: best[0].name if best else None for key, best in cheapest.items()},
        "notes": list(found.study.notes),
    }  # fmt: skip


def _grid_json(found: GridNeeds, grid: GridNeed) -> Mapping[str, JsonValue]:
    if grid.needs is None:
        return {"name": grid.name, "reason": grid.reason}
    needs: dict[str, dict[str, JsonValue]] = {}
    for (estimand, kind), need in grid.needs.items():
        needs.setdefault(estimand, {})[kind] = {
            "seeds": need.seeds, "runs": need.runs, "hours": found.hours(need),
            "reaches": need.reaches, "reason": need.reason,
        }  # fmt: skip
    return {
        "name": grid.name, "arms": grid.arms, "takes_runs": grid.takes_runs,
        "left_out": list(grid.left_out), **needs,
    }  # fmt: skip


def _goal(effect: float | None, half_width: float | None, power: float | None) -> Goal:
    from runner.planning.needed import Goal

    if (effect is None) == (half_width is None):
        raise BadInput(
            "give one goal, in pp: --effect 0.3 (detected with --power 0.8) or --half-width 0.2 "
            "(of every interval)"
        )
    for flag, value in (("--effect", effect), ("--half-width", half_width)):
        if value is not None and not (value > 0 and math.isfinite(value)):
            raise BadInput(f"{flag} must be a number above 0 (pp), not {value:g}")
    if half_width is not None:
        if power is not None:
            raise BadInput("--power is for --effect: leave it out with --half-width")
        return Goal("half-width", half_width)
    power = 0.8 if power is None else power
    if not 0.05 < power < 1:
        raise BadInput(f"--power must be between 0.05 (the test's level) and 1, not {power:g}")
    assert effect is not None
    return Goal("effect", effect, power)
