"""torchvision:NAME: any image classification data set of torchvision; imagenette and imagenet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from runner.images.sampling import TEST, VALIDATION
from runner.tasks.fine_tuning import FINE_TUNING, FINE_TUNING_RATES
from runner.tasks.task import Task, listing
from tricks.errors import BadInput, unknown
from tricks.optimizer.sgd import SGD
from tricks.recipe import Recipe

if TYPE_CHECKING:
    import numpy as np
    from torchvision.datasets import VisionDataset

    from runner.images.decoding import Decoded
    from runner.images.sources import Catalogue, Splits
    from runner.records.spec import Fingerprint

SplitArguments: TypeAlias = Mapping[str, str | bool]
# Arguments of torchvision's class for the parts (train, val, test); None: held out of training.
# torchvision's "val" is the test set if there is no other.
_SPLIT: list[SplitArguments | None] = [{"split": "train"}, {"split": "val"}, {"split": "test"}]
_TWO: list[SplitArguments | None] = [{"split": "train"}, None, {"split": "test"}]
_TESTED_ON_VAL: list[SplitArguments | None] = [{"split": "train"}, None, {"split": "val"}]
_FLAG: list[SplitArguments | None] = [{"train": True}, None, {"train": False}]
_WHOLE: list[SplitArguments | None] = [{}, None, None]
DATASETS: dict[str, list[SplitArguments | None]] = {
    "CIFAR10": _FLAG, "CIFAR100": _FLAG, "FashionMNIST": _FLAG, "KMNIST": _FLAG, "MNIST": _FLAG,
    "QMNIST": _FLAG, "USPS": _FLAG,
    "EMNIST": [{"split": "balanced", "train": True}, None, {"split": "balanced", "train": False}],
    "Country211": [{"split": "train"}, {"split": "valid"}, {"split": "test"}],
    "DTD": _SPLIT, "FGVCAircraft": _SPLIT, "Flowers102": _SPLIT, "PCAM": _SPLIT,
    "RenderedSST2": _SPLIT,
    "Food101": _TWO, "GTSRB": _TWO, "STL10": _TWO, "SVHN": _TWO, "StanfordCars": _TWO,
    "OxfordIIITPet": [{"split": "trainval"}, None, {"split": "test"}],
    "CLEVRClassification": _TESTED_ON_VAL, "Imagenette": _TESTED_ON_VAL, "ImageNet": _TESTED_ON_VAL,
    "Places365": [
        {"split": "train-standard", "small": True}, None, {"split": "val", "small": True},
    ],
    "Caltech101": _WHOLE, "Caltech256": _WHOLE, "EuroSAT": _WHOLE, "SUN397": _WHOLE,
}  # fmt: skip


def torchvision_task(name: str) -> Task:
    """The task of `torchvision:NAME`. Raises BadInput for a data set that torchvision lacks."""
    source = name.removeprefix("torchvision:")
    known = {key.lower(): key for key in DATASETS}
    if source.lower() not in known:
        raise BadInput(f"--task {name}: {unknown('data set of torchvision', source, DATASETS)}")
    source = known[source.lower()]
    return _task(name, source, f"torchvision's {source}", FINE_TUNING, FINE_TUNING_RATES)


def fingerprint(source: str, data: Path) -> Fingerprint:
    """Names and sizes of all files in the data set's own folder. Raises BadInput if it is empty."""
    folder = data / source
    files = [file for file in folder.rglob("*") if file.is_file()]
    if not files:
        raise BadInput(
            f"{source} is missing: {folder} has no files; fetch it with --download, or put the "
            "files of torchvision's class there"
        )
    return {"name": source, "files": listing(files, folder), "split": [held_out(source), TEST]}


def load(source: str, data: Path, train_images: int | None) -> Splits:
    """The data set's own parts, and missing parts held out of training, stratified."""
    from runner.images.splits import split

    parts = catalogues(source, data)
    first = next(iter(parts.values()))
    shares = (held_out(source), TEST)
    made = split(data / source, parts, train_images, names=class_names(first), shares=shares)
    return replace(made, sizes=(0,) * sum(map(len, parts.values())))


def held_out(source: str) -> float:
    """The share or number of training images to hold out if there is no validation part.

    Of the largest sets 20,000 images, which give accuracy within 0.7 pp. The usual share would be
    ten times as many images, which are read after each epoch.
    """
    return 20_000 if source in ("ImageNet", "Places365") else VALIDATION


def catalogues(source: str, data: Path) -> dict[str, Catalogue]:
    """The data set's own parts: train (or all), optionally val and test."""
    found: dict[str, Catalogue] = {}
    for part, arguments in zip(("train", "val", "test"), DATASETS[source], strict=True):
        if arguments is not None:
            found[part] = _catalogue(source, data, arguments, sum(map(len, found.values())))
    return {"all": found["train"]} if DATASETS[source] is _WHOLE else found


