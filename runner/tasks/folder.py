"""folder:PATH: the user's own images, one folder a class, fine-tuned at 224 pixels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.images.decoding import check_images
from runner.images.folders import Listing, find_parts
from runner.images.splits import SHARES, TEST, VALIDATION, held, split
from runner.tasks.task import Task, listing
from tricks.errors import BadInput
from tricks.optimizer.sgd import SGD
from tricks.recipe import Recipe
from tricks.schedule.step_decay import StepDecay

if TYPE_CHECKING:
    from runner.images.sources import Splits

FINE_TUNING = Recipe(
    model="resnet50", start="pretrained", resolution=224, crop="random-resized", flip=True,
    epochs=30, batch_size=64, optimizer=SGD(), schedule=StepDecay(), channels_last=True,
)  # fmt: skip
# Not tuned here: usual values for fine-tuning at batches of 64.
FINE_TUNING_RATES = {"sgd": 0.01, "lars": 1.0, "adamw": 3e-4}


def folder_task(name: str, validation: float = VALIDATION, test: float = TEST) -> Task:
    """The task of `folder:PATH`, with these shares held out where it has no such parts."""
    path = Path(name.removeprefix("folder:")).expanduser()
    if not str(path).strip() or path == Path("."):
        raise BadInput("folder: needs a path: --task folder:PATH")
    return Task(
        name=name,
        summary=f"the images in {path}, one folder a class",
        baseline=FINE_TUNING,
        learning_rates=FINE_TUNING_RATES,
        fingerprint=partial(fingerprint, path, shares=(validation, test)),
        check=partial(check, path),
        load=partial(load, path, shares=(validation, test)),
        shares=(validation, test),
        divide=partial(folder_task, name),
    )


def fingerprint(path: Path, data: Path, shares: tuple[float, float] = SHARES) -> Mapping[str, Any]:
    """Names and sizes of all images. Raises BadInput for a missing or broken folder."""
    parts = find_parts(path)
    files = [file for classes in parts.values() for own in classes.values() for file in own]
    return {"files": listing(files, path), "parts": sorted(parts), "split": held(shares, parts)}


def load(
    path: Path, data: Path, train_images: int | None, shares: tuple[float, float] = SHARES
) -> Splits:
    """The splits: the folder's own parts, and stratified shares of training for those it lacks."""
    found = find_parts(path)
    parts = {part: _files(classes) for part, classes in found.items()}
    names = sorted(next(iter(found.values())))
    return split(path, parts, train_images, names=names, shares=shares)


def _files(classes: Listing) -> Any:
    import torch

    from runner.images.sources import Files

    names = sorted(classes)
    paths = tuple(file for name in names for file in classes[name])
    labels = [label for label, name in enumerate(names) for _ in classes[name]]
    return Files(paths, torch.tensor(labels))


def check(path: Path, data: Path) -> None:
    """Decode every image, so that an unreadable one is named before hours of training."""
    for classes in find_parts(path).values():
        for files in classes.values():
            check_images(files)
