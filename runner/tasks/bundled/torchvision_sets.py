"""fashion-mnist, cifar10, cifar100: read by torchvision, held in memory as uint8."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.images.sampling import hold_out, train_and_probe
from runner.tasks.task import Task, listing
from tricks.errors import BadInput
from tricks.optimizer.sgd import SGD
from tricks.recipe import Recipe
from tricks.schedule.step_decay import StepDecay

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from runner.images.sources import Splits
    from runner.records.spec import Fingerprint

VALIDATION = 5_000  # training images that are held out
# torchvision's class -> the files that it reads, below the data folder.
FILES = {
    "FashionMNIST": [
        f"FashionMNIST/raw/{part}-{kind}-ubyte"
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ],
    "CIFAR10": [
        f"cifar-10-batches-py/{name}"
        for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta")
    ],
    "CIFAR100": [f"cifar-100-python/{name}" for name in ("train", "test", "meta")],
}  # fmt: skip


def fingerprint(name: str, data: Path) -> Fingerprint:
    """Names and sizes of the files. Raises BadInput for a missing file."""
    files = [data / file for file in FILES[name]]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise BadInput(
            f"{name} is missing: there is no {missing[0]}; fetch it with --download, or give its "
            "folder with --data PATH"
        )
    return {"files": listing(files, data), "split": [VALIDATION]}


def load(name: str, data: Path, train_images: int | None) -> Splits:
    """The splits, with stratified training images held out."""
    import torch
    import torchvision

    from runner.images.sources import Resident, Splits

    try:
        sets = [getattr(torchvision.datasets, name)(data, train=part) for part in (True, False)]
    except Exception as error:  # torchvision raises many errors for a broken file
        raise BadInput(
            f"{name} in {data} cannot be read ({type(error).__name__} {error}): "
            "remove it and fetch it with --download"
        ) from error

    def resident(data: np.ndarray | Tensor, labels: list[int] | Tensor) -> Resident:
        pixels = torch.as_tensor(data)
        pixels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
        return Resident(pixels.contiguous(), torch.as_tensor(labels).long())

    everything, test = (resident(part.data, part.targets) for part in sets)
    kept, held = hold_out(everything.labels.tolist(), VALIDATION)
    train, probe = train_and_probe(everything.subset(kept), train_images)
    assert isinstance(train, Resident)
    levels = [train.images[:, c].float() / 255 for c in range(train.images.shape[1])]
    return Splits(
        train=train,
        validation=everything.subset(held),
        test=test,
        probe=probe,
        classes=int(test.labels.max()) + 1,
        channels=len(levels),
        mean=tuple(level.mean().item() for level in levels),
        std=tuple(level.std().item() for level in levels),
        names=tuple(sets[0].classes),
    )


def download(name: str, data: Path) -> None:
    """Download the data set into `data`, with torchvision. Raises BadInput if this fails."""
    import torchvision

    try:
        getattr(torchvision.datasets, name)(data, download=True)
    except (OSError, RuntimeError) as error:
        raise BadInput(f"{name} cannot be fetched into {data}: {error}") from error


def _task(
    name: str,
    source: str,
    summary: str,
    baseline: Recipe,
    learning_rates: Mapping[str, float],
) -> Task:
    return Task(
        name=name,
        summary=summary,
        fingerprint=partial(fingerprint, source),
        load=partial(load, source),
        download=partial(download, source),
        modules=("torchvision.datasets",),
        baseline=baseline,
        learning_rates=learning_rates,
    )


_CIFAR = Recipe(
    model="small-image-resnet50", epochs=100, batch_size=128, crop="pad", flip=True,
    optimizer=SGD(), schedule=StepDecay(), channels_last=True,
)  # fmt: skip

# Not tuned here: usual values for batches of 128, He et al. 2016 (sgd) and common practice.
_CIFAR_RATES = {"sgd": 0.1, "lars": 5.0, "adamw": 1e-3}

TASKS = [
    _task(
        "fashion-mnist",
        "FashionMNIST",
        "Fashion-MNIST: 70,000 grey images of 28×28 pixels, 10 classes",
        baseline=Recipe(
            model="small-image-resnet50", width=0.125, stem=4, epochs=10, evaluate_every=2,
            batch_size=128, flip=True,
            optimizer=SGD(decay=0.005), schedule=StepDecay(), channels_last=True,
        ),
        # See docs/baselines.md.
        learning_rates={"sgd": 0.05, "lars": 4.0, "adamw": 0.01, "adam": 0.01, "lion": 2e-3},
    ),
    _task(
        "cifar10", "CIFAR10", "CIFAR-10: 60,000 colour images of 32×32 pixels",
        baseline=_CIFAR, learning_rates=_CIFAR_RATES,
    ),
    _task(
        "cifar100", "CIFAR100", "CIFAR-100: 60,000 colour images of 32×32 pixels",
        baseline=_CIFAR, learning_rates=_CIFAR_RATES,
    ),
]  # fmt: skip
