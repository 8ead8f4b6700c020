"""Predictions on test images beside a record, so that later metrics need no training.

A gzip file of NumPy arrays, one after the other, as `numpy.load` reads them from `gzip.open`.
classes: the number of classes. For each image: truth and predicted, the classes; rank, the number
of classes with a higher probability than the truth; log_truth, the log probability of the truth;
log_predicted, the log probability of the predicted class, 0 if it is the truth.
"""

from __future__ import annotations

import gzip
import io
import zlib
from typing import TYPE_CHECKING

from runner.analysis.metrics.predictions import Predictions
from runner.records.record import Damaged

if TYPE_CHECKING:
    import numpy as np

ENDING = ".predictions"
INTEGERS, LOGS = ("truth", "predicted", "rank"), ("log_truth", "log_predicted")
MOST_HEADER = 1_000  # the most bytes of an array's header


def pack(found: Predictions) -> bytes:
    """The file's content, with the smallest integers for the classes and 32-bit logarithms."""
    import numpy as np

    kind = np.min_scalar_type(max(1, found.classes - 1))
    arrays = [
        np.array([found.classes], dtype=np.uint32),
        *(getattr(found, name).astype(kind) for name in INTEGERS),
        found.log_truth.astype(np.float32),
        np.where(found.correct, 0, found.log_predicted).astype(np.float32),
    ]
    whole = io.BytesIO()
    for array in arrays:
        np.lib.format.write_array(whole, array, allow_pickle=False)
    return gzip.compress(whole.getvalue(), mtime=0)  # so that the bytes are always the same


def unpack(data: bytes, images: int) -> Predictions:
    """The inverse of `pack`, for a file with `images` images. Raises Damaged."""
    import numpy as np

    most = 6 * MOST_HEADER + (3 * 4 + 2 * 4) * images  # never unpack more than such a file may have
    try:
        with gzip.open(io.BytesIO(data)) as file:
            content = file.read(most + 1)
        if len(content) > most:
            raise ValueError("it unpacks to too much")
        whole = io.BytesIO(content)
        classes = int(_array(whole, "classes", 1, "u")[0])
        ints = {name: _array(whole, name, images, "u") for name in INTEGERS}
        truth_logs, logs = (_array(whole, name, images, "f") for name in LOGS)
        if whole.read(1):
            raise ValueError("it holds further data")
    except (
        ValueError, KeyError, EOFError, OSError, zlib.error, RuntimeError, SyntaxError,
        OverflowError, TypeError,
    ) as error:  # fmt: skip
        raise Damaged(f"it holds no predictions on {images:,} images: {error}") from error
    right = ints["rank"] == 0
    if any(array.max(initial=0) >= classes for array in ints.values()):
        raise Damaged("a class or a rank in it is larger than the number of classes")
    if not np.array_equal(right, ints["truth"] == ints["predicted"]):
        raise Damaged("its ranks are not those of its classes")
    if not (truth_logs <= 1e-3).all() or not (logs <= 1e-3).all():
        raise Damaged("a probability in it is above 1, or not a number")
    return Predictions(
        **ints, log_truth=truth_logs, log_predicted=np.where(right, truth_logs, logs),
        classes=classes,
    )  # fmt: skip


def _array(whole: io.BytesIO, name: str, count: int, kind: str) -> np.ndarray:
    """The next array, (count,). Raises ValueError for another size or type."""
    import numpy as np

    if np.lib.format.read_magic(whole) != (1, 0):
        raise ValueError(f"{name} has a header of another version")
    shape, _, dtype = np.lib.format.read_array_header_1_0(whole, max_header_size=MOST_HEADER)
    held = b"" if dtype.hasobject else whole.read(count * dtype.itemsize)
    if shape != (count,) or dtype.kind != kind or len(held) != count * dtype.itemsize:
        raise ValueError(f"{name} has another size or type")
    return np.frombuffer(held, dtype)
