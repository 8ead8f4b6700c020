"""The test images that a run got right, if its script wrote {out}/predictions.csv."""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

from runner.records.json_values import JsonValue
from tricks.errors import BadInput

FILE = "predictions.csv"
COLUMNS = ("image", "label", "predicted")
MOST_IMAGES = 10_000_000  # images
ROUNDED = 0.1  # pp by which a rounded accuracy may differ from the share of correct images


def correct(out: Path, accuracy: float | None) -> dict[str, JsonValue]:
    """Fields of the record: one bit per image, sorted by the images' names; {} without a file.

    accuracy: on test images, per cent; the file must agree with it. The file's accuracy, which is
    not rounded, replaces it. Raises BadInput for a file that cannot be right.
    """
    path = out / FILE
    if not path.is_file():
        return {}
    import numpy as np

    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        table = csv.DictReader(file, skipinitialspace=True)
        missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
        if missing:
            raise BadInput(f"{FILE} has no column {missing[0]}: it needs {', '.join(COLUMNS)}")
        rows = sorted(_rows(table))
    names = [image for image, _, _ in rows]
    if len(set(names)) < len(names):
        raise BadInput(f"{FILE} names an image twice: write one row per image")
    if not 1 < len(rows) <= MOST_IMAGES:
        raise BadInput(f"{FILE} has {len(rows):,} rows: write one row per test image")
    bits = [label.strip() == said.strip() for _, label, said in rows]
    share = 100 * sum(bits) / len(bits)
    if accuracy is not None and abs(share - accuracy) > ROUNDED:
        raise BadInput(
            f"{FILE} has {share:.2f} % correct, but the metric says {accuracy:.2f} %: both must "
            "be of the same model and images"
        )
    told = "\n".join(f"{image}\t{label}" for image, label, _ in rows)
    fields: dict[str, JsonValue] = {
        "correct": base64.b64encode(np.packbits(bits).tobytes()).decode(),
        "test_images": len(bits),
        "images_sha256": hashlib.sha256(told.encode(errors="replace")).hexdigest(),
    }
    return fields if accuracy is None else {**fields, "test_accuracy": share}


def _rows(table: csv.DictReader[str]) -> Iterator[tuple[str, str, str]]:
    """Image, label and prediction of each row. Raises BadInput for a row of another width."""
    try:
        for row in table:
            image, label, said = (row[name] for name in COLUMNS)
            beyond = any(cell.strip() for cell in row.get(None) or ())
            if beyond or None in (image, label, said):
                raise BadInput(f"{FILE}, line {table.line_num}: its cells do not fit the columns")
            yield image, label, said
    except csv.Error as error:
        raise BadInput(f"{FILE}, line {table.line_num}: {error}") from error
