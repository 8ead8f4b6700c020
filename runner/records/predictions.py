"""Predictions on test images beside a record: a NumPy .npz, so that later metrics need no training.

truth, predicted: class of each image. rank: how many classes got more than the truth. log_truth:
log of the probability of the truth. log_predicted: that of the predicted class, 0 where this is
the truth. classes: how many there are. `numpy.load` opens it.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import TYPE_CHECKING

from runner.analysis.metrics.predictions import Predictions
from runner.records.record import Damaged

if TYPE_CHECKING:
    import numpy as np

ENDING = ".npz"
INTEGERS, LOGS = ("truth", "predicted", "rank"), ("log_truth", "log_predicted")
HEADER = 1_000  # bytes of an array's header, at most
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the same bytes each time


def pack(found: Predictions) -> bytes:
    """The file's content: the smallest integers that hold the classes, 32-bit logarithms."""
    import numpy as np

    kind = np.min_scalar_type(max(1, found.classes - 1))
    arrays = {
        **{name: getattr(found, name).astype(kind) for name in INTEGERS},
        "log_truth": found.log_truth.astype(np.float32),
        "log_predicted": np.where(found.correct, 0, found.log_predicted).astype(np.float32),
        "classes": np.array([found.classes], dtype=np.uint32),
    }
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as file:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, array, allow_pickle=False)
            file.writestr(
                zipfile.ZipInfo(f"{name}.npy", _EARLIEST), part.getvalue(), zipfile.ZIP_DEFLATED
            )
    return whole.getvalue()


def unpack(data: bytes, images: int) -> Predictions:
    """The inverse of `pack`, of a file that should be of so many images. Raises Damaged."""
    import numpy as np

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            ints = {name: _array(file, name, images, "u") for name in INTEGERS}
            truth_logs, logs = (_array(file, name, images, "f") for name in LOGS)
            classes = int(_array(file, "classes", 1, "u")[0])
    except (
        ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error,
        NotImplementedError, RuntimeError, SyntaxError, OverflowError, TypeError,
    ) as error:  # fmt: skip
        raise Damaged(f"it holds no predictions on {images:,} images: {error}") from error
    right = ints["rank"] == 0
    if any(array.max(initial=0) >= classes for array in ints.values()):
        raise Damaged("a class or a rank in it is larger than the number of classes")
    if not np.array_equal(right, ints["truth"] == ints["predicted"]):
        raise Damaged("its ranks are not those of its classes")
    if not (truth_logs <= 1e-3).all() or not (logs <= 1e-3).all():
        raise Damaged("a probability in it is above 1, or is none")
    return Predictions(
        **ints, log_truth=truth_logs, log_predicted=np.where(right, truth_logs, logs),
        classes=classes,
    )  # fmt: skip


def _array(file: zipfile.ZipFile, name: str, count: int, kind: str) -> np.ndarray:
    """One of its arrays, (count,); never more is unpacked than it may have. Raises ValueError."""
    import numpy as np

    most = HEADER + 8 * count
    with file.open(f"{name}.npy") as part:
        content = part.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{name} unpacks to too much")
    header = io.BytesIO(content)
    if np.lib.format.read_magic(header) != (1, 0):
        raise ValueError(f"{name} has a header of another version")
    shape, _, dtype = np.lib.format.read_array_header_1_0(header, max_header_size=HEADER)
    rest = content[header.tell() :]
    if shape != (count,) or dtype.kind != kind or len(rest) != count * dtype.itemsize:
        raise ValueError(f"{name} has another size or type")
    return np.frombuffer(rest, dtype)
