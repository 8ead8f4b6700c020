"""The confusions of a study's runs: how many test images of each class got which prediction.

In a store they are counted from the predictions. In an export they are in confusions.csv.gz, with
the columns id, classes (their number), truth, predicted and images; pairs without images are left
out. Predictions themselves are too large for an export.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.analysis.test_set.classification import confusions
from runner.records import packed
from runner.records.csv_text import csv_bytes
from tricks.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

    from runner.records.store import Store

FILE = "confusions.csv.gz"
NUMBERS = ("classes", "truth", "predicted", "images")
MOST_CLASSES = 2_000  # a matrix of each run must fit into memory


def of_runs(source: Store | Path, ids: Sequence[str]) -> dict[str, np.ndarray]:
    """id -> (K, K) numbers of images, rows are true classes, of the runs where they are known.

    source: a store, or the folder of an export. Raises BadInput for a damaged file of an export.
    """
    if not isinstance(source, Path):
        return dict(counted(source, ids))
    file = source / FILE
    if not file.is_file():
        return {}
    try:
        return read(packed.unpack(file))
    except (OSError, EOFError, zlib.error, ValueError, KeyError) as error:
        raise BadInput(f"cannot read {file}: {error}") from error


def counted(store: Store, ids: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """(id, (K, K) numbers of images) of the runs whose predictions are kept."""
    for id in ids:
        record = store.record(id)
        held = None if record is None else store.predictions(record)
        if held is not None and held.classes <= MOST_CLASSES:
            yield id, confusions(held.truth, held.predicted, held.classes)


def write(found: Iterable[tuple[str, np.ndarray]]) -> bytes | None:
    """The content of the file, unpacked; None without runs."""
    import numpy as np
    import pandas as pd

    parts = []
    for id, counts in found:
        truth, predicted = np.nonzero(counts)
        images = counts[truth, predicted]
        parts.append(pd.DataFrame({"id": id, "classes": len(counts), "truth": truth,
                                   "predicted": predicted, "images": images}))  # fmt: skip
    return csv_bytes(pd.concat(parts)) if parts else None


def read(content: bytes) -> dict[str, np.ndarray]:
    """The inverse of `write`. Raises ValueError or KeyError for another content."""
    import numpy as np
    import pandas as pd

    kinds: dict[str, Any] = {"id": str, **dict.fromkeys(NUMBERS, "uint32")}
    frame = pd.read_csv(io.BytesIO(content), dtype=kinds)
    found = {}
    for id, rows in frame.groupby("id"):
        classes, truth, predicted, images = (rows[name].to_numpy() for name in NUMBERS)
        side = int(classes[0])
        if side > MOST_CLASSES or max(classes.max(), truth.max() + 1, predicted.max() + 1) > side:
            raise ValueError(f"a class of run {id} is larger than the number of classes")
        counts = np.zeros((side, side), dtype=np.int64)
        np.add.at(counts, (truth, predicted), images)
        found[str(id)] = counts
    return found
