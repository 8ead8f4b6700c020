"""run --smoke: train every arm of a study for two steps on small images, and write the report.

It finds errors that a long study would meet after hours: in an arm's network, its loss, its
evaluation, or the report. Its numbers mean nothing, so store and report are deleted. If a run
failed, they stay for its log.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.launch.executing import executed, work_of
from runner.launch.opening import opened
from runner.records.spec import RunSpec
from runner.records.store import Store
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.designs.factor import Arm
    from runner.execution.events import Summary
    from runner.launch.listener import Listener
    from runner.launch.options import Options
    from runner.records.spec import Fingerprint
    from runner.studies.study import Study
    from tricks.recipe import Recipe

STEPS = 2
BATCH = 32  # images, at most
SIDE = 64  # pixels, at most
WIDTH = 0.125  # the largest width of a network whose width can be set


@dataclass(frozen=True)
class Smoked:
    """The outcome of a smoke run. report: why no report could be written; None: it was written.

    logs: the store with its logs, which stays if a run failed.
    """

    arms: int
    summary: Summary
    report: str | None
    logs: Path | None


def smoke(study: Study, options: Options, listener: Listener) -> Smoked:
    """Train every arm of `study` for two steps in a temporary store.

    Raises BadInput for missing images, and for a recipe that cannot be trained.
    """
    from runner.records.studies import save_study

    opened(study, options)
    study = replace(study, tuning=None, equal_time=False, looks=None, seeds=1)
    planned = list(_planned(study))
    specs = list({spec.id: spec for _, spec in planned}.values())
    # No run continues from a temporary store.
    limits = replace(options.limits, checkpoint=None)
    place = Path(tempfile.mkdtemp(prefix="tricks-bench-"))
    keep = False
    try:
        options = replace(options, results=place / "results", limits=limits)
        store = Store(options.results)
        rows = [study.row(arm, spec) for arm, spec in planned]
        save_study(store, study.name, study.as_stored(), rows)
        work = work_of(study, specs, options)
        summary = executed(specs, store, work, options, listener, recorded=0)
        keep = bool(summary.failed or summary.infra)
        logs = options.results if keep else None
        return Smoked(len(specs), summary, _report(study.name, options.results, place), logs)
    finally:
        if not keep:
            shutil.rmtree(place, ignore_errors=True)


def _planned(study: Study) -> Iterator[tuple[Arm, RunSpec]]:
    """Every arm once, at the smallest size that can be trained."""
    splits = study.task.load(study.data_folder, study.train_images)
    images = min(len(splits.train), max(STEPS * BATCH, splits.classes))
    data: Fingerprint = study.task.identity(study.data, images)
    for arm in dict.fromkeys(study.design):
        recipe = _small(study.recipe(arm), images)
        spec = study.spec(arm, study.design.seed(arm, 0))
        yield arm, RunSpec(data, recipe, spec.seed, spec.tricks)


def _small(recipe: Recipe, images: int) -> Recipe:
    """One epoch of two steps, or of a few more if each class needs an image."""
    return replace(
        recipe,
        epochs=1,
        batch_size=min(recipe.batch_size, BATCH, max(1, images // STEPS)),
        resolution=min(recipe.resolution, SIDE),
        width=min(recipe.width, WIDTH),
    )


def _report(name: str, results: Path, out: Path) -> str | None:
    from runner.reporting.material import gather
    from runner.reporting.report import write_report

    try:
        write_report(gather(results, name), out / "report")
    except BadInput as error:
        return str(error)
    return None
