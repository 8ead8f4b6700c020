"""Splits of images: given parts, and shares of training images held out for missing parts."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from runner.images.copies import families, merged_groups
from runner.images.sampling import SHARES, heads, hold_out, hold_out_groups, train_and_probe
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.images.listed import Listed
    from runner.images.sources import Source, Splits

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def shares_for_id(shares: tuple[float, float], parts: Iterable[str]) -> list[float]:
    """Shares for a run's id, without shares of parts that are given."""
    found = set(parts)
    named = zip(("val", "test"), shares, SHARES, strict=True)
    return [usual if part in found else share for part, share, usual in named]


def splits_of(found: Listed, train_images: int | None, shares: tuple[float, float]) -> Splits:
    """The splits of a folder or a CSV: given parts, and other parts held out of training images.

    Raises BadInput for fewer than two classes, or too few images.
    """
    import torch

    from runner.images.sources import Files

    classes = list(found.classes)
    if len(classes) < 2:
        raise BadInput(
            f"{found.place}: all images have the class {classes[0]}: at least two classes are "
            "needed"
        )
    number = {name: i for i, name in enumerate(classes)}
    rows = found.rows
    numbers = np.array([number.get(name, -1) for name in rows.labels.kinds], np.int64)
    order = rows.files.order()
    place = np.empty(len(order), np.int64)  # of each row among all rows sorted by path
    place[order] = np.arange(len(order))
    parts: dict[str, Source] = {}
    for part in found.parts:
        own = np.flatnonzero(rows.parts.among(part))
        labels = torch.from_numpy(numbers[rows.labels.codes[own]])
        parts[part or "all"] = Files(rows.files.take(own).paths, labels, places=place[own])
    groups = None
    if found.group_by:
        trained = np.flatnonzero(rows.parts.among("", "train"))
        groups = [rows.groups[i] for i in trained.tolist()]
    same = families(found)
    if groups is not None and same is not None:
        groups, same = merged_groups(groups, same), None
    made = split(found.place, parts, train_images, groups, classes, shares, same)
    return replace(made, sizes=rows.files.column("size")[order])


def split(
    path: Path,
    parts: Mapping[str, Source],
    train_images: int | None,
    groups: Sequence[str] | None = None,
    names: Sequence[str] = (),
    shares: tuple[float, float] = SHARES,
    same: Sequence[Hashable] | None = None,
) -> Splits:
    """Splits of images with ImageNet's normalisation. Missing parts are held out of training.

    parts: train (or all images), optionally val and test. groups: (training images,); a split keeps
    each group together. names: of the classes. shares: of validation and test. same: (training
    images,), see `families`. Raises BadInput if there are too few images.
    """
    import torch

    from runner.images.sources import Splits

    train = parts["train"] if "train" in parts else parts["all"]
    classes = 1 + max(int(part.labels.max()) for part in parts.values())
    own = train.labels
    if same is not None:  # a copy does not count as another image
        own = own[heads(same)]
    counts = torch.bincount(own, minlength=classes).tolist()
    if min(counts) < 3:
        which = f"the class {names[counts.index(min(counts))]}" if names else "a class"
        kind = "training images" if same is None else "training images that are no copies"
        raise BadInput(f"{path}: {which} has fewer than 3 {kind}: too few to split")
    test, validation = parts.get("test"), parts.get("val")
    if test is None:
        train, test, groups, same = _held_out(train, shares[1], groups, same)
    if validation is None:
        train, validation, groups, same = _held_out(train, shares[0], groups, same)
    left = torch.bincount(train.labels, minlength=classes).tolist()
    if min(left) < 1:
        which = f"the class {names[left.index(0)]}" if names else "a class"
        raise BadInput(
            f"{path}: {which} has no training images beside those held out: lower "
            "validation_share or test_share, or add images"
        )
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
    train: Source, share: float, groups: Sequence[str] | None, same: Sequence[Hashable] | None
) -> tuple[Source, Source, Sequence[str] | None, Sequence[Hashable] | None]:
    """The rest of `train`, the held-out images, and groups and families of the rest."""
    labels = train.labels.tolist()
    if groups is None:
        kept, held = hold_out(labels, share, same)
    else:
        kept, held = hold_out_groups(labels, groups, share)
    left = None if groups is None else [groups[i] for i in kept]
    alike = None if same is None else [same[i] for i in kept]
    return train.subset(kept), train.subset(held), left, alike
