"""run: plan a study and train what is missing of it."""

from __future__ import annotations

import copy
import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands.options import Json, Plugins, Results, assignments, listed, load_plugins
from runner.designs.levels import choose_levels
from runner.execution.machine import at_a_time
from runner.launch.room import CheckpointMinutes, NoCheckpoint, asked_limits
from runner.records.layout import RESULTS
from runner.tasks import registry as tasks
from runner.text import counted
from tricks.errors import BadInput, unknown

if TYPE_CHECKING:
    from runner.studies.asked import Asked
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
        int | None, typer.Option(help="Runs at a time. [default: one a core, one on a GPU]")
    ] = None,
    per_gpu: Annotated[
        int | None, typer.Option(help="Runs at a time on each GPU. [default: 1]")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    save_models: Annotated[
        str | None,
        typer.Option(
            metavar="[last|best]",
            help="Keep the trained weights; best: also those of the best epoch on validation.",
        ),
    ] = None,
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
    workers = at_a_time(workers, per_gpu, device)
    limits = asked_limits(max_hours, stall_minutes, checkpoint_minutes, no_checkpoint)
    if confirm:
        from runner.launch.confirm import confirming

        no_more = (
            task, grid, tricks, factor, set_, reference, order, tune, until, looks, runs,
            control_seeds, placebo or None,
        )  # fmt: skip
        asked, file = confirming(study, results, any(x is not None for x in no_more)), None
    else:
        asked, file = _asked(study, results)
    written = copy.deepcopy(asked)
    if task in (None, "folder", "csv"):  # a path in --task says by itself where images are
        asked.task, data = tasks.placed(task or asked.task, data, asked.layout)
        written.task = asked.task
    else:
        asked.task = task
    asked.task = _grouped(asked.task, group_by)
    asked.grid = grid or asked.grid
    asked.name = asked.name if name is None else name
    asked.seeds = asked.seeds if seeds is None else seeds
    asked.runs = asked.runs if runs is None else runs
    asked.placebo = asked.placebo or placebo
    asked.control_seeds = asked.control_seeds if control_seeds is None else control_seeds
    asked.tricks = asked.tricks if tricks is None else listed(tricks)
    asked.order = asked.order if order is None else (listed(order) or [])
    asked.until = asked.until if until is None else until
    asked.looks = asked.looks if looks is None else looks
    asked.reference |= assignments("--reference", reference)
    asked.set |= assignments("--set", set_)
    asked.factor |= {
        field: list(listed(values) or ["none"])
        for field, values in assignments("--factor", factor).items()
    }
    asked.levels, asked.factor = choose_levels(asked.levels, asked.factor)
    asked.tune_seeds = asked.tune_seeds if tune_seeds is None else tune_seeds
    if tune:
        fields = assignments("--tune", tune)
        asked.tune = {field: list(listed(values) or ["none"]) for field, values in fields.items()}

    from runner.commands.dry_run import open_store, say_plan, to_train
    from runner.launch.train import train_plan
    from runner.launch.weights import complete, keeping, say_missing
    from runner.planning.hours import hours_of

    plan = keeping(_build(asked, data, results, written, file), save_models)
    if download and not dry_run:
        _download(plan, data)
    store = open_store(plan, results)
    if plan.looks is not None:
        from runner.launch.until import train_until, with_level

        plan = with_level(plan, store)
    if dry_run:
        hours = functools.partial(hours_of, plan, store, workers, device, plugins, estimate)
        say_plan(plan, store, json, hours)
        say_missing(plan, store, json)
        return 0
    if estimate:
        told = hours_of(plan, store, workers, device, plugins, True, to_train(plan, store))
        print(
            f"{counted(told.runs, 'run')} to train: {told}", file=sys.stderr if json else sys.stdout
        )
    if plan.looks is not None:
        code = train_until(plan, results, workers, device, plugins, yes, json, limits)
    else:
        code = train_plan(plan, store, results, workers, device, plugins, yes, json, limits)
    if plan.confirm is not None and not json:
        from runner.launch.confirm import say_promise

        say_promise(plan, results)
    return code or complete(plan, results, workers, device, plugins, json, limits)


def _build(
    asked: Asked, data: Path | None, results: Path, written: Asked, file: Path | None
) -> Study:
    """The study asked for. A mistake that the study's file alone has is told with its name."""
    from runner.commands.dry_run import recorded_level
    from runner.studies.study import build, study_name

    try:
        asked.placebo_level = recorded_level(study_name(asked), results) or asked.placebo_level
        return build(asked, data)
    except BadInput as error:
        if file is None:
            raise
        try:
            build(written, data)
        except BadInput as same:
            if str(same) == str(error):
                raise BadInput(f"{file}: {str(error).removeprefix('--')}") from error
        raise


def _grouped(task: str, column: str | None) -> str:
    """The task's name with the column whose values are kept together; see `csv_task`."""
    if column is None:
        return task
    if not task.startswith("csv:"):
        raise BadInput(f"--group-by names a column of --task csv:PATH: {task} has none")
    return f"{task.partition('#')[0]}#{column}"


def _asked(study: str | None, results: Path) -> tuple[Asked, Path | None]:
    """What `--study` asks for, and its file: one named, one that the store holds, a shipped one."""
    from runner.studies.asked import Asked, from_stored, read, shipped

    if study is None:
        return Asked(), None
    if study.endswith(".toml") or "/" in study:
        return read(Path(study)), Path(study)
    names: list[str] = []
    if (results / "FORMAT").exists():
        from runner.records.store import Store
        from runner.records.studies import load_study, study_names

        store = Store(results, create=False)
        names = study_names(store)
        if study in names:
            file = store.root / "studies" / study / "study.toml"
            return from_stored(load_study(store, study).asked, file), file
    if study in shipped():
        asked = read(shipped()[study])
        asked.name = asked.name or study
        return asked, shipped()[study]
    known = [*shipped(), *names]
    if not known:
        raise BadInput(f"unknown study {study!r}: name a TOML file, such as {study}.toml")
    raise unknown("study", study, known)


def _download(study: Study, data: Path | None) -> None:
    from runner.tasks.task import DATA

    if study.task.download is None:
        raise BadInput(f"--download: the task {study.task.name} has nothing to download")
    study.task.download(data or DATA)
