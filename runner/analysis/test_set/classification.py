"""Accuracy by class with Wilson intervals, and the most frequent confusions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runner.analysis.data.estimates import wilson
from tricks.errors import BadInput

MOST_CONFUSED = 10  # pairs of classes


@dataclass(frozen=True)
class ClassRow:
    """One true class: accuracy (recall) with its 95 % Wilson interval, and precision; per cent.

    The field `name` has the key `class` in JSON.
    """

    name: str
    images: int
    accuracy: float | None
    ci_low: float | None
    ci_high: float | None
    precision: float | None


@dataclass(frozen=True)
class Confused:
    """Images of class `name` (JSON: `class`) predicted as `predicted`; share: of the class, %."""

    name: str
    predicted: str
    images: int
    share: float


@dataclass(frozen=True)
class Classification:
    """names: (K,). confusion: (K, K) images, rows are true classes. loss: mean nats per image."""

    names: tuple[str, ...]
    confusion: np.ndarray
    loss: float

    @property
    def images(self) -> int:
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float | None:
        """Per cent."""
        return share(self.right, self.images)[0]

    @property
    def ci_low(self) -> float | None:
        """The lower end of the accuracy's 95 % Wilson interval."""
        return share(self.right, self.images)[1]

    @property
    def ci_high(self) -> float | None:
        """The upper end of the accuracy's 95 % Wilson interval."""
        return share(self.right, self.images)[2]

    @property
    def classes(self) -> tuple[ClassRow, ...]:
        """One row for each class."""
        found = []
        for i, name in enumerate(self.names):
            count, right = int(self.confusion[i].sum()), int(self.confusion[i, i])
            said = int(self.confusion[:, i].sum())
            precision = 100 * right / said if said else None
            found.append(ClassRow(name, count, *share(right, count), precision))
        return tuple(found)

    @property
    def confused(self) -> tuple[Confused, ...]:
        """The most frequent confusions, at most `MOST_CONFUSED`."""
        off = self.confusion.copy()
        np.fill_diagonal(off, 0)
        places = np.argsort(-off, axis=None, kind="stable")[:MOST_CONFUSED]
        pairs = [np.unravel_index(place, off.shape) for place in places]
        return tuple(
            Confused(
                self.names[i],
                self.names[j],
                int(off[i, j]),
                100 * int(off[i, j]) / int(self.confusion[i].sum()),
            )
            for i, j in pairs
            if off[i, j]
        )


def classification(
    log_probabilities: np.ndarray, labels: Sequence[int], names: Sequence[str]
) -> Classification:
    """From log-probabilities (N, K) and labels (N,). Raises BadInput without images."""
    truth = np.asarray(labels)
    if not len(truth):
        raise BadInput("no images to evaluate")
    said = log_probabilities.argmax(1)
    confusion = confusions(truth, said, len(names))
    loss = -log_probabilities[np.arange(len(truth)), truth].astype(np.float64).mean()
    return Classification(tuple(names), confusion, float(loss))


def confusions(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) numbers of images, rows are true classes. truth, predicted: (N,) integers.

    >>> confusions(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    found = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(found, (truth, predicted), 1)
    return found


def share(right: int, count: int) -> tuple[float | None, float | None, float | None]:
    """Accuracy in per cent and the ends of its 95 % Wilson interval; None without images.

    >>> share(0, 0)
    (None, None, None)
    """
    if not count:
        return None, None, None
    low, high = wilson(right, count)
    return 100 * right / count, round(100 * low, 9), round(100 * high, 9)
