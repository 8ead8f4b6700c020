"""run: train the runs of a study that are not recorded yet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands.asked import StudyFlags, any_study, engine_keys, of_recipes
from runner.commands.asked_script import ScriptCommand, ScriptLevels, ScriptMetrics
from runner.commands.engine_options import Address, Detach, Engine, Jobs, Slurm, Strict
from runner.commands.limits import (
    CheckpointMinutes,
    MaxHours,
    NoCheckpoint,
    StallMinutes,
    asked_limits,
)
from runner.commands.options import (
    AllowDuplicates,
    DataFolder,
    Device,
    DryRun,
    Json,
    Plugins,
    Results,
    load_plugins,
)
from runner.launch.engine import LOCAL, EngineFlags, connected, with_engine
from runner.launch.options import Options
from runner.records.layout import RESULTS
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.studies.study import Study


def run(
    task: Annotated[
        str | None, typer.Option(help="The task: see `list tasks`. [default: digits]")
    ] = None,
    grid: Annotated[
        str | None, typer.Option(help="The grid of arms: see `list grids`. [default: add-one]")
    ] = None,
    tricks: Annotated[
        str | None,
        typer.Option(help="Tricks, as warmup,mixup(alpha=0.4), or none. [default: standard bag]"),
    ] = None,
    factor: Annotated[
        list[str] | None,
        typer.Option(
            help="A recipe field to vary: lr_scale=0.5,1,2. For a factor that --study already "
            "has: the levels to keep, or none to drop the factor. Repeatable."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A recipe field's value in all arms: epochs=5; or train_images=N, "
            "validation_share, test_share. Repeatable.",
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Seeds: the runs of each arm.")] = None,
    runs: Annotated[
        int | None,
        typer.Option(help="Runs of a fraction per seed. [default: 64 for the standard bag]"),
    ] = None,
    placebo: Annotated[
        bool,
        typer.Option(
            "--placebo",
            help="Add a factor that only changes the random numbers: its "
            "effect shows what pure noise looks like.",
        ),
    ] = False,
    control_seeds: Annotated[
        str | None,
        typer.Option(
            help="Seeds of the arm that all other arms are compared with (add-one, "
            "leave-one-out); auto: √k times --seeds, for k other arms."
        ),
    ] = None,
    study: Annotated[
        str | None, typer.Option(help="A study to run (again): a TOML file or a name.")
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            help='The level of a factor that "all on" means, such as optimizer=lars '
            "(leave-one-out, cumulative)."
        ),
    ] = None,
    order: Annotated[
        str | None, typer.Option(help="The order in which factors are added (cumulative).")
    ] = None,
    tune: Annotated[
        list[str] | None,
        typer.Option(
            help="A field and its candidates, such as lr_scale=0.25,0.5,1,2,4: each arm gets "
            "the best value on validation."
        ),
    ] = None,
    tune_seeds: Annotated[
        int | None, typer.Option(help="Seeds of each arm at each candidate of --tune. [default: 2]")
    ] = None,
    equal: Annotated[
        str | None,
        typer.Option(
            metavar="time",
            help="time: train each arm again, for as many epochs as fit into the baseline's "
            "training time.",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            help="decided or half-width=0.3 (pp): add seeds in a few planned looks until this "
            "holds. --seeds is the maximum. [default: 5 seeds per look, factorials 1]"
        ),
    ] = None,
    looks: Annotated[
        int | None, typer.Option(help="Planned looks of --until. [default: 4]")
    ] = None,
    confirm: Annotated[
        bool,
        typer.Option(
            "--confirm",
            help="Train the winner of the latest study, or of --study, and its baseline again "
            "on fresh seeds.",
        ),
    ] = False,
    script: ScriptCommand = None,
    level: ScriptLevels = None,
    metric: ScriptMetrics = None,
    name: Annotated[str | None, typer.Option(help="The study's name. [default: task-grid]")] = None,
    results: Results = RESULTS,
    data: DataFolder = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            help="A column of --task csv:PATH, such as patient: images with one value stay in "
            "one part of the split."
        ),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Download the task's data set first.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(help="Parallel runs in each job. [default: one per core, or one per GPU]"),
    ] = None,
    per_gpu: Annotated[
        int | None, typer.Option(help="Parallel runs on each GPU. [default: 1]")
    ] = None,
    device: Device = "auto",
    engine: Engine = None,
    jobs: Jobs = None,
    slurm: Slurm = None,
    detach: Detach = False,
    strict: Strict = False,
    address: Address = None,
    save_models: Annotated[
        str | None,
        typer.Option(
            metavar="[last|best|winner]",
            help="Keep the trained weights. last: of the last epoch; best: also of the best "
            "epoch on validation; winner: of one run of the best arm, trained again at the "
            "end.",
        ),
    ] = None,
    cache_gb: Annotated[
        float | None,
        typer.Option(
            help="Gigabytes of disk for decoded images; 0: decode images in every epoch. "
            "[default: a quarter of the free space]"
        ),
    ] = None,
    allow_duplicates: AllowDuplicates = False,
    plugin: Plugins = None,
    max_hours: MaxHours = None,
    stall_minutes: StallMinutes = None,
    checkpoint_minutes: CheckpointMinutes = None,
    no_checkpoint: NoCheckpoint = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before a long grid.")
    ] = False,
    dry_run: DryRun = False,
    smoke: Annotated[
        bool,
        typer.Option(
            "--smoke",
            help="Train every arm for two steps on small images, write a report, and keep no "
            "records.",
        ),
    ] = False,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Train a proxy that fits into --hours: a smaller network, smaller and fewer "
            "images, fewer epochs.",
        ),
    ] = False,
    hours: Annotated[
        float | None, typer.Option(help="Hours that --quick may take. [default: 0.5]")
    ] = None,
    estimate: Annotated[
        bool,
        typer.Option("--estimate", help="Measure a few steps of each recipe, and predict hours."),
    ] = False,
    json: Json = False,
) -> int:
    """Train a grid of tricks. Runs that are recorded already are not trained again.

    \b
    tricks-bench run --seeds 5
    tricks-bench run --grid full --tricks warmup,cosine,"mixup(alpha=0.4)" --set epochs=5
    tricks-bench run --tricks none --factor lr_scale=0.25,0.5,1,2,4 --name lr
    """
    plugins = load_plugins(plugin)
    limits = asked_limits(max_hours, stall_minutes, checkpoint_minutes, no_checkpoint)
    flags = StudyFlags(
        task=task, grid=grid, tricks=tricks, factor=factor, set=set_, seeds=seeds, runs=runs,
        placebo=placebo, control_seeds=control_seeds, study=study, reference=reference, order=order,
        tune=tune, tune_seeds=tune_seeds, equal=equal, until=until, looks=looks, confirm=confirm,
        name=name, data=data, group_by=group_by, script=script, level=level, metric=metric,
    )  # fmt: skip
    asked = any_study(flags, results)
    file = engine_keys(flags, results)
    where = EngineFlags(engine, jobs, slurm or (), detach, strict, workers, per_gpu, address)
    options = Options(
        results, where.at_a_time(file, device), device, plugins, limits, save_models=save_models,
        estimate=estimate, cache_gb=cache_gb, allow_duplicates=allow_duplicates,
    )  # fmt: skip
    options = with_engine(options, where, file, asked)
    if options.engine != LOCAL and (quick or smoke):
        raise BadInput(
            f"--quick and --smoke train on this machine only: leave out --engine {options.engine}"
        )
    if quick and smoke:
        raise BadInput("--quick and --smoke do not go together: choose one")
    if download and not dry_run:
        _download(of_recipes(asked, "--download is"))
    if quick:
        recipes = of_recipes(asked, "--quick is")
        asked = _quick(recipes, options, (hours, seeds), dry_run, json)
    elif hours is not None:
        raise BadInput("--hours is for --quick: use --max-hours to stop any other run")
    if dry_run:
        from runner.commands.dry_run import say_dry_run
        from runner.launch.dry_run import dry_run as would_train

        say_dry_run(would_train(asked, options), json)
        return 0
    if smoke:
        from runner.commands.smoke import say_smoke

        return say_smoke(of_recipes(asked, "--smoke is"), options)
    from runner.commands.console import Console, asking, exit_code
    from runner.launch.run import run as train

    options = replace(connected(options, where, file), ask=None if yes else asking(json))
    return exit_code(train(asked, options, Console(options, json)))


def _quick(
    study: Study,
    options: Options,
    size: tuple[float | None, int | None],
    dry_run: bool,
    json: bool,
) -> Study:
    """The quick study that stands for `study`; prints what it is. size: hours, seeds."""
    from runner.commands.console import Console
    from runner.launch.quick import quick

    console = Console(options, json)
    found = quick(study, options, *size, None if dry_run else console)
    if not (dry_run and json):
        for line in found.lines:
            console.say(line)
    return found.study


def _download(study: Study) -> None:
    if study.task.download is None:
        raise BadInput(f"--download: the task {study.task.name} has nothing to download")
    study.task.download(study.data_folder)
