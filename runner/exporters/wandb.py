"""Weights & Biases: an offline folder for each run; `wandb sync` uploads it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from runner.exporters.run_log import RunLog
from runner.records import atomic_write

NAME = "wandb"
LOOK = "wandb sync {folder}/wandb/offline-run-*"
WRITTEN = "tricks-bench"  # the file in a run's folder with its digest


def write(runs: Sequence[RunLog], folder: Path) -> int:
    """Write `folder`/wandb/offline-run-…-ID, one per run; changed runs are replaced."""
    changed = 0
    for run in runs:
        held = sorted((folder / "wandb").glob(f"offline-run-*-{run.id}"))
        if len(held) == 1 and _digest(held[0]) == run.digest:
            continue
        for old in held:
            shutil.rmtree(old)
        _add(run, folder)
        changed += 1
    return changed


def _digest(place: Path) -> str:
    file = place / WRITTEN
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _add(run: RunLog, folder: Path) -> None:
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb

    settings = wandb.Settings(
        silent=True, console="off", disable_git=True, save_code=False, x_disable_stats=True,
        x_disable_meta=True, disable_job_creation=True,
    )  # fmt: skip
    made = wandb.init(
        project=run.study, id=run.id, name=run.name, group=run.arm[:128], mode="offline",
        dir=str(folder), config=dict(run.config), settings=settings, reinit="create_new",
        tags=[run.state, *(t[:64] for t in run.tags["tricks"].split(" + "))],
    )  # fmt: skip
    made.config.update({f"tag.{name}": text for name, text in run.tags.items()})
    for epoch in run.epochs:
        made.log({"epoch": epoch.epoch, "_timestamp": epoch.time, **epoch.metrics})
    made.summary.update({**run.metrics, "state": run.state})
    place = Path(made.dir).parent
    made.finish(exit_code=0 if run.state in ("ok", "diverged") else 1)
    atomic_write.replace(place / WRITTEN, run.digest.encode())


WRITE = write
