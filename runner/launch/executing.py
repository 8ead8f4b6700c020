"""Execute the runs of a study in worker processes, or submit jobs that do so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.execution.order import Order
from runner.launch.kind import Trainer
from runner.launch.listener import Listener
from runner.launch.options import Options
from runner.tasks.recipe_run import RecipeRun

if TYPE_CHECKING:
    from runner.execution.events import Summary
    from runner.records.run import Spec
    from runner.records.spec import RunSpec
    from runner.records.store import Store
    from runner.studies.study import Study

RUNS_PER_PROCESS = 1000  # on a GPU, where a process takes seconds to start


def work_of(study: Study, specs: Sequence[RunSpec], options: Options) -> RecipeRun:
    """The work that trains each of `specs`; images are loaded once for all runs."""
    task, data = study.task.name, str(study.data_folder)
    kept = str(options.results.absolute())
    work = RecipeRun(
        task, data, options.device, plugins=options.plugins, cache_gb=options.cache_gb,
        examples=kept,
    )  # fmt: skip
    if options.alike:  # else each node divides its GPUs and cores itself
        work = work.shared_out(options.workers)
    return work.sharing(specs[0]) if specs else work


def executed(
    specs: Sequence[Spec],
    store: Store,
    work: Trainer,
    options: Options,
    listener: Listener,
    *,
    recorded: int,
) -> Summary:
    """Train the runs of `specs` that `store` lacks. recorded: the number of runs that it has."""
    from runner.execution.executor import execute

    order = ordered(work, options)
    with listener.training(len(specs), recorded, options.workers, store.root) as told:
        return execute((spec.run() for spec in specs), store, order, told)


def submitted(
    specs: Sequence[Spec], store: Store, work: Trainer, options: Options, listener: Listener
) -> Summary:
    """Submit jobs for the runs of `specs` that `store` lacks, without waiting for the jobs."""
    from runner.execution.clusters.submitting import submit
    from runner.execution.events import Summary

    states = store.states()
    missing = [spec.run() for spec in specs if states.get(spec.id, "infra") == "infra"]
    if missing:
        for line in submit(store, ordered(work, options), missing).lines:
            listener.say(line)
    return Summary(0, 0, 0, 0, len(specs) - len(missing), interrupted=bool(missing))


def ordered(work: Trainer, options: Options) -> Order:
    """The order for the runs. A job on a cluster finds its GPUs by itself."""
    many = bool(work.gpus) or options.jobs is not None
    return Order(
        work,
        options.workers,
        runs_per_process=RUNS_PER_PROCESS if many else 1,
        gpus=work.gpus,
        limits=options.limits,
        engine=options.engine,
        jobs=options.jobs,
        engine_options={**options.engine_options, "device": options.device},
    )
