"""Carry out a run of a recipe: load the task's images, train, return the outcome."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, NamedTuple

from msgspec import convert

from runner.execution.machine import share
from runner.execution.work import Emit, Outcome, Preload, Room
from runner.records.json_values import canonical_text
from runner.records.spec import RunSpec
from runner.tasks.parcel import Parcel
from runner.tasks.registry import find
from runner.tasks.task import DATA, Task
from runner.training.device import choose
from tricks.errors import BadInput
from tricks.loading import load_plugin, plugin_sources

if TYPE_CHECKING:
    from runner.execution.pausing import Pausing
    from runner.images.sources import Splits
    from runner.records.run import Run

MODULES = ("runner.training.checkpoint", "timm.optim")


class Part(NamedTuple):
    """A choice of a task's images: the number of training images, and chosen held-out shares.

    side: see Recipe.stored_side.
    """

    train_images: int | None = None
    shares: tuple[int | float, ...] = ()
    side: int = 0

    @classmethod
    def of(cls, spec: RunSpec) -> Part:
        """The part that `spec` trains on."""
        data = spec.data
        found = (data.get("train_images"), data.get("split") or (), spec.recipe.stored_side)
        return convert(found, cls)


@dataclass(frozen=True)
class RecipeRun:
    """Trains recipes on `task`, whose images are under `data` (None: the default folder).

    gpus: the GPUs of its processes, as names for CUDA_VISIBLE_DEVICES; see `shared_out`. at_a_time:
    runs that share a GPU, or the cores. loaders: processes that load images. models: the folder for
    trained models; with `best` also models of the best epoch. trials: ids of runs whose models are
    not kept. plugins: files of tricks to load first. part: images that are loaded once for all
    runs, see `sharing`. caches: pairs of a stored_side and the folder of its image cache; cache_gb:
    room for the caches of another machine, as `Options.cache_gb`. examples: the store that keeps
    example images of augmentations. elsewhere: this machine has not planned the runs, so its images
    are compared with the planned images.
    """

    task: str
    data: str | None = None
    device: str = "auto"
    gpus: tuple[str, ...] = ()
    at_a_time: int = 1
    loaders: int = 0
    models: str | None = None
    best: bool = False
    trials: frozenset[str] = frozenset()
    plugins: tuple[str, ...] = ()
    part: Part | None = None
    caches: tuple[tuple[int, str], ...] = ()
    cache_gb: float | None = None
    examples: str | None = None
    elsewhere: bool = False

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None = None) -> Outcome:
        """Train. pausing: the place and time of checkpoints; None: write none."""
        from runner.training.outcome import outcome
        from runner.training.saved import Keeper

        spec = self.spec(run)
        splits = self.images(spec)
        kept = self.models if run.id not in self.trials else None
        keeper = Keeper(Path(kept), spec, splits, self.best) if kept is not None else None
        where = choose(self.device)
        saves = None
        if pausing is not None:
            from runner.training.checkpoint import Checkpoints

            saves = Checkpoints(pausing, run.id, where, keeper, plugin_sources(spec.recipe))
        found = outcome(spec, splits, where, emit, self.loaders, keeper, saves)
        if self.examples is not None:
            from runner.training import example_images

            example_images.keep(spec, splits, Path(self.examples))
        return replace(found, fields={**found.fields, "at_a_time": self.at_a_time})

    def preload(self) -> list[Preload]:
        """Modules that a template process imports once, and the images that its runs share."""
        modules = [*MODULES, *find(self.task).modules]
        if self.part is None:
            return [*modules]
        images = (f"{__name__}:hold", [self.task, self.data, *self.part, self._cache(self.part)])
        # It runs git, which is slow compared with a run.
        revision = "runner.training.outcome:code_revision"
        return [*modules, (revision, []), ("runner.records.environments:here", []), images]

    def sharing(self, spec: RunSpec) -> RecipeRun:
        """The work, with one copy of the images of `spec` for all processes."""
        return replace(self, part=Part.of(spec))

    def shared_out(self, workers: int) -> RecipeRun:
        """The work on this machine with `workers` processes: sets their GPUs and loaders.

        Raises BadInput for a missing GPU.
        """
        gpus, at_a_time, cores = share(self.device, workers)
        device = "cuda" if gpus else self.device  # a process sees only one
        return replace(self, device=device, gpus=gpus, at_a_time=at_a_time, loaders=cores)

    def here(self, workers: int, say: Callable[[str], None]) -> RecipeRun:
        """The work on another machine; see `Movable`.

        Image caches that are not on a shared disk are built again, once for all jobs on this
        machine.
        """
        for plugin in self.plugins:
            load_plugin(plugin)
        task = find(self.task)
        data = Path(self.data) if self.data else DATA
        if task.originals is None:
            if task.download is not None and not os.access(data, os.R_OK | os.X_OK):
                raise BadInput(f"{data.absolute()}: missing or not readable on {gethostname()}")
            return self.shared_out(workers)
        from runner.images.on_node import placed

        caches = placed(task.originals(data), self.caches, self.cache_gb, say)
        return replace(self, caches=caches).shared_out(workers)

    def spec(self, run: Run) -> RunSpec:
        """The run's recipe, data and seed; loads the plug-ins first."""
        for plugin in self.plugins:
            load_plugin(plugin)
        return RunSpec.from_json(run.payload)

    def images(self, spec: RunSpec) -> Splits:
        """The images of `spec`, which stay loaded for the next run of this process."""
        part = Part.of(spec)
        if self.elsewhere:
            _check_same(self.task, self.data, part, canonical_text(spec.data))
        return _splits(self.task, self.data, part, self._cache(part))

    def sent(self) -> SentRun:
        """The work with its plug-ins and, for a task from Python, its images."""
        parcel = Parcel.of(self.task, self.plugins)
        data = None if self.data is None else str(Path(self.data).absolute())
        return SentRun(replace(self, task=parcel.task, data=data), parcel)

    def _cache(self, part: Part) -> str | None:
        return dict(self.caches).get(part.side)


