"""run: train the runs of a study that are not recorded yet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands.asked import StudyFlags, any_study, engine_keys, of_recipes
from runner.commands.engine_options import Address, Detach, Engine, Jobs, Slurm, Strict
from runner.commands.limits import CheckpointMinutes, NoCheckpoint, asked_limits
from runner.commands.options import AllowDuplicates, Json, Plugins, Results, load_plugins
from runner.launch.engine import LOCAL, EngineFlags, connected, with_engine
from runner.launch.options import Options
from runner.records.layout import RESULTS
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.studies.study import Study


def run(
    task: Annotated[
        str | None, typer.Option(help="What to train on: `list tasks`. [default: digits]")
    ] = None,
    grid: Annotated[
        str | None, typer.Option(help="Which arms: `list grids`. [default: add-one]")
    ] = None,
    tricks: Annotated[
        str | None,
        typer.Option(help="Tricks, as warmup,mixup(alpha=0.4); or none. [default: standard bag]"),
    ] = None,
    factor: Annotated[
        list[str] | None,
        typer.Option(
            help="A recipe field to vary: lr_scale=0.5,1,2; of a study's own factors, the levels "
            "to keep, or none. Repeatable."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A recipe field for all arms: epochs=5; or train_images=N, validation_share, "
            "test_share. Repeatable.",
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Runs of each arm.")] = None,
    runs: Annotated[
        int | None,
        typer.Option(help="Runs of a fraction, once over. [default: 64 for the standard bag]"),
    ] = None,
    placebo: Annotated[
        bool,
        typer.Option("--placebo", help="Add a factor that only draws other random numbers."),
    ] = False,
    control_seeds: Annotated[
        str | None,
        typer.Option(
            help="Runs of the arm that all others are compared with (add-one, leave-one-out); "
            "auto: √k times --seeds."
        ),
    ] = None,
    study: Annotated[
        str | None, typer.Option(help="A study to run (again): a TOML file or a name.")
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(help='What "all on" means, e.g. optimizer=lars (leave-one-out, cumulative).'),
    ] = None,
    order: Annotated[
        str | None, typer.Option(help="Factors in the order they are added (cumulative).")
    ] = None,
    tune: Annotated[
        list[str] | None,
        typer.Option(
            help="A field of which each arm gets its own value, chosen on validation: "
            "lr_scale=0.25,0.5,1,2,4."
        ),
    ] = None,
    tune_seeds: Annotated[
        int | None, typer.Option(help="Tuning runs of each arm at each value. [default: 2]")
    ] = None,
    equal: Annotated[
        str | None,
        typer.Option(
            metavar="time",
            help="time: run each arm again for as many epochs as take the baseline's training "
            "time.",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            help="decided or half-width=0.3 (pp): add seeds in a few planned looks until then; "
            "--seeds is the most. [default: 5 a look, factorials 1]"
        ),
    ] = None,
    looks: Annotated[
        int | None, typer.Option(help="Planned looks of --until. [default: 4]")
    ] = None,
    confirm: Annotated[
        bool,
        typer.Option(
            "--confirm",
            help="Run the winner of the latest study, or of --study, again on fresh seeds.",
        ),
    ] = False,
    script: Annotated[
        str | None,
        typer.Option(
            help="A training script of your own in the place of tricks: 'python train.py "
            "{arguments} --seed {seed} --output {out}'."
        ),
    ] = None,
    level: Annotated[
        list[str] | None,
        typer.Option(
            help="Of --script: FACTOR.LEVEL='arguments', as mixup.on='--mixup 0.2'; the reference "
            "is off, or the level named first. Repeatable."
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help='Of --script: top1={file="{out}/result.json", key="top1"}; or column of a CSV, '
            "pattern in the output. Repeatable."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The study's name. [default: task-grid]")] = None,
    results: Results = RESULTS,
    data: Annotated[
        Path | None, typer.Option(help="Where data sets are. [default: ./data]")
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            help="A column of --task csv:PATH; no value of it is on both sides of a split."
        ),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the task's data set first.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(help="Runs at a time, in each job. [default: one a core, one on a GPU]"),
    ] = None,
    per_gpu: Annotated[
        int | None, typer.Option(help="Runs at a time on each GPU. [default: 1]")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
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
            help="Keep the trained weights; best: also those of the best epoch on validation; "
            "winner: of one run, trained again in the end.",
        ),
    ] = None,
    cache_gb: Annotated[
        float | None,
        typer.Option(
            help="Gigabytes that decoded images may take on the disk; 0: decode them in every "
            "epoch. [default: a quarter of what is free]"
        ),
    ] = None,
    allow_duplicates: AllowDuplicates = False,
    plugin: Plugins = None,
    max_hours: Annotated[
        float | None,
        typer.Option(
            help="Stop after so long as Ctrl-C once does, and begin no run that would take longer: "
            "exit code 75; the same command goes on."
        ),
    ] = None,
    stall_minutes: Annotated[
        float | None,
        typer.Option(
            help="End a run and try it again that gave no sign of life (a batch, an epoch) for so "
            "long. [default: 30]"
        ),
    ] = None,
    checkpoint_minutes: CheckpointMinutes = None,
    no_checkpoint: NoCheckpoint = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before a long grid.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be trained, and leave.")
    ] = False,
    smoke: Annotated[
        bool,
        typer.Option(
            "--smoke",
            help="Train every arm for two steps at small size, write the report, keep nothing.",
        ),
    ] = False,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Train a proxy that fits --hours: a small network, fewer pixels, images and "
            "epochs.",
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
    """Train a grid of tricks; what is recorded already is not trained again.

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
            "--quick and --smoke measure and try on this machine: without --engine "
            f"{options.engine}"
        )
    if quick and smoke:
        raise BadInput("--quick and --smoke do not go together: choose one")
    if download and not dry_run:
        _download(of_recipes(asked, "--download is"))
    if quick:
        recipes = of_recipes(asked, "--quick is")
        asked = _quick(recipes, options, (hours, seeds), dry_run, json)
    elif hours is not None:
        raise BadInput("--hours is for --quick: --max-hours stops any run after so long")
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
    """The quick study in the place of `study`, once it has said what it is. size: hours, seeds."""
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
