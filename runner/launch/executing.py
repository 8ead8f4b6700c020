"""Runs of a study, executed in worker processes."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner.execution.machine import cores, gpus
from runner.launch.listener import Listener
from runner.launch.options import Options
from runner.tasks import recipe_run as work

if TYPE_CHECKING:
    from runner.execution.events import Summary
    from runner.records.spec import RunSpec
    from runner.records.store import Store
    from runner.studies.study import Study

RUNS_PER_PROCESS = 1000  # on a GPU, where a process takes seconds to begin


def executed(
    study: Study,
    specs: Sequence[RunSpec],
    store: Store,
    options: Options,
    listener: Listener,
    *,
    recorded: int,
    models: Mapping[str, Any],
) -> Summary:
    """Train those of `specs` that `store` lacks.

    recorded: how many it has. models: what `work.train` needs to know of weights to keep.
    """
    from runner.execution.executor import execute

    task, data, found = study.task.name, str(study.data_folder), gpus(options.device)
    train = functools.partial(
        work.train,
        task=task,
        data=data,
        device="cuda" if found else options.device,  # the only one that a worker sees
        loaders=max(1, cores() // options.workers),
        **models,
    )
    with listener.training(len(specs), recorded, options.workers, store.root) as told:
        return execute(
            specs,
            store,
            train,
            workers=options.workers,
            preload=work.preload(next(iter(specs), None), task, data),
            plugins=options.plugins,
            runs_per_process=RUNS_PER_PROCESS if found else 1,
            gpus=found,
            limits=options.limits,
            on_event=told,
        )
