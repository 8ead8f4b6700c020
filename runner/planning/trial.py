"""What recipes take, before a grid of them: a few steps, or their networks, in child processes."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from runner.execution.failure import advice, described, of_surroundings
from runner.execution.orphans import leave_with_parent
from runner.records.spec import RunSpec
from runner.tasks.recipe_run import images_of
from runner.tasks.registry import find
from runner.training.device import choose
from tricks.errors import BadInput
from tricks.loading import load_plugin

if TYPE_CHECKING:
    from runner.training.course import Training

T = TypeVar("T")

PROBE_STEPS = 4  # steps timed for a prediction, after one to warm up
PROBE_SECONDS = 1.0  # or as many steps as this takes, at most an epoch
UNTRIED = "the recipes could not be tried out"


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
    splits = images_of(spec, task, data).to(where)
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
    recipe, splits = read.recipe, images_of(read, task, data)
    weights = build(recipe, splits.classes, splits.channels).state_dict().values()
    return sum(value.numel() * value.element_size() for value in weights)
