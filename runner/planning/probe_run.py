"""Probe recipes before a grid: measure a few steps, or build networks, in child processes."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from runner.execution.engines import calls, fork_server
from runner.execution.failure import advice, described, of_exit, of_surroundings
from runner.tasks.recipe_run import RecipeRun
from runner.tasks.registry import find
from runner.training.device import choose, prepare
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.run import Run
    from runner.records.spec import RunSpec
    from runner.training.history import Training

T = TypeVar("T")

PROBE_STEPS = 4  # steps timed for a prediction, after one to warm up
PROBE_SECONDS = 0.5  # or steps for this many seconds, at most an epoch
UNTRIED = "the recipes could not be tried out"


@dataclass(frozen=True)
class Timed:
    """Seconds of a training step and of the evaluation of an image, and numbers of images.

    train, validation, probe, test: numbers of images. batch: images per step.
    """

    step: float
    image: float
    train: int
    validation: int
    probe: int
    test: int
    classes: int
    batch: int

    def seconds(self, epochs: int, evaluations: int) -> float:
        """Seconds of a run on all training images."""
        steps = epochs * (self.train // self.batch)
        each_time = self.validation + self.probe
        return steps * self.step + self.image * (evaluations * each_time + self.test)


def seconds_per_run(work: RecipeRun, run: Run) -> float:
    """Seconds that `run` will take on one worker, from a few timed steps of it."""
    recipe = work.spec(run).recipe
    times = math.ceil(recipe.epochs / recipe.evaluate_every)
    return timed_steps(work, run).seconds(recipe.epochs, times)


def timed_steps(work: RecipeRun, run: Run) -> Timed:
    """Measure a few steps of `run`, and the evaluation of some images, on one worker."""
    from runner.training.evaluation import evaluate
    from runner.training.loaders import Loaders
    from runner.training.loop import train as loop

    spec = work.spec(run)
    where = choose(work.device)
    prepare(spec.recipe, where)
    splits = work.images(spec).to(where)
    batch = min(spec.recipe.batch_size, len(splits.train))
    once = replace(spec.recipe, epochs=1)

    def timed(steps: int) -> Training:
        some = splits.train.subset(range(min(len(splits.train), batch * steps)))
        tiny = some.subset(range(min(8, len(some))))
        short = replace(splits, train=some, validation=tiny, probe=tiny)
        with Loaders(work.loaders, short) as loaders:
            return loop(once, short, spec.seed, where, loaders)

    timed(1)  # warms up
    training = timed(PROBE_STEPS)
    step = training.seconds["train"] / training.steps
    if PROBE_STEPS * step < PROBE_SECONDS / 2:  # measure more of short steps
        training = timed(int(PROBE_SECONDS / step))
        step = training.seconds["train"] / training.steps
    some = splits.validation.subset(range(min(256, len(splits.validation))))
    began = time.perf_counter()
    with Loaders(work.loaders, replace(splits, validation=some)) as loaders:
        evaluate(training.model, some, splits, spec.recipe, where, loaders)
    image = (time.perf_counter() - began) / len(some)
    return Timed(
        step,
        image,
        len(splits.train),
        len(splits.validation),
        len(splits.probe),
        len(splits.test),
        splits.classes,
        batch,
    )


def predict_seconds(specs: Sequence[RunSpec], work: RecipeRun) -> float:
    """Mean seconds per run over a few `specs`; see `measured_seconds`."""
    times = measured_seconds(specs, work)
    return sum(times) / len(times)


def measured_seconds(specs: Sequence[RunSpec], work: RecipeRun, at_a_time: int = 1) -> list[float]:
    """Seconds of each run, from a few steps in child processes, which alone import torch.

    As many runs are measured in parallel as will train: they share caches, memory and GPUs.
    """
    return _in_children(seconds_per_run, specs, work, at_a_time)


def measured_steps(specs: Sequence[RunSpec], work: RecipeRun, at_a_time: int = 1) -> list[Timed]:
    """`timed_steps` of each run, in child processes as in `measured_seconds`."""
    return _in_children(timed_steps, specs, work, at_a_time)


def check_networks(specs: Iterable[RunSpec], work: RecipeRun) -> list[str]:
    """Build each network of `specs` in a child process, before anything is written.

    Returns different lines about loaded files of initial weights. Raises BadInput for an unknown
    model, unavailable weights, surgery that matches no module, or images without a size. The task's
    own network is known to work, and is not built.
    """
    specs = list(specs)
    known = find(work.task).baseline
    if known.resolution and any(spec.recipe.resolution == 0 for spec in specs):
        raise BadInput("images in files have many sizes: --set resolution=224, or another")
    own = known.model if known.start == "scratch" else None
    networks = {
        (
            recipe.model, recipe.start, recipe.width, recipe.stem, recipe.resolution,
            recipe.surgery, recipe.norm, recipe.init,
        ): spec
        for spec in specs
        if (recipe := spec.recipe).model != own or recipe.start != "scratch"
    }  # fmt: skip
    told = _in_children(_told_of_network, list(networks.values()), work) if networks else []
    return list(dict.fromkeys(line for lines in told for line in lines))


def network_bytes(specs: Sequence[RunSpec], work: RecipeRun) -> int:
    """Bytes of the weights of the largest network of `specs`, built in a child process."""
    return max(_in_children(_bytes_of_network, specs, work))


def _in_children(
    function: Callable[[RecipeRun, Run], T],
    specs: Sequence[RunSpec],
    work: RecipeRun,
    at_a_time: int = 1,
) -> list[T]:
    """The results of `function` for `specs`. Raises BadInput if memory or a device fails.

    The processes are forked from the same template as the processes of runs.
    """
    fork_server.warm_up(work.sharing(specs[0]).preload())
    try:
        one = functools.partial(function, work)
        return calls.each(one, [spec.run() for spec in specs], at_a_time, work.gpus)
    except calls.EndedError as error:
        _, why = of_exit(error.code, "", starved=True, began=False)
        told = f"probably {advice(why)}" if why.type == "OutOfMemory" else advice(why)
        raise BadInput(f"{UNTRIED}: {why.message}; {told}") from error
    except Exception as error:
        if not of_surroundings(error):
            raise
        first = (str(error).strip().splitlines() or [""])[0][:200]
        raise BadInput(f"{UNTRIED} ({first}): {advice(described(error))}") from error


def _told_of_network(work: RecipeRun, run: Run) -> list[str]:
    """Lines about the initial weights of a run's network. Raises BadInput as `build` does."""
    from runner.training.model import build

    spec, lines = work.spec(run), list[str]()
    splits = work.images(spec)
    build(spec.recipe, splits.classes, splits.channels, lines.append)
    return lines


def _bytes_of_network(work: RecipeRun, run: Run) -> int:
    """Bytes of a run's network, from shapes alone if it can be built without memory."""
    import torch

    from runner.training.model import build

    spec = work.spec(run)
    splits = work.images(spec)
    fresh = replace(spec.recipe, start="scratch", init=())
    try:
        with torch.device("meta"):
            model = build(fresh, splits.classes, splits.channels)
    except (RuntimeError, NotImplementedError, ValueError):
        model = build(fresh, splits.classes, splits.channels)
    weights = model.state_dict().values()
    return sum(value.numel() * value.element_size() for value in weights)
