"""Fixed stratified parts of a training set: the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.training.data import Source

PROBE = 256  # at most so many clean training images measure training accuracy


def hold_out(labels: Sequence[int], share_or_count: float | int) -> tuple[list[int], list[int]]:
    """Indices (kept, held out), stratified: a count of images, or a share below 1 of each class."""
    from runner.training.data import stratified

    count = share_or_count if share_or_count >= 1 else round(share_or_count * len(labels))
    held = stratified(labels, int(count), seed=1)
    chosen = set(held)
    return [i for i in range(len(labels)) if i not in chosen], held


def train_and_probe(train: Source, train_images: int | None) -> tuple[Source, Source]:
    """The training images (all, or a fixed stratified subset of `train_images`), and a probe."""
    from runner.training.data import stratified

    if train_images is not None:
        train = train.subset(stratified(train.labels.tolist(), train_images))
    return train, train.subset(stratified(train.labels.tolist(), min(PROBE, len(train))))
