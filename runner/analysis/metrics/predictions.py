"""Predictions: a trained model's predictions for every image of a split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Predictions:
    """One entry per image, in the order of the split; all arrays are (N,).

    Logarithms are natural, and exact even if the probability itself underflows. Classes of equal
    probability are ranked by their numbers. Raises ValueError for arrays that differ in length.
    """

    truth: np.ndarray  # class, an integer
    predicted: np.ndarray  # class, an integer
    rank: np.ndarray  # number of classes with a higher probability than the true class
    log_truth: np.ndarray  # log of the probability of the true class
    log_predicted: np.ndarray  # log of the probability of the predicted class
    classes: int

    def __post_init__(self) -> None:
        arrays = (self.truth, self.predicted, self.rank, self.log_truth, self.log_predicted)
        if any(array.shape != (len(self.truth),) for array in arrays):
            raise ValueError("the arrays of predictions differ in length")

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def correct(self) -> np.ndarray:
        """bool (N,): whether the image is predicted correctly."""
        return self.rank == 0

    @property
    def confidence(self) -> np.ndarray:
        """float64 (N,): the probability of the predicted class."""
        return _exp(self.log_predicted)

    @property
    def truth_probability(self) -> np.ndarray:
        """float64 (N,): the probability of the true class."""
        return _exp(self.log_truth)


def _exp(logs: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.exp(logs.astype(np.float64))
