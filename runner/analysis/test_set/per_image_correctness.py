"""Bits: the test images that each run predicted correctly, with sums over the runs of each arm."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import numpy as np
import pandas as pd

from runner.analysis.data.arm_statistics import distinct
from runner.analysis.data.experiment import Experiment, succeeded, values

MOST_BITS = 100_000_000  # runs × images; each takes one byte of memory
AGREES = 0.01  # pp: largest difference of a run's accuracy from the mean of its bits (rounding)


@dataclass(frozen=True)
class Bits:
    """Correct and wrong predictions of the finished runs.

    right: (runs, images) 0 or 1. levels: (cells, factors) level indices of the arms; cell: (runs,)
    the arm of each run. seed: (runs,), None if unknown. sums: (cells, images) correct runs.
    """

    right: np.ndarray
    levels: np.ndarray
    cell: np.ndarray
    seed: np.ndarray | None
    sums: np.ndarray

    @property
    def count(self) -> np.ndarray:
        """(cells,) runs."""
        return np.bincount(self.cell, minlength=len(self.levels))

    @property
    def images(self) -> int:
        """The number of test images."""
        return int(self.right.shape[1])

    @property
    def accuracy(self) -> np.ndarray:
        """(runs,) per cent."""
        return 100 * self.right.mean(axis=1, dtype=np.float64)


def bits(right: np.ndarray, codes: np.ndarray, seed: np.ndarray | None = None) -> Bits:
    """Bits from right (runs, images) of 0 and 1, codes (runs, factors) and seed (runs,)."""
    levels, cell = distinct(codes)
    order = np.argsort(cell, kind="stable")
    ends = np.searchsorted(cell[order], np.arange(1, len(levels)))
    # A loop over the arms: reduceat along the first axis takes six times as long.
    sums = [right[runs].sum(axis=0, dtype=np.int32) for runs in np.split(order, ends)]
    return Bits(right, levels, cell, seed, np.array(sums))


def read_bits(experiment: Experiment, metric: str) -> Bits | str:
    """The bits of the finished runs with the metric, or the reason why there are none.

    They are in the column `correct`: base64 of bits packed eight to a byte, the first image first;
    `test_images` is the number of bits.
    """
    if metric != "accuracy":
        return f"only test accuracy has a bit for each test image, {metric} has none"
    runs = experiment.runs
    if not {"correct", "test_images"} <= set(runs.columns):
        return "the runs have no bits of right and wrong for each test image"
    y = values(runs, metric)
    usable = (succeeded(runs) & y.notna()).to_numpy()
    runs, y = runs[usable], y[usable]
    packed = [x if isinstance(x, str) and x else None for x in runs["correct"]]
    missing = sum(x is None for x in packed)
    if missing == len(packed):
        return "the runs have no bits of right and wrong for each test image"
    if missing:
        return f"{missing} of {len(packed)} runs have no bits of right and wrong"
    sizes = pd.to_numeric(runs["test_images"], errors="coerce").to_numpy(dtype=float)
    if not np.isfinite(sizes).all() or (sizes != sizes[0]).any() or sizes[0] < 2:
        return "the runs do not have the same test images"
    images = int(sizes[0])
    if images * len(packed) > MOST_BITS:
        return f"too many bits for the memory: {len(packed):,} runs × {images:,} images"
    try:
        joined = b"".join(base64.b64decode(x, validate=True) for x in packed if x is not None)
    except (binascii.Error, ValueError):
        return "the column correct is not base64"
    if len(joined) != len(packed) * ((images + 7) // 8):
        return "the column correct does not have one bit for each test image"
    whole = np.frombuffer(joined, dtype=np.uint8).reshape(len(packed), -1)
    right = np.unpackbits(whole, axis=1, count=images)
    seed = None
    if "seed" in runs:
        found = pd.to_numeric(runs["seed"], errors="coerce").to_numpy(dtype=float)
        seed = found if np.isfinite(found).all() else None
    result = bits(right, experiment.codes[usable], seed)
    if np.abs(result.accuracy - y.to_numpy()).max() > AGREES:
        return "the bits do not add up to the accuracies"
    return result
