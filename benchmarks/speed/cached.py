"""Images in files from the image cache: the data path, a whole run, and the start of a grid."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from benchmarks.ratio import Conditions, Ratio, paired
from benchmarks.speed.augmentation import pictures, seconds
from benchmarks.speed.loading import PLAIN, prepared
from runner.images.cache import Cache, opened
from runner.images.caching import ready
from runner.images.sources import Files, Splits
from runner.records.spec import RunSpec
from runner.records.store import Store
from runner.tasks.registry import find
from runner.tasks.task import Task
from runner.training import memory
from runner.training.augmentation import targets
from runner.training.evaluation import BATCH, as_input
from runner.training.model import build
from runner.training.outcome import outcome
from tricks import Recipe, compose, parse, resolve

CPU = torch.device("cpu")
LARGE, PART = 256, 64  # images of the data path at 224 pixels, and per batch
SMALL, SIDE, CLASSES = 2560, 28, 10  # images of the grid, their side, their classes
ARMS = (
    "cosine,warmup,randaugment,mixup,label-smoothing,ema,zero-gamma,no-bias-decay,clip-norm,cutout"
)
NARROW = {"start": "scratch", "model": "small-image-resnet50", "width": 0.125, "batch_size": 128}


def measure(conditions: Conditions) -> Iterator[Ratio]:
    """All with one thread, against torchvision's ImageFolder and v2 transforms."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    memory.keep_freed()
    os.environ["XDG_CACHE_HOME"] = str(conditions.scratch / "home")
    yield from _data_path(conditions)
    small = conditions.scratch / "small"
    written(small, SMALL, SIDE, "png")
    yield _run(small, conditions)
    torch.set_num_threads(threads)
    yield _start(small, conditions)


def _data_path(conditions: Conditions) -> Iterator[Ratio]:
    photographs = conditions.data / "imagenette" / "train"
    what = "Imagenette at 224 pixels"
    if not photographs.is_dir():
        photographs, what = conditions.scratch / "photographs", "drawn pictures of 240 pixels"
        written(photographs, LARGE, 240, "jpg")
    task = find(f"folder:{photographs}")
    folder = ImageFolder(str(photographs), PLAIN)
    splits = task.load(Path(), None)
    assert isinstance(splits.train, Files)
    places = torch.randperm(len(splits.train), generator=torch.Generator().manual_seed(0))[:LARGE]
    chosen = [
        folder.samples.index((str(p), folder.class_to_idx[p.parent.name]))
        for p in (splits.train.paths[i] for i in places)
    ]
    theirs = partial(seconds, partial(by_torchvision, folder, chosen), 1)
    recipe = compose(dataclasses.replace(task.baseline, start="scratch"), [parse("randaugment")])
    began = time.process_time()
    cache = cached(task)
    built = (time.process_time() - began) / sum(
        map(len, (splits.train, splits.validation, splits.test))
    )
    warm = splits.stored(0, cache).train.subset(places.tolist())
    crop = "random-resized crop, flip, RandAugment, 224 px"
    for what_else, source, more, target in (
        ("cache warm", warm, 0.0, 2.5),
        ("cache built for one epoch", warm, built * len(places), 1.0),
        ("no cache", splits.train.subset(places.tolist()), 0.0, None),
    ):  # fmt: skip
        ours = partial(seconds, partial(prepared, recipe, source, PART), 1)
        yield Ratio(
            f"{crop}, {what_else}", "torchvision's ImageFolder and v2 transforms",
            paired(theirs, lambda ours=ours, more=more: ours() + more, conditions.repeats),  # type: ignore[misc]
            "×", target, note=f"CPU seconds of an image in one process; {what}",
        )  # fmt: skip


def cached(task: Task) -> Cache | None:
    """The image cache of the task, built if it is missing."""
    assert task.originals is not None
    folder = ready(task.originals(Path()), 0, None, print).cache
    return None if folder is None else opened(folder)


def by_torchvision(folder: ImageFolder, places: list[int]) -> None:
    """Batches as a loader of torchvision's data set makes them."""
    for start in range(0, len(places), PART):
        torch.stack([folder[i][0] for i in places[start : start + PART]])


