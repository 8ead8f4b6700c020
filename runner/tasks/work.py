"""What a worker process does with a run: load the task's images, train, give the outcome."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from runner.execution.failure import advice, described, of_surroundings
from runner.execution.orphans import leave_with_parent
from runner.records.spec import RunSpec
from runner.tasks import find
from runner.tasks.task import DATA
from tricks.errors import BadInput
from tricks.loading import load_plugin, plugin_sources

if TYPE_CHECKING:
    import torch

    from runner.execution.pausing import Pausing
    from runner.training.course import Training
    from runner.training.data import Splits

T = TypeVar("T")

PRELOAD = ("runner.training.checkpoint", "sklearn.datasets", "timm.optim", "torchvision.datasets")
PROBE_STEPS = 4  # steps timed for a prediction, after one to warm up
UNTRIED = "the recipes could not be tried out"
PROBE_SECONDS = 1.0  # or as many steps as this takes, at most an epoch


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


def choose(device: str) -> torch.device:
    """`auto`: the GPU if there is one. Raises BadInput for a device that is not there."""
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise BadInput(f"--device {device}: no such device; try auto, cpu or cuda") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise BadInput(f"--device {device}: torch sees no GPU here; try --device cpu")
    return chosen


def seconds_per_run(
    spec: RunSpec, *, task: str, data: str | None = None, device: str = "auto"
) -> float:
    """Seconds that `spec` will take on one worker, from a few timed steps of it."""
    import dataclasses

    import torch

    from runner.training.evaluation import evaluate
    from runner.training.loop import train as loop

    torch.set_num_threads(spec.recipe.threads)
    where = choose(device)
    splits: Splits = _splits(task, data, *_taken(spec)).to(where)
    batch = min(spec.recipe.batch_size, len(splits.train))
    once = dataclasses.replace(spec.recipe, epochs=1)

    def timed(steps: int) -> Training:
        some = splits.train.subset(range(min(len(splits.train), batch * steps)))
        tiny = some.subset(range(min(8, len(some))))
        short = dataclasses.replace(splits, train=some, validation=tiny, probe=tiny)
        return loop(once, short, spec.seed, where)

    timed(1)  # warms up
    training = timed(PROBE_STEPS)
    step = training.seconds["train"] / training.steps
    if PROBE_STEPS * step < PROBE_SECONDS:  # short steps are timed for longer
        training = timed(int(PROBE_SECONDS / step))
        step = training.seconds["train"] / training.steps
    some = splits.validation.subset(range(min(256, len(splits.validation))))
    began = time.perf_counter()
    evaluate(training.model, some, splits, spec.recipe, where)
    image = (time.perf_counter() - began) / len(some)
    each_epoch = len(splits.validation) + len(splits.probe)
    steps = spec.recipe.epochs * (len(splits.train) // batch)
    return steps * step + image * (spec.recipe.epochs * each_epoch + len(splits.test))


def predict_seconds(
    specs: list[RunSpec],
    *,
    task: str,
    data: str | None = None,
    device: str = "auto",
    plugins: Sequence[str] = (),
) -> float:
    """Mean seconds per run over a few `specs`; see `measured_seconds`."""
    times = measured_seconds(specs, task=task, data=data, device=device, plugins=plugins)
    return sum(times) / len(times)


def measured_seconds(
    specs: list[RunSpec],
    *,
    task: str,
    data: str | None = None,
    device: str = "auto",
    plugins: Sequence[str] = (),
    at_a_time: int = 1,
) -> list[float]:
    """Seconds of each run by a few steps of it, in child processes: torch stays there.

    As many at a time as there will be runs: they share caches and memory.
    """
    probe = functools.partial(_probe, task=task, data=data, device=device)
    return _in_a_child(probe, specs, plugins, at_a_time)


def check_networks(
    specs: Iterable[RunSpec], *, task: str, data: str | None = None, plugins: Sequence[str] = ()
) -> None:
    """Build each network that `specs` name, in a child process, before anything is written.

    Raises BadInput for an unknown model, weights that cannot be had, surgery that finds nothing to
    act on, or images without a size. The task's own network is known to be good, and is not built.
    """
    specs = list(specs)
    known = find(task).baseline
    if known.resolution and any(spec.recipe.resolution == 0 for spec in specs):
        raise BadInput("images in files have many sizes: --set resolution=224, or another")
    own = known.model if known.start == "scratch" else None
    networks = {
        (
            recipe.model, recipe.start, recipe.width, recipe.resolution,
            recipe.surgery, recipe.norm, recipe.init,
        ): spec
        for spec in specs
        if (recipe := spec.recipe).model != own or recipe.start == "pretrained"
    }  # fmt: skip
    if networks:
        build = functools.partial(_build, task=task, data=data)
        _in_a_child(build, list(networks.values()), plugins)


def network_bytes(
    specs: Sequence[RunSpec],
    *,
    task: str,
    data: str | None = None,
    plugins: Sequence[str] = (),
) -> int:
    """Bytes of the weights of the largest network that `specs` name, built in a child process."""
    build = functools.partial(_build, task=task, data=data)
    return max(_in_a_child(build, list(specs), plugins))


def _in_a_child(
    function: Callable[[dict[str, Any]], T],
    specs: list[RunSpec],
    plugins: Sequence[str],
    children: int = 1,
) -> list[T]:
    """What `function` gives for each of `specs`. Raises BadInput where memory or a device fails."""
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
    from multiprocessing import active_children, get_context

    others = set(active_children())
    with ProcessPoolExecutor(children, get_context("spawn"), _load, (tuple(plugins),)) as pool:
        try:
            return list(pool.map(function, [spec.to_json() for spec in specs]))
        except KeyboardInterrupt:  # which the pool would let them finish for
            for child in set(active_children()) - others:
                child.kill()
            raise
        except BrokenExecutor as error:
            told = advice({"type": "OutOfMemory"})
            raise BadInput(f"{UNTRIED}, a process that did was ended; probably {told}") from error
        except Exception as error:
            if not of_surroundings(error):
                raise
            first = (str(error).strip().splitlines() or [""])[0][:200]
            raise BadInput(f"{UNTRIED} ({first}): {advice(described(error))}") from error


def _load(plugins: tuple[str, ...]) -> None:
    leave_with_parent()
    for plugin in plugins:
        load_plugin(plugin)


def _probe(spec: dict[str, Any], *, task: str, data: str | None, device: str) -> float:
    return seconds_per_run(RunSpec.from_json(spec), task=task, data=data, device=device)


def _build(spec: dict[str, Any], *, task: str, data: str | None) -> int:
    from runner.training.model import build

    read = RunSpec.from_json(spec)
    recipe, splits = read.recipe, _splits(task, data, None, _taken(read)[1])
    weights = build(recipe, splits.classes, splits.channels).state_dict().values()
    return sum(value.numel() * value.element_size() for value in weights)
