"""csv:PATH: images listed in a CSV with their labels, optionally with parts and groups."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.images.content import content
from runner.images.copies import divided_together
from runner.images.decoding import VERSION
from runner.images.originals import Originals, originals
from runner.images.sampling import SHARES
from runner.images.splits import shares_for_id, splits_of
from runner.images.tables import read_csv
from runner.images.user_path import user_path
from runner.tasks.csv_name import file_and_column
from runner.tasks.fine_tuning import FINE_TUNING, FINE_TUNING_RATES
from runner.tasks.task import Task, digest
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.images.listed import Listed
    from runner.images.sources import Splits
    from runner.records.spec import Fingerprint


def csv_task(name: str, validation: float = SHARES[0], test: float = SHARES[1]) -> Task:
    """The task of `csv:PATH` or `csv:PATH#COLUMN`. A split keeps images with equal COLUMN together.

    validation, test: shares held out for parts that the CSV does not have.
    """
    text, column = file_and_column(name.removeprefix("csv:"))
    path = user_path(text)
    if not text.strip():
        raise BadInput("csv: needs a file: --task csv:PATH")
    return Task(
        name=name,
        summary=f"the images listed in {path}",
        baseline=FINE_TUNING,
        learning_rates=FINE_TUNING_RATES,
        fingerprint=partial(fingerprint, path, column, shares=(validation, test)),
        originals=partial(all_images, path, column),
        found=partial(read_csv, path, column),
        load=partial(load, path, column, shares=(validation, test)),
        shares=(validation, test),
        divide=partial(csv_task, name),
    )


def fingerprint(
    path: Path, column: str, data: Path, shares: tuple[float, float] = SHARES
) -> Fingerprint:
    """Names, sizes and content of all images, with their labels, parts and groups."""
    found = read_csv(path, column)
    return {
        "files": rows_and_sizes(found),
        "split": shares_for_id(shares, found.parts),
        "group_by": column or None,
        "decoder": VERSION,
        "content": content(path, originals(found).files),
        **divided_together(found),
    }


def rows_and_sizes(found: Listed) -> str:
    """A digest of the rows, without the images' content; paths are relative to the CSV's folder.

    It does not depend on the order of the rows.
    """
    lines = [
        f"{_relative(row.file.path, found.place.parent)}\t{row.file.size}\t{row.label}"
        f"\t{row.part}\t{row.group}"
        for row in found.rows
    ]
    return digest(sorted(lines))


def load(
    path: Path,
    column: str,
    data: Path,
    train_images: int | None,
    shares: tuple[float, float] = SHARES,
) -> Splits:
    """The splits: the CSV's own parts, and missing parts held out of training, by whole groups."""
    return splits_of(read_csv(path, column), train_images, shares)


def all_images(path: Path, column: str, data: Path) -> Originals:
    """All images of the CSV, sorted by path."""
    return originals(read_csv(path, column))


def _relative(file: Path, root: Path) -> str:
    """The path relative to `root`, so that both can be moved together; other paths unchanged."""
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()
