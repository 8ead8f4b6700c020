"""folder:PATH: the user's own images, one folder a class, fine-tuned at 224 pixels."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.images.content import content
from runner.images.copies import divided_together
from runner.images.decoding import VERSION
from runner.images.folders import read_folder
from runner.images.originals import Originals, originals
from runner.images.sampling import SHARES, TEST, VALIDATION
from runner.images.splits import shares_for_id, splits_of
from runner.images.user_path import user_path
from runner.tasks.fine_tuning import FINE_TUNING, FINE_TUNING_RATES
from runner.tasks.task import Task, digest
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.images.listed import Listed
    from runner.images.sources import Splits
    from runner.records.spec import Fingerprint


def folder_task(name: str, validation: float = VALIDATION, test: float = TEST) -> Task:
    """The task of `folder:PATH`. validation, test: shares held out for missing parts."""
    path = user_path(name.removeprefix("folder:"))
    if not str(path).strip() or path == Path("."):
        raise BadInput("folder: needs a path: --task folder:PATH")
    return Task(
        name=name,
        summary=f"the images in {path}, one folder a class",
        baseline=FINE_TUNING,
        learning_rates=FINE_TUNING_RATES,
        fingerprint=partial(fingerprint, path, shares=(validation, test)),
        originals=partial(all_images, path),
        found=partial(read_folder, path),
        load=partial(load, path, shares=(validation, test)),
        shares=(validation, test),
        divide=partial(folder_task, name),
    )


def fingerprint(path: Path, data: Path, shares: tuple[float, float] = SHARES) -> Fingerprint:
    """Names, sizes and content of all images. Raises BadInput for a missing or broken folder."""
    found = read_folder(path)
    return {
        "files": names_and_sizes(found),
        "parts": sorted(part or "all" for part in found.parts),
        "split": shares_for_id(shares, found.parts),
        "decoder": VERSION,
        "content": content(path, originals(found).files),
        **divided_together(found),
    }


def names_and_sizes(found: Listed) -> str:
    """A digest of the images' names and sizes, without their content."""
    files = found.rows.files.ordered()
    folders = [folder.relative_to(found.place) for folder in files.table.folders]
    starts = [b"" if folder == Path() else os.fsencode(folder) + b"/" for folder in folders]
    lines = zip(files.names(starts), files.column("size").tolist(), strict=True)
    return digest(f"{os.fsdecode(name)} {size}" for name, size in lines)


def load(
    path: Path, data: Path, train_images: int | None, shares: tuple[float, float] = SHARES
) -> Splits:
    """The splits: the folder's own parts, and stratified shares of training for missing parts."""
    return splits_of(read_folder(path), train_images, shares)


def all_images(path: Path, data: Path) -> Originals:
    """All images of the folder, sorted by path."""
    return originals(read_folder(path))
