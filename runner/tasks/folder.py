"""folder:PATH: the user's own images, one folder a class, fine-tuned at 224 pixels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.images.sampling import hold_out, hold_out_groups, train_and_probe
from runner.tasks.task import Task, listing
from tricks.errors import BadInput
from tricks.optimizer.sgd import SGD
from tricks.recipe import Recipe
from tricks.schedule.step_decay import StepDecay

if TYPE_CHECKING:
    from runner.images.sources import Source, Splits

EXTENSIONS = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"))
# What people call the parts of a data set.
PARTS = {
    "train": ("train", "training", "seg_train"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "seg_test"),
}
# Shares held out of each class where a part has no folder: of what is no test image, and of all.
VALIDATION, TEST = SHARES = 0.15, 0.15
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

FINE_TUNING = Recipe(
    model="resnet50", start="pretrained", resolution=224, crop="random-resized", flip=True,
    epochs=30, batch_size=64, optimizer=SGD(), schedule=StepDecay(), channels_last=True,
)  # fmt: skip
# Not tuned here: usual values for fine-tuning at batches of 64.
FINE_TUNING_RATES = {"sgd": 0.01, "lars": 1.0, "adamw": 3e-4}

Listing = dict[str, list[Path]]  # class -> its files


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


def held(shares: tuple[float, float], parts: Iterable[str]) -> list[float]:
    """Shares as an id has them: one of which there is a part already means nothing."""
    found = set(parts)
    named = zip(("val", "test"), shares, SHARES, strict=True)
    return [usual if part in found else share for part, share, usual in named]


def find_parts(path: Path) -> dict[str, Listing]:
    """Part (train, val, test; or `all` for a folder without parts) -> class -> files.

    Raises BadInput for a missing folder, a class without images, or parts with unlike classes.
    """
    if not path.is_dir():
        raise BadInput(f"{path}: there is no such folder; give a folder that holds one a class")
    inside = {child.name.lower(): child for child in path.iterdir() if child.is_dir()}
    found: dict[str, Path] = {}
    for part, known in PARTS.items():
        named = [inside[name] for name in known if name in inside]
        if len(named) > 1:
            raise BadInput(f"{path}: {named[0].name} and {named[1].name} both look like {part}")
        if named:
            found[part] = named[0]
    if "train" not in found:
        return {"all": _classes(path)}
    parts = {part: _classes(folder) for part, folder in found.items()}
    for part, classes in parts.items():
        if set(classes) != set(parts["train"]):
            odd = sorted(set(classes) ^ set(parts["train"]))[0]
            raise BadInput(
                f"{found[part]}: its classes are not those of {found['train']}: {odd!r} is in one"
            )
    return parts


def _classes(folder: Path) -> Listing:
    classes = {}
    for child in sorted(folder.iterdir()):
        if child.is_dir() and not child.name.startswith("."):
            files = sorted(f for f in child.rglob("*") if f.suffix.lower() in EXTENSIONS)
            if not files:
                raise BadInput(f"{child}: a class without images; add some or remove the folder")
            classes[child.name] = files
    if len(classes) < 2:
        raise BadInput(
            f"{folder}: {len(classes)} class folders; give a folder that holds one a class, "
            "at least two"
        )
    return classes


def load(
    path: Path, data: Path, train_images: int | None, shares: tuple[float, float] = SHARES
) -> Splits:
    """The splits: the folder's own parts, and stratified shares of training for those it lacks."""
    found = find_parts(path)
    parts = {part: _files(classes) for part, classes in found.items()}
    names = sorted(next(iter(found.values())))
    return split(path, parts, train_images, names=names, shares=shares)


def split(
    path: Path,
    parts: Mapping[str, Source],
    train_images: int | None,
    groups: Sequence[str] | None = None,
    names: Sequence[str] = (),
    shares: tuple[float, float] = SHARES,
) -> Splits:
    """Splits of images at ImageNet's normalisation; what has no part is held out of training.

    parts: train (or all), and maybe val and test. groups: (images of training,) no group is on
    both sides of a split. names: of the classes. shares: of validation and test. Raises BadInput
    where there are too few images.
    """
    import torch

    from runner.images.sources import Splits

    train = parts["train"] if "train" in parts else parts["all"]
    classes = 1 + max(int(part.labels.max()) for part in parts.values())
    counts = torch.bincount(train.labels, minlength=classes).tolist()
    if min(counts) < 3:
        which = f"the class {names[counts.index(min(counts))]}" if names else "a class"
        raise BadInput(f"{path}: {which} has fewer than 3 training images: too few to split")
    test, validation = parts.get("test"), parts.get("val")
    if test is None:
        train, test, groups = _held_out(train, shares[1], groups)
    if validation is None:
        train, validation, groups = _held_out(train, shares[0], groups)
    train, probe = train_and_probe(train, train_images)
    return Splits(
        train=train,
        validation=validation,
        test=test,
        probe=probe,
        classes=classes,
        channels=3,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        names=tuple(names),
    )


def _held_out(
    train: Source, share: float, groups: Sequence[str] | None
) -> tuple[Source, Source, Sequence[str] | None]:
    """What is left of `train`, what is held out, and the groups of what is left."""
    labels = train.labels.tolist()
    if groups is None:
        kept, held = hold_out(labels, share)
        return train.subset(kept), train.subset(held), None
    kept, held = hold_out_groups(labels, groups, share)
    return train.subset(kept), train.subset(held), [groups[i] for i in kept]


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


def check_images(files: Iterable[Path]) -> None:
    """Raises BadInput naming the first file that cannot be decoded."""
    from PIL import Image

    for file in files:
        try:
            with Image.open(file) as image:
                image.draft("RGB", (64, 64))  # a JPEG is read whole, but decoded small
                image.load()
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise BadInput(
                f"{file}: cannot be read as an image ({error}): mend or remove it"
            ) from error
