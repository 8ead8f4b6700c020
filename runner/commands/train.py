"""Train what a plan lacks."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from runner.commands.options import RESULTS, cores, on_gpu
from runner.records.store import Store
from runner.tasks import work

if TYPE_CHECKING:
    from runner.records.spec import RunSpec
    from runner.study import Study


def train_plan(
    plan: Study,
    store: Store | None,
    results: Path,
    workers: int,
    device: str,
    plugins: list[str],
    yes: bool,
) -> int:
    """Train the runs of `plan` that `store` lacks, in the folder `results`; the exit code.

    A grid that will take long says so first and, on a terminal, asks unless `yes`.
    """
    from runner.commands.forecast import forecast

    states = store.states() if store else {}
    planned = list(plan.planned())
    specs: dict[str, RunSpec] = {spec.id: spec for _, spec in planned}
    missing = [s for s in specs.values() if states.get(s.id, "infra") == "infra"]
    if missing:
        plan.task.check(plan.data_folder)
    _check(plan, missing, device, plugins)
    long = forecast(plan, missing, results, workers, device, plugins)
    if long:
        print(long)
        if not yes and sys.stdin.isatty() and sys.stdout.isatty():
            typer.confirm("start?", default=True, abort=True)

    from runner.execution.executor import execute
    from runner.execution.progress import Progress
    from runner.records.studies import save_study

    store = Store(results)
    save_study(store, plan.name, plan.to_toml(), (plan.row(*item) for item in planned))
    train = functools.partial(
        work.train,
        task=plan.task.name,
        data=str(plan.data_folder),
        device=device,
        loaders=max(1, cores() // workers),
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
            runs_per_process=1000 if on_gpu(device) else 1,
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


def _check(plan: Study, missing: list[RunSpec], device: str, plugins: list[str]) -> None:
    """Raises BadInput for what only torch and timm can tell, before anything is written."""
    if any(spec.recipe.start == "pretrained" for spec in missing):
        print("looking for pretrained weights", flush=True)
    where = {"task": plan.task.name, "data": str(plan.data_folder)}
    work.check_networks(missing, **where, plugins=plugins)
    if missing and (plan.train_images is not None or device.startswith("cuda")):
        # A few steps of one run also load the images and ask for the device.
        work.predict_seconds(missing[:1], **where, device=device, plugins=plugins)
