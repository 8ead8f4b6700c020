"""Train what a plan lacks."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import msgspec
import typer

from runner.execution.machine import cores, gpus, on_gpu
from runner.launch.exit_code import both, failed, left_code
from runner.launch.going_on import go_on, places
from runner.launch.tuned import chosen_line, list_runs
from runner.launch.weights import saving
from runner.planning import trial
from runner.records.layout import at
from runner.records.store import Store
from runner.tasks.recipe_run import RecipeRun
from runner.text import counted, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.execution.events import Summary
    from runner.execution.limits import Limits
    from runner.records.spec import RunSpec
    from runner.studies.study import Study


def train_plan(
    study: Study,
    store: Store | None,
    results: Path,
    workers: int,
    device: str,
    plugins: list[str],
    yes: bool,
    json: bool = False,
    limits: Limits | None = None,
) -> int:
    """Train the runs of `study` that `store` lacks, in the folder `results`; the exit code.

    With `json` stdout gets the summary alone, as JSON.
    """
    aside = sys.stderr if json else sys.stdout
    for note in study.notes:
        print(note, file=aside)
    summary = train_runs(study, store, results, workers, device, plugins, yes, aside, limits)
    if summary is None:
        return 0
    if json:
        print_json(_counts(study, summary))
    else:
        states = Store(results).states({spec.id for _, spec in study.planned()})
        again = go_on(study.name, results, places(study, plugins), device)
        _say(study, summary, results, again, any(s == "ok" for s in states.values()))
    if summary.interrupted:
        return left_code(summary)
    return 1 if failed(summary) else 0


def train_runs(
    study: Study,
    store: Store | None,
    results: Path,
    workers: int,
    device: str,
    plugins: list[str],
    yes: bool,
    aside: TextIO,
    limits: Limits | None = None,
) -> Summary | None:
    """Train the runs of `study` that `store` lacks; None if the user would rather not.

    A grid that will take long says so first on `aside` and, on a terminal, asks unless `yes`.
    """
    from runner.execution.engines import template
    from runner.execution.limits import Limits
    from runner.launch.changed_plugins import changed
    from runner.launch.room import check_room
    from runner.planning.forecast import forecast

    limits = limits or Limits()
    json = aside is sys.stderr
    check_writable(results)
    states = store.states() if store else {}
    planned, to_choose = list_runs(study, store)
    specs: dict[str, RunSpec] = {spec.id: spec for _, spec in planned}
    missing = [s for s in specs.values() if states.get(s.id, "infra") == "infra"]
    for line in changed(specs.values(), store, states):
        print(line, file=aside)
    work = RecipeRun(study.task.name, str(study.data_folder), device, plugins=tuple(plugins))
    if specs:
        work = work.sharing(next(iter(specs.values())))
    if missing:
        study.task.check(study.data_folder)
        template.warm_up(work.preload())  # in the background: torch is imported meanwhile
        what = "builds their networks, measures a few steps"
        print(f"preparing to train {counted(len(missing), 'run')}: {what}", file=aside, flush=True)
        if any(spec.recipe.start == "pretrained" for spec in missing):
            print("looking for pretrained weights", file=aside, flush=True)
        seconds = _check(work, missing, list(specs.values()), store)
        reserve = check_room(study, missing, store, states, results, workers, work)
        limits = replace(limits, run=seconds, reserve=reserve)
        long = forecast(study, len(missing) + to_choose, seconds, workers)
        if long:
            print(long, file=aside)
            asking = not yes and sys.stdin.isatty() and aside.isatty()
            if asking and not typer.confirm("start?", default=True, err=json):
                print("nothing was started", file=aside)
                return None

    from runner.execution.executor import execute
    from runner.execution.order import Order
    from runner.execution.progress import Progress
    from runner.records.studies import save_study
    from runner.records.study_toml import Places

    store = Store(results)
    where = msgspec.convert(places(study, plugins), Places | None)
    asked = msgspec.structs.replace(study.as_stored(), places=where)
    save_study(store, study.name, asked, (row for row, _ in planned))
    work = replace(
        work,
        device="cuda" if gpus(device) else device,  # the only one that a worker sees
        loaders=max(1, cores() // workers),
        **saving(study.save_models, store, study),
    )
    order = Order(
        work,
        workers,
        runs_per_process=1000 if gpus(device) else 1,
        gpus=gpus(device),
        limits=limits,
    )

    def train_all(specs: list[RunSpec], recorded: int) -> Summary:
        with Progress(
            len(specs), recorded=recorded, workers=workers, results=results, stream=aside
        ) as progress:
            return execute((spec.run() for spec in specs), store, order, progress)

    summary = train_all(list(specs.values()), len(specs) - len(missing))
    if to_choose and summary.asked_to_stop:  # on its last run: the next stage is not begun
        summary = replace(summary, interrupted=True)
    if to_choose and not summary.interrupted:
        planned, to_choose = list_runs(study, store)
        save_study(store, study.name, asked, (row for row, _ in planned))
        tuned = {spec.id: spec for _, spec in planned if spec.id not in specs}
        print(chosen_line(study, planned, to_choose), file=aside, flush=True)
        if tuned:
            held = store.states(tuned).values()
            recorded = sum(state != "infra" for state in held)
            summary = both(summary, train_all(list(tuned.values()), recorded))
    return summary


def check_writable(results: Path) -> None:
    """Raises BadInput if no store can be kept in `results`; nothing is left there.

    Permissions do not tell all (root, file systems of the kernel): a file without a name does.
    """
    import tempfile

    from tricks.errors import BadInput

    path = results.absolute()
    there = next(p for p in (path, *path.parents) if p.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise BadInput(
            f"cannot use {results} as a store: {there} cannot be written to "
            f"({error.strerror or error}); choose another folder with --results"
        ) from error


def _check(
    work: RecipeRun, missing: Sequence[RunSpec], specs: Sequence[RunSpec], store: Store | None
) -> float:
    """Seconds that a run takes, by records of like runs or by a few steps.

    Raises BadInput for what only a training can tell, before anything is written.
    """
    from runner.planning.forecast import recorded_seconds, sample

    trial.check_networks(missing, work)
    if store is not None and not on_gpu(work.device):
        seconds = recorded_seconds(missing, specs, store, store.states())
        if seconds is not None:
            return seconds
    return trial.predict_seconds(sample(missing), work)


def _counts(study: Study, summary: Summary) -> dict[str, object]:
    return {
        "study": study.name,
        "ok": summary.ok,
        "diverged": summary.diverged,
        "failed": summary.failed,
        "infra": summary.infra,
        "recorded_before": summary.skipped,
        "interrupted": summary.interrupted,
        "out_of_time": summary.out_of_time,
        "paused": summary.paused,
    }


def _say(study: Study, summary: Summary, results: Path, again: str, any_ok: bool) -> None:
    """Print what came of it, and what to do next."""
    counts = {
        "ok": summary.ok,
        "diverged": summary.diverged,
        "failed": summary.failed,
        "infra": summary.infra,
        "recorded before": summary.skipped,
    }
    text = ", ".join(f"{n:,} {what}" for what, n in counts.items() if n)
    print(f"{study.name}: {text or 'no run was finished'}")
    if summary.interrupted:
        why = "the time is over" if summary.out_of_time else "interrupted"
        print(f"{why}: `{again}` goes on from here")
        return
    where = at(results)
    bad = failed(summary)
    if bad:
        them = "it" if bad == 1 else "them"
        print(
            f"{counted(bad, 'run')} failed: `tricks-bench status {study.name}{where}` tells "
            f"why, `tricks-bench retry {study.name}{where}` opens {them} again"
        )
    if any_ok:
        print(f"`tricks-bench report {study.name}{where}` writes the report")
