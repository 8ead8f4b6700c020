"""Fixed stratified subsets of a training set: the same on every machine."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.images.sources import Source

# Shares of each class that are held out for a missing part: validation, as a share of the images
# outside the test part, and test, as a share of all.
VALIDATION, TEST = SHARES = 0.15, 0.15
PROBE = 256  # clean training images that measure training accuracy; at least one per class


def stratified(labels: Sequence[int], count: int, seed: int = 0) -> list[int]:
    """Sorted indices of `count` items, with classes in the proportions of `labels`.

    `seed` fixes the choice, and a smaller choice is a subset of a larger one. Raises BadInput if
    there are fewer than `count` items, or if `count` is smaller than the number of classes.
    """
    import torch

    all_labels = torch.as_tensor(labels)
    if not 0 < count <= len(all_labels):
        raise BadInput(f"{count} images were asked for, but there are only {len(all_labels)}")
    draws = torch.rand(len(all_labels), generator=torch.Generator().manual_seed(seed))
    # An image's place within its class in random order, as a share of the class. The images with
    # the smallest shares come from all classes alike.
    share = torch.empty(len(all_labels), dtype=torch.float64)
    kinds, counts = all_labels.unique(return_counts=True)
    for members in all_labels.argsort(stable=True).split(counts.tolist()):
        ranked = members[draws[members].argsort()]
        share[ranked] = (torch.arange(len(ranked), dtype=torch.float64) + 0.5) / len(ranked)
        share[ranked[0]] = 0  # one image of each class comes first
    chosen = share.argsort(stable=True)[:count]
    if len(all_labels[chosen].unique()) < len(kinds):
        raise BadInput(f"{count} images cannot hold one of each of the {len(kinds)} classes")
    return sorted(chosen.tolist())


def hold_out(
    labels: Sequence[int], share_or_count: float | int, families: Sequence[Hashable] | None = None
) -> tuple[list[int], list[int]]:
    """Stratified indices (kept, held out): a count of images, or a share of each class.

    families: the family of each image; the first image of a family decides for all of them.
    """
    if families is not None:
        first = heads(families)
        drawn = hold_out([labels[i] for i in first], share_or_count)[1]
        names = {families[first[i]] for i in drawn}
        sides = [[i for i, f in enumerate(families) if (f in names) == side] for side in (0, 1)]
        return sides[0], sides[1]
    count = share_or_count if share_or_count >= 1 else round(share_or_count * len(labels))
    count = max(count, len(set(labels)))  # at least one image of each class
    held = stratified(labels, int(count), seed=1)
    chosen = set(held)
    return [i for i in range(len(labels)) if i not in chosen], held


def heads(families: Sequence[Hashable]) -> list[int]:
    """The place of the first image of each family.

    >>> heads(["a", "b", "a", "c"])
    [0, 1, 3]
    """
    first: dict[Hashable, int] = {}
    for i, family in enumerate(families):
        first.setdefault(family, i)
    return list(first.values())


def hold_out_groups(
    labels: Sequence[int], groups: Sequence[str], share: float
) -> tuple[list[int], list[int]]:
    """Indices (kept, held out), with no group in both. About `share` of the images are held out.

    Classes keep their proportions as far as whole groups allow (scikit-learn's
    StratifiedGroupKFold). Raises BadInput if there are fewer groups than parts, or if all images of
    a class are held out.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    folds = max(2, round(1 / share))
    if len(set(groups)) < folds:
        raise BadInput(
            f"{len(set(groups))} groups are too few to hold out {share:.0%} of the images: "
            f"at least {folds} are needed"
        )
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    kept, held = next(split.split([0] * len(labels), list(labels), list(groups)))
    if {labels[i] for i in kept} != set(labels):
        raise BadInput(
            "a class has all its images in one group: it cannot be split by group, "
            "so leave out --group-by or choose another column"
        )
    return kept.tolist(), held.tolist()


def train_and_probe(train: Source, train_images: int | None) -> tuple[Source, Source]:
    """The training images (all, or a fixed stratified subset of `train_images`), and the probe."""
    if train_images is not None:
        train = train.subset(stratified(train.labels.tolist(), train_images))
    labels = train.labels.tolist()
    probe = min(max(PROBE, len(set(labels))), len(train))
    return train, train.subset(stratified(labels, probe))
