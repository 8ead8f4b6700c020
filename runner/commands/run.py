"""run: plan a study and train what is missing of it."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.commands.options import (
    RESULTS,
    Json,
    Plugins,
    Results,
    assignments,
    listed,
    load_plugins,
    print_json,
)
from tricks.errors import BadInput, unknown

if TYPE_CHECKING:
    from runner.records.spec import RunSpec
    from runner.studies import Asked
    from runner.study import Study


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
        typer.Option(help="A recipe field to vary: lr_scale=0.5,1,2; may be repeated."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="A recipe field for all arms: epochs=5; or train_images=N. Repeatable."
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Runs of each arm.")] = None,
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
    name: Annotated[str | None, typer.Option(help="The study's name. [default: task-grid]")] = None,
    results: Results = RESULTS,
    data: Annotated[
        Path | None, typer.Option(help="Where data sets are. [default: ./data]")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the task's data set first.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(help="Runs at a time. [default: one a core, one on a GPU]")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    plugin: Plugins = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before a long grid.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be trained, and leave.")
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
    workers = _workers(workers, device)
    asked = _asked(study, results)
    asked.task = task or asked.task
    asked.grid = grid or asked.grid
    asked.name = asked.name if name is None else name
    asked.seeds = asked.seeds if seeds is None else seeds
    asked.tricks = asked.tricks if tricks is None else listed(tricks)
    asked.order = asked.order if order is None else (listed(order) or [])
    asked.reference |= assignments("--reference", reference)
    asked.set |= assignments("--set", set_)
    asked.factor |= {
        field: list(listed(values) or ["none"])
        for field, values in assignments("--factor", factor).items()
    }

    from runner.study import build

    plan = build(asked, data)
    if download and not dry_run:
        _download(plan, data)
    states = _states(plan, results)
    if dry_run:
        _say_plan(plan, states, json)
        return 0
    for note in plan.notes:
        print(note)
    return _train(plan, states, results, workers, device, plugins, yes)


def _workers(workers: int | None, device: str) -> int:
    if device.partition(":")[0] not in ("auto", "cpu", "cuda"):
        raise BadInput(f"--device {device}: choose auto, cpu or cuda")
    if workers is not None:
        if workers < 1:
            raise BadInput(f"--workers must be at least 1, not {workers}")
        return workers
    return 1 if _on_gpu(device) else len(os.sched_getaffinity(0))


def _on_gpu(device: str) -> bool:
    """Whether runs will go to a GPU, as far as can be told without importing torch."""
    return device.startswith("cuda") or (device == "auto" and Path("/dev/nvidia0").exists())


def _asked(study: str | None, results: Path) -> Asked:
    """What `--study` asks for: a file, a shipped study, or one that the store holds."""
    from runner.studies import Asked, from_stored, read, shipped

    if study is None:
        return Asked()
    if study in shipped():
        asked = read(shipped()[study])
        asked.name = asked.name or study
        return asked
    if study.endswith(".toml") or "/" in study:
        return read(Path(study))
    names: list[str] = []
    if results.is_dir():
        from runner.records.store import Store
        from runner.records.studies import load_study, study_names

        store = Store(results, create=False)
        names = study_names(store)
        if study in names:
            return from_stored(load_study(store, study).asked)
    known = [*shipped(), *names]
    if not known:
        raise BadInput(f"unknown study {study!r}: name a TOML file, such as {study}.toml")
    raise unknown("study", study, known)


def _download(plan: Study, data: Path | None) -> None:
    from runner.tasks.task import DATA

    if plan.task.download is None:
        raise BadInput(f"--download: the task {plan.task.name} has nothing to download")
    plan.task.download(data or DATA)


def _states(plan: Study, results: Path) -> dict[str, str]:
    """States by id of all records in the store; checks that the study may go on there."""
    plan.identity  # noqa: B018 - a missing data set is said before anything else happens
    if not results.exists() or (results.is_dir() and not (results / "FORMAT").exists()):
        return {}
    from runner.records.store import Store
    from runner.records.studies import load_study, study_names
    from runner.studies.recorded import check_extends

    store = Store(results, create=False)
    if plan.name in study_names(store):
        check_extends(plan, load_study(store, plan.name).asked)
    return store.states()


def _say_plan(plan: Study, states: dict[str, str], json: bool) -> None:
    from runner.designs.factor import describe
    from runner.studies.recorded import recorded

    held = recorded(plan, states)
    summary: dict[str, Any] = {
        "study": plan.name,
        "task": plan.task.name,
        "grid": plan.grid,
        "factors": describe(plan.factors),
        "arms": plan.design.count,
        "excluded": plan.design.excluded,
        "runs": plan.runs,
        "recorded": held,
        "missing": None if held is None else plan.runs - held,
        "seeds": plan.seeds,
        "settings": dict(plan.settings),
        "notes": list(plan.notes),
    }
    if held is None:
        summary["reason"] = f"{plan.runs:,} runs are too many to look up in the store one by one"
    if json:
        print_json(summary)
        return
    print(f"{plan.name}: {plan.grid} on {plan.task.name}")
    for factor in plan.factors:
        print(f"  {factor.name}: {', '.join(level.name for level in factor.levels)}")
    for key, value in plan.settings.items():
        print(f"  {key} = {value} in all arms")
    for note in plan.notes:
        print(note)
    arms = f"{plan.design.count:,} arms ({plan.design.excluded:,} excluded)"
    print(f"{arms} with {plan.seeds} seed{'s' * (plan.seeds > 1)}: {plan.runs:,} runs")
    print(
        summary["reason"] if held is None else f"{held:,} recorded, {plan.runs - held:,} to train"
    )


def _train(
    plan: Study,
    states: dict[str, str],
    results: Path,
    workers: int,
    device: str,
    plugins: list[str],
    yes: bool,
) -> int:
    from runner.commands.forecast import forecast

    planned = list(plan.planned())
    specs: dict[str, RunSpec] = {spec.id: spec for _, spec in planned}
    missing = [s for s in specs.values() if states.get(s.id, "infra") == "infra"]
    plan.task.check(plan.data_folder)
    long = forecast(plan, missing, results, workers, device)
    if long:
        print(long)
        if not yes and sys.stdin.isatty() and sys.stdout.isatty():
            typer.confirm("start?", default=True, abort=True)

    from runner.execution.executor import execute
    from runner.execution.progress import Progress
    from runner.records.store import Store
    from runner.records.studies import save_study
    from runner.tasks import work

    store = Store(results)
    save_study(store, plan.name, plan.to_toml(), (plan.row(*item) for item in planned))
    train = functools.partial(
        work.train, task=plan.task.name, data=str(plan.data_folder), device=device
    )
    done = len(specs) - len(missing)
    with Progress(len(specs), recorded=done, workers=workers, results=results) as progress:
        summary = execute(
            list(specs.values()),
            store,
            train,
            workers=workers,
            preload=work.preload(),
            plugins=plugins,
            runs_per_process=1000 if _on_gpu(device) else 1,
            on_event=progress,
        )
    counts = {"ok": summary.ok, "diverged": summary.diverged, "recorded before": summary.skipped}
    print(f"{plan.name}: {', '.join(f'{n:,} {what}' for what, n in counts.items() if n)}")
    where = "" if results == RESULTS else f" --results {results}"
    if summary.interrupted:
        print(f"interrupted: `tricks-bench run --study {plan.name}{where}` goes on from here")
        return 130
    bad = summary.failed + summary.infra + summary.failed_before
    if bad:
        print(
            f"{bad} runs failed: `tricks-bench status {plan.name}{where}` counts them, "
            f"`tricks-bench retry {plan.name}{where}` opens them again"
        )
    print(f"`tricks-bench report {plan.name}{where}` writes the report")
    return 1 if bad else 0
