"""What a worker process does with a run: load the task's images, train, give the outcome."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.records.spec import RunSpec
from runner.tasks.registry import find
from runner.tasks.task import DATA
from runner.training.device import choose
from tricks.loading import plugin_sources

if TYPE_CHECKING:
    from runner.execution.pausing import Pausing
    from runner.images.sources import Splits

PRELOAD = ("runner.training.checkpoint", "sklearn.datasets", "timm.optim", "torchvision.datasets")


def preload(
    spec: RunSpec | None = None, task: str = "", data: str | None = None
) -> list[str | tuple[str, list[Any]]]:
    """Modules that a template process imports once for all runs forked from it.

    With a run of a grid on `task` it loads that run's images, too: one copy for all processes.
    """
    if spec is None:
        return list(PRELOAD)
    revision = "runner.training.outcome:code_revision"  # asks git: a tenth of a run's fixed cost
    return [*PRELOAD, (revision, []), (f"{__name__}:hold", [task, data, *_taken(spec)])]


def hold(
    task: str, data: str | None, train_images: int | None, shares: Sequence[float] = ()
) -> Splits:
    """Load the images that `train` will want; they are there in every process forked from this."""
    return _splits(task, data, train_images, tuple(shares))


def images_of(spec: RunSpec, task: str, data: str | None) -> Splits:
    """The images of `spec` on `task`, kept for the next run of this process."""
    return _splits(task, data, *_taken(spec))


def train(
    spec: RunSpec,
    emit: Callable[[dict[str, Any]], None],
    *,
    task: str,
    data: str | None = None,
    device: str = "auto",
    loaders: int = 0,
    models: str | None = None,
    best: bool = False,
    trials: frozenset[str] = frozenset(),
    pausing: Pausing | None = None,
) -> dict[str, Any]:
    """Train `spec` on `task` with its images under `data`; returns the outcome (see outcome()).

    models: the folder in which to keep the trained model, and with `best` that of the best epoch.
    trials: ids of runs of which no model is kept.
    pausing: where its checkpoints are, and when; without, it writes none.
    """
    from runner.training.outcome import outcome
    from runner.training.saved import Keeper

    splits = images_of(spec, task, data)
    kept = models if spec.id not in trials else None
    keeper = Keeper(Path(kept), spec, splits, best) if kept is not None else None
    where = choose(device)
    saves = None
    if pausing is not None:
        from runner.training.checkpoint import Checkpoints

        plugins = plugin_sources(spec.recipe)
        saves = Checkpoints(pausing, spec.id, where, keeper, plugins)
    return outcome(spec.recipe, splits, spec.seed, where, emit, loaders, keeper, saves)


@functools.lru_cache(maxsize=1)
def _splits(
    task: str, data: str | None, train_images: int | None, shares: tuple[float, ...] = ()
) -> Splits:
    """Kept for the next run of a process that trains many."""
    known = find(task)
    if known.divide is not None and len(shares) == 2:
        known = known.divide(*shares)
    return known.load(Path(data) if data else DATA, train_images)


def _taken(spec: RunSpec) -> tuple[int | None, tuple[float, ...]]:
    """Training images asked for, and the shares held out where a task lets them be chosen."""
    return spec.data.get("train_images"), tuple(spec.data.get("split") or ())
