"""Checks of the cost of images: waiting for JPEGs, and many runs on a GPU at a time."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from benchmarks.arms import spec
from benchmarks.gpu.check import Check, Found, Place
from benchmarks.speed.augmentation import pictures
from runner.execution.executor import execute
from runner.execution.machine import cores
from runner.execution.order import Order
from runner.images.cache import opened
from runner.images.caching import ready
from runner.images.file_list import ImageFiles
from runner.images.originals import OriginalFiles
from runner.images.sources import Cached, Files, Splits
from runner.images.splits import IMAGENET_MEAN, IMAGENET_STD
from runner.images.walk import image_file
from runner.records.store import Store
from runner.tasks.fine_tuning import FINE_TUNING, FINE_TUNING_RATES
from runner.tasks.recipe_run import RecipeRun
from runner.tasks.task import DATA
from runner.training.device import prepare
from runner.training.loaders import Loaders
from runner.training.loop import train
from tricks import compose, parse, resolve

WAIT = 0.10  # of the training's seconds, at most


def jpegs(place: Place) -> Files:
    """3,000 files of 500 x 375 pixels, of 60 pictures."""
    from torchvision.transforms.v2 import functional as F

    folder, count = place.scratch / "jpegs", 64 if place.short else 3000
    folder.mkdir(exist_ok=True)
    drawn = [F.to_pil_image(image[:, :375]) for image in pictures(8 if place.short else 60, 500)]
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        drawn[number % len(drawn)].save(path, quality=90)
    return Files(tuple(paths), torch.arange(count) % 4)


def loaders(place: Place) -> Found:
    """An epoch of ResNet-50 at 224 pixels on JPEGs: the share of time spent waiting for images.

    It is measured with files that loader processes decode, and with the image cache.
    """
    files = jpegs(place)
    began = time.perf_counter()
    os.environ["XDG_CACHE_HOME"] = str(place.scratch / "home")
    images = OriginalFiles(place.scratch, ImageFiles.of(filter(None, map(image_file, files.paths))))
    cache = ready(images, 0, None, lambda line: None).cache
    built = time.perf_counter() - began
    held = opened(cache) if cache is not None else None
    if held is None:
        return Found({}, "no image cache was built")
    figures = {
        "files": _epoch(place, files),
        "cache": _epoch(place, Cached(held, np.arange(len(files)), files)),
    }
    shares = {name: found["wait_share"] for name, found in figures.items()}
    late = {name: share for name, share in shares.items() if share > WAIT}
    said = ", ".join(f"{share:.0%} from {name}" for name, share in late.items())
    wrong = f"of the time is waited for images: {said}" if late and place.on_gpu else ""
    return Found({**figures, "cache_built_s": round(built, 1)}, wrong)


def _epoch(place: Place, images: Files | Cached) -> dict[str, Any]:
    """Figures of an epoch on `images`."""
    device = torch.device(place.device)
    few = images.subset(range(8))
    batch, side = (8, 64) if place.short else (64, 224)
    precision = "bf16" if place.on_gpu else "fp32"
    fields: dict[str, Any] = {"start": "scratch", "epochs": 1, "batch_size": batch}
    fields |= {"resolution": side, "precision": precision}
    if place.short:
        fields |= {"model": "resnet18"}

    wanted = resolve(
        compose(replace(FINE_TUNING, **fields), [parse("randaugment")]), FINE_TUNING_RATES
    )
    prepare(wanted, device)
    splits = Splits(images, few, few, few, 4, 3, IMAGENET_MEAN, IMAGENET_STD)
    with Loaders(cores(), splits) as loaders:
        spent = train(wanted, splits, 0, device, loaders).seconds
    return {
        "images": len(images), "loaders": cores(),
        "wait_share": round(spent["wait"] / spent["train"], 3),
        "images_per_second": round(len(images) / spent["train"], 1),
    }  # fmt: skip


def packed(place: Place) -> Found:
    """Runs an hour of digits with 1, 4 and 8 of them on a GPU at a time."""
    figures: dict[str, dict[str, float]] = {}
    for count in (1, 2) if place.short else (1, 4, 8):
        epochs = 1 if place.short else 5
        runs = [spec("digits", ["mixup"], seed, DATA, epochs=epochs) for seed in range(2 * count)]
        work = RecipeRun("digits", device=place.device).shared_out(count).sharing(runs[0])
        order = Order(work, count, runs_per_process=1000 if work.gpus else 1, gpus=work.gpus)
        began = time.perf_counter()
        done = execute([run.run() for run in runs], Store(place.scratch / f"packed{count}"), order)
        seconds = time.perf_counter() - began
        if done.ok + done.diverged != len(runs):
            return Found(figures, f"{count} at a time: {done}")
        figures[f"{count} at a time"] = {
            "runs_per_hour": round(3600 * len(runs) / seconds), "seconds": round(seconds, 1),
        }  # fmt: skip
    return Found({"runs": figures})


CHECKS = [
    Check(
        "loaders",
        f"less than {WAIT:.0%} of a training's time waits for JPEGs, as files and in the cache",
        loaders,
    ),
    Check("packing", "figures: runs an hour by how many share a GPU", packed),
]