def _run(folder: Path, conditions: Conditions) -> Ratio:
    task = find(f"folder:{folder}")
    splits = task.load(Path(), None).stored(0, cached(task))
    settings: dict[str, Any] = {**NARROW, "resolution": 14, "epochs": 2}
    baseline = dataclasses.replace(task.baseline, **settings)
    tricks = [parse(name) for name in ("randaugment", "mixup", "label-smoothing")]
    recipe = resolve(compose(baseline, tricks), task.learning_rates)
    outcome(RunSpec({}, dataclasses.replace(recipe, epochs=1), 0), splits, CPU)
    return Ratio(
        f"a run on {SMALL:,} PNGs of {SIDE} px, crop, flip, RandAugment, MixUp",
        "forward, backward, step and the evaluations' forward on batches that lie ready",
        paired(
            partial(seconds, lambda: outcome(RunSpec({}, recipe, 0), splits, CPU), 1),
            partial(seconds, partial(bare, recipe, splits), 1),
            conditions.repeats,
        ),
        "×", 1.3, at_most=True, note="CPU seconds, one thread; an eighth of the width, 14 pixels",
    )  # fmt: skip


def bare(recipe: Recipe, splits: Splits) -> None:
    """The same steps and evaluations of a network, without loading or augmenting images."""
    torch.manual_seed(0)
    model = build(recipe, splits.classes, splits.channels).train()
    spec: Any = recipe.optimizer
    optimizer = spec.build(list(model.parameters()))
    size, side = recipe.batch_size, recipe.resolution
    images = torch.randint(256, (BATCH, 3, side, side), dtype=torch.uint8)
    x = as_input(images, splits, recipe)
    y = targets(torch.arange(size) % splits.classes, splits.classes, recipe.smoothing)
    for _ in range(recipe.epochs):
        model.train()
        for _ in range(len(splits.train) // size):
            optimizer.zero_grad(set_to_none=True)
            functional.cross_entropy(model(x[:size]), y).backward()
            optimizer.step()
        forward(model, x, len(splits.validation) + len(splits.probe))
    forward(model, x, len(splits.test))


@torch.no_grad()
def forward(model: torch.nn.Module, x: torch.Tensor, images: int) -> None:
    """Forward passes for this number of images."""
    model.eval()
    for start in range(0, images, len(x)):
        model(x[: images - start])


def _start(folder: Path, conditions: Conditions) -> Ratio:
    samples = tuple(started(folder, conditions.scratch / f"results-{i}", bool(i))
                    for i in range(conditions.repeats))  # fmt: skip
    return Ratio(
        f"from the command to the first training step, 11 arms on {SMALL:,} PNGs of {SIDE} px",
        "the real command in a new process", samples, "s", 6.0, at_most=True,
        note="until the first record, less the training in it; the first time with the cache to "
        "be built; the machine's other load counts",
    )  # fmt: skip


def started(folder: Path, results: Path, cached: bool) -> float:
    """Wall seconds from the command to the first step of its first run."""
    home = results.with_suffix(".home") if not cached else results.parent / "home"
    settings: dict[str, Any] = {**NARROW, "resolution": 14, "epochs": 1}
    line = [sys.executable, "-c", "from runner.cli import main; main()", "run", "--yes",
            "--task", f"folder:{folder}", "--tricks", ARMS, "--seeds", "1",
            "--results", str(results)]  # fmt: skip
    line += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    began = time.time()
    environment = {**os.environ, "XDG_CACHE_HOME": str(home)}
    with subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL) as process:
        while not (found := list(results.glob("runs/*/*.json"))):
            if process.poll() is not None:
                raise RuntimeError("the grid ended without a record")
            time.sleep(0.02)
        ended = min(path.stat().st_mtime for path in found)
        process.terminate()
    spent = next(Store(results).read(path.stem) or {} for path in found)["seconds"]["total"]
    shutil.rmtree(results, ignore_errors=True)
    return ended - began - spent


def written(folder: Path, count: int, side: int, kind: str) -> None:
    """Write `count` pictures, with one folder for each class."""
    for i, image in enumerate(pictures(count, side)):
        path = folder / f"class-{i % CLASSES}" / f"{i:05d}.{kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        v2.functional.to_pil_image(image).save(path)
