"""How well classes were told apart: shares with Wilson intervals, and who was taken for whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.analysis.data.estimates import wilson
from tricks.errors import BadInput


@dataclass(frozen=True)
class Classification:
    """names: (K,). confusion: (K, K) images, a row a true class. loss: mean nats an image."""

    names: tuple[str, ...]
    confusion: np.ndarray
    loss: float

    @property
    def images(self) -> int:
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        return int(np.trace(self.confusion))

    def classes(self) -> list[dict[str, Any]]:
        """Of each class: images, accuracy (recall) with its interval, precision; per cent."""
        found = []
        for i, name in enumerate(self.names):
            count, right = int(self.confusion[i].sum()), int(self.confusion[i, i])
            said = int(self.confusion[:, i].sum())
            found.append(
                {
                    "class": name,
                    "images": count,
                    **share(right, count),
                    "precision": 100 * right / said if said else None,
                }
            )
        return found

    def confused(self, most: int = 10) -> list[dict[str, Any]]:
        """The pairs most often taken for another: true class, predicted class, images, per cent."""
        off = self.confusion.copy()
        np.fill_diagonal(off, 0)
        places = np.argsort(-off, axis=None, kind="stable")[:most]
        pairs = [np.unravel_index(place, off.shape) for place in places]
        return [
            {
                "class": self.names[i],
                "predicted": self.names[j],
                "images": int(off[i, j]),
                "share": 100 * int(off[i, j]) / int(self.confusion[i].sum()),
            }
            for i, j in pairs
            if off[i, j]
        ]

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "images": self.images,
            **share(self.right, self.images),
            "loss": self.loss if np.isfinite(self.loss) else None,
            "classes": self.classes(),
            "confused": self.confused(),
            "confusion": self.confusion.tolist(),
        }


def classification(
    log_probabilities: np.ndarray, labels: Sequence[int], names: Sequence[str]
) -> Classification:
    """From log-probabilities (N, K) and labels (N,). Raises BadInput without images."""
    truth = np.asarray(labels)
    if not len(truth):
        raise BadInput("no images to evaluate")
    said = log_probabilities.argmax(1)
    confusion = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(confusion, (truth, said), 1)
    loss = -log_probabilities[np.arange(len(truth)), truth].astype(np.float64).mean()
    return Classification(tuple(names), confusion, float(loss))


def share(right: int, count: int) -> dict[str, float | None]:
    """Accuracy in per cent with its 95 % Wilson interval; None of no images.

    >>> share(0, 0)
    {'accuracy': None, 'ci_low': None, 'ci_high': None}
    """
    if not count:
        return {"accuracy": None, "ci_low": None, "ci_high": None}
    low, high = wilson(right, count)
    return {
        "accuracy": 100 * right / count,
        "ci_low": round(100 * low, 9),
        "ci_high": round(100 * high, 9),
    }