@dataclass(frozen=True)
class SentRun:
    """A `RecipeRun` that is sent to a machine without shared folders."""

    work: RecipeRun
    parcel: Parcel

    def unpacked(self, root: Path, room: Room) -> RecipeRun:
        """The work on that machine, with models and examples below `root`, and decoded images.

        Raises BadInput for missing images, OSError for a full disk.
        """
        plugins = self.parcel.unpacked(root)
        for plugin in plugins:
            load_plugin(plugin)
        work, data = self.work, Path(self.work.data) if self.work.data else DATA
        task = find(work.task)
        caches: list[tuple[int, str]] = []
        if task.originals is not None:
            from runner.images.caching import ready

            originals = task.originals(data)
            for side, _ in work.caches:
                cache = ready(originals, side, work.cache_gb, lambda line: None).cache
                caches += [] if cache is None else [(side, str(cache))]
        return replace(
            work,
            device=room.device,
            gpus=(),
            at_a_time=room.at_a_time,
            loaders=room.cores,
            models=None if work.models is None else str(root / "models"),
            examples=str(root),
            plugins=plugins,
            caches=tuple(caches),
            elsewhere=True,
        )


def hold(
    task: str,
    data: str | None,
    train_images: int | None,
    shares: Sequence[float] = (),
    side: int = 0,
    cache: str | None = None,
) -> None:
    """Load images for runs; every process that is forked from this one has them."""
    _splits(task, data, Part(train_images, tuple(shares), side), cache)


@functools.lru_cache(maxsize=8)
def _check_same(task: str, data: str | None, part: Part, planned: str) -> None:
    """Raises BadInput if the images here differ from the planned images."""
    here = _divided(task, part).identity(Path(data) if data else None, part.train_images)
    if canonical_text(here) != planned:
        where = task if ":" in task else f"{task} in {data or DATA}"
        raise BadInput(
            f"the images of {where} differ from the images that the runs were planned "
            "with: copy the same images here"
        )


def _divided(task: str, part: Part) -> Task:
    known = find(task)
    if known.divide is not None and len(part.shares) == 2:
        return known.divide(*part.shares)
    return known


@functools.lru_cache(maxsize=1)
def _splits(task: str, data: str | None, part: Part, cache: str | None = None) -> Splits:
    """The splits, cached for a process that trains many runs."""
    known = _divided(task, part)
    splits = known.load(Path(data) if data else DATA, part.train_images)
    if known.originals is None:
        return splits
    from runner.images.cache import opened

    return splits.stored(part.side, opened(Path(cache)) if cache else None)