def _catalogue(source: str, data: Path, arguments: SplitArguments, first: int) -> Catalogue:
    import torch
    import torchvision

    from runner.images.sources import Catalogue

    try:
        dataset = getattr(torchvision.datasets, source)(data / source, **arguments)
    except Exception as error:  # torchvision raises many errors for a missing or broken file
        raise BadInput(
            f"{source} in {data / source} cannot be read ({type(error).__name__} "
            f"{str(error).splitlines()[0]}): fetch it with --download"
        ) from error
    found = torch.tensor(labels(dataset))
    return Catalogue(dataset, tuple(range(len(found))), found, first=first)


@dataclass(frozen=True)
class CatalogueImages:
    """All images of a torchvision data set: one part after the other."""

    source: str
    data: Path

    @property
    def place(self) -> Path:
        return self.data / self.source

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Zeros: an image need not be a file."""
        return (0,) * sum(map(len, self._parts))

    def name(self, place: int) -> str:
        return f"image {place} of {self.source}"

    def known(self) -> str:
        held = json.dumps(dict(fingerprint(self.source, self.data)), sort_keys=True)
        return hashlib.sha256(held.encode()).hexdigest()[:16]

    def decoded(self, place: int, side: int, small: bool = False) -> tuple[Decoded, str]:
        part = next(part for part in reversed(self._parts) if part.first <= place)
        return part.decoded(place - part.first, side), ""

    def read(self, digests: Sequence[str] | np.ndarray) -> str:
        return self.known()

    @cached_property
    def _parts(self) -> tuple[Catalogue, ...]:
        return tuple(catalogues(self.source, self.data).values())


def labels(dataset: VisionDataset) -> list[int]:
    """The class of every image, from torchvision's list or else image by image."""
    for name in ("targets", "_labels", "labels", "y"):
        held = getattr(dataset, name, None)
        if held is not None and len(held) == len(dataset):
            return [int(label) for label in held]
    for name in ("_samples", "samples", "imgs"):
        pairs = getattr(dataset, name, None)
        if pairs is not None and len(pairs) == len(dataset):
            return [int(label) for _, label in pairs]
    return [int(dataset[i][1]) for i in range(len(dataset))]


def class_names(catalogue: Catalogue) -> tuple[str, ...]:
    """torchvision's names of the classes, each once; () if it has none."""
    held = getattr(catalogue.dataset, "classes", None) or getattr(
        catalogue.dataset, "categories", None
    )
    if not isinstance(held, (list, tuple)) or len(held) != int(catalogue.labels.max()) + 1:
        return ()
    # ImageNet has several names for a class, and some names stand for two classes.
    names = [str(name[0]) if isinstance(name, tuple) else str(name) for name in held]
    return tuple(f"{n} ({i})" if names.count(n) > 1 else n for i, n in enumerate(names))


def download(source: str, data: Path) -> None:
    """Download the data set into its own folder, with torchvision. Raises BadInput."""
    import torchvision

    parts = [arguments for arguments in DATASETS[source] if arguments is not None]
    try:
        (data / source).mkdir(parents=True, exist_ok=True)
        for arguments in parts:
            getattr(torchvision.datasets, source)(data / source, download=True, **arguments)
    except (OSError, RuntimeError, TypeError) as error:
        raise BadInput(f"{source} cannot be fetched into {data / source}: {error}") from error


def _task(
    name: str, source: str, summary: str, baseline: Recipe, rates: Mapping[str, float]
) -> Task:
    return Task(
        name=name,
        summary=summary,
        baseline=baseline,
        learning_rates=rates,
        fingerprint=partial(fingerprint, source),
        load=partial(load, source),
        originals=partial(CatalogueImages, source),
        download=partial(download, source),
        modules=("torchvision.datasets",),
    )


# Not tuned here. imagenet: He et al. 2016 and Goyal et al. 2017 for batches of 256.
_SCRATCH = replace(FINE_TUNING, start="scratch", batch_size=64, epochs=40, resolution=160)
TASKS = [
    _task(
        "imagenette",
        "Imagenette",
        "Imagenette: ten easy classes of ImageNet, 13,000 images, from scratch at 160 pixels",
        _SCRATCH,
        {"sgd": 0.05, "lars": 2.0, "adamw": 1e-3},
    ),
    _task(
        "imagenet",
        "ImageNet",
        "ImageNet-1k: 1.28 million images, ResNet-50 from scratch at 224 pixels",
        replace(_SCRATCH, batch_size=256, epochs=90, resolution=224, optimizer=SGD(decay=1e-4)),
        {"sgd": 0.1, "lars": 2.0, "adamw": 1e-3},
    ),
]
