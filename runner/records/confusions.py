"""The confusions of a study's runs: how many test images of each class got which prediction.

In a store they are counted from the predictions. In an export they are in confusions.csv.gz, with
the columns id, classes (their number), truth, predicted, images, and name, of the true class, where
it is known. Pairs without images are left out. Predictions themselves are too large for an export.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.analysis.test_set.classification import confusions
from runner.records import packed
from runner.records.csv_text import csv_bytes, unescaped
from tricks.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

    from runner.records.store import Store

FILE = "confusions.csv.gz"
NUMBERS = ("classes", "truth", "predicted", "images")
MOST_CLASSES = 2_000  # a matrix of each run must fit into memory


class Confusions(NamedTuple):
    """counts: run id -> (K, K) numbers of images, rows are true classes.

    names: of the classes; () if they are not known.
    """

    counts: dict[str, np.ndarray]
    names: tuple[str, ...] = ()


def of_runs(source: Store | Path, ids: Sequence[str]) -> Confusions:
    """The confusions of the runs where they are known; of an export, those of all runs.

    source: a store, or the folder of an export. Raises BadInput for a damaged file of an export.
    """
    if not isinstance(source, Path):
        return Confusions(dict(counted(source, ids)))
    file = source / FILE
    if not file.is_file():
        return Confusions({})
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


def write(found: Iterable[tuple[str, np.ndarray]], names: Sequence[str] = ()) -> bytes | None:
    """The content of the file, unpacked; None without runs. names: of the classes, if known."""
    import numpy as np
    import pandas as pd

    parts = []
    for id, counts in found:
        truth, predicted = np.nonzero(counts)
        images = counts[truth, predicted]
        parts.append(pd.DataFrame({"id": id, "classes": len(counts), "truth": truth,
                                   "predicted": predicted, "images": images}))  # fmt: skip
    if not parts:
        return None
    frame = pd.concat(parts)
    if len(names) == frame["classes"].max():
        frame["name"] = np.array(names)[frame["truth"]]
    return csv_bytes(frame)


def read(content: bytes) -> Confusions:
    """The inverse of `write`. Raises ValueError or KeyError for another content."""
    import numpy as np
    import pandas as pd

    kinds: dict[str, Any] = {"id": str, "name": str, **dict.fromkeys(NUMBERS, "uint32")}
    frame = pd.read_csv(io.BytesIO(content), dtype=kinds, keep_default_na=False)
    found = {}
    for id, rows in frame.groupby("id"):
        classes, truth, predicted, images = (rows[name].to_numpy() for name in NUMBERS)
        side = int(classes[0])
        if side > MOST_CLASSES or max(classes.max(), truth.max() + 1, predicted.max() + 1) > side:
            raise ValueError(f"a class of run {id} is larger than the number of classes")
        counts = np.zeros((side, side), dtype=np.int64)
        np.add.at(counts, (truth, predicted), images)
        found[str(id)] = counts
    if "name" not in frame:
        return Confusions(found)
    named = dict(zip(frame["truth"], map(unescaped, frame["name"]), strict=True))
    return Confusions(found, tuple(named.get(i, str(i)) for i in range(frame["classes"].max())))
