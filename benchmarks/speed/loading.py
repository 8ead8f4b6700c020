"""Images from files: the wait of the training, and the cost of decoding and augmenting."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from torchvision.transforms import v2

from benchmarks.ratio import Conditions, Ratio, paired
from benchmarks.speed.augmentation import pictures, seconds
from runner.images.sources import Files, Source, Splits
from runner.images.splits import IMAGENET_MEAN, IMAGENET_STD
from runner.tasks.fine_tuning import FINE_TUNING, FINE_TUNING_RATES
from runner.training.augmentation import augment
from runner.training.batches import batches
from runner.training.crops import View
from runner.training.loaders import Loaders
from runner.training.loop import train
from tricks import Recipe, compose, parse, resolve

IMAGES, BATCH, CLASSES = 64, 16, 4
STEPS = 3  # of a training
PLAIN = v2.Compose([
    v2.RandomResizedCrop(224, antialias=True), v2.RandomHorizontalFlip(), v2.RandAugment(),
    v2.PILToTensor(),
])  # fmt: skip


def measure(conditions: Conditions) -> Iterator[Ratio]:
    """Data wait of a ResNet-50 at 224 pixels, and batches of files against a plain loader's."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    files = jpegs(conditions.scratch / "jpegs")
    recipe = compose(
        dataclasses.replace(FINE_TUNING, start="scratch", epochs=1, batch_size=BATCH),
        [parse("randaugment")],
    )
    recipe = resolve(recipe, FINE_TUNING_RATES)
    yield Ratio(
        "data wait at 224 px, one loader process", "training seconds of a ResNet-50",
        tuple(waited(recipe, files) for _ in range(conditions.repeats)), "%", 5.0, at_most=True,
        note=f"JPEGs of 256 to 300 pixels, random resized crops, flips and RandAugment; {STEPS} "
        f"steps of {BATCH} images, so the start of the loader weighs more than in a long epoch",
    )  # fmt: skip
    yield Ratio(
        "decode, crop, flip and RandAugment, 224 px", "torchvision per image (PIL)",
        paired(
            partial(seconds, partial(by_torchvision, files), 1),
            partial(seconds, partial(prepared, recipe, files, BATCH), 1),
            conditions.repeats,
        ),
        "×", note="CPU seconds of an image in the process that loads it",
    )  # fmt: skip
    torch.set_num_threads(threads)


def waited(recipe: Recipe, files: Files) -> float:
    """Per cent of a training's seconds spent waiting for its loader process."""
    few = files.subset(range(CLASSES))
    splits = Splits(
        files.subset(range(STEPS * BATCH)), few, few, few, CLASSES, 3, IMAGENET_MEAN, IMAGENET_STD
    )
    with Loaders(1, splits) as loaders:
        spent = train(recipe, splits, 0, torch.device("cpu"), loaders).seconds
    return 100 * spent["wait"] / spent["train"]


def prepared(recipe: Recipe, source: Source, batch: int) -> None:
    """Prepare every image as for a step of the training, before normalisation, in this process."""
    order = [range(start, start + batch) for start in range(0, len(source), batch)]
    view = View(224, recipe.crop, 0)
    for step, (images, _) in enumerate(batches(source, order, view, torch.device("cpu"))):
        augment(images, recipe, 0, 0, step, order[step])


def by_torchvision(files: Files) -> None:
    """The same with torchvision's transforms of each image, as in a torchvision data set."""
    from PIL import Image

    for start in range(0, IMAGES, BATCH):
        torch.stack([
            PLAIN(Image.open(path).convert("RGB")) for path in files.paths[start:start + BATCH]
        ])  # fmt: skip


def jpegs(folder: Path) -> Files:
    """IMAGES files of 256 to 300 pixels per side, written to `folder`."""
    folder.mkdir(exist_ok=True)
    paths = []
    for i, image in enumerate(pictures(IMAGES, 304)):
        paths.append(folder / f"{i}.jpg")
        cut = image[:, : 256 + 5 * i % 45, : 256 + 7 * i % 45]
        v2.functional.to_pil_image(cut).save(paths[-1], quality=90)
    return Files(tuple(paths), torch.arange(IMAGES) % CLASSES)
