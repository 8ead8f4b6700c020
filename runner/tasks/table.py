"""csv:PATH: images listed in a CSV with their labels, and maybe their parts and groups."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.images.decoding import VERSION, check_images
from runner.images.splits import SHARES, held, splits_of
from runner.images.tables import named, read_csv
from runner.tasks.folder import FINE_TUNING, FINE_TUNING_RATES
from runner.tasks.task import Task
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.images.sources import Splits


def csv_task(name: str, validation: float = SHARES[0], test: float = SHARES[1]) -> Task:
    """The task of `csv:PATH` or `csv:PATH#COLUMN`, COLUMN naming the groups kept together.

    With these shares held out where it has no such parts.
    """
    text, column = named(name.removeprefix("csv:"))
    path = Path(text).expanduser()
    if not text.strip():
        raise BadInput("csv: needs a file: --task csv:PATH")
    return Task(
        name=name,
        summary=f"the images listed in {path}",
        baseline=FINE_TUNING,
        learning_rates=FINE_TUNING_RATES,
        fingerprint=partial(fingerprint, path, column, shares=(validation, test)),
        check=partial(check, path, column),
        found=partial(read_csv, path, column),
        load=partial(load, path, column, shares=(validation, test)),
        shares=(validation, test),
        divide=partial(csv_task, name),
    )


def fingerprint(
    path: Path, column: str, data: Path, shares: tuple[float, float] = SHARES
) -> Mapping[str, Any]:
    """Names (as below the file's folder), sizes, labels, parts and groups of all images."""
    found = read_csv(path, column)
    lines = [
        f"{relative(row.file.path, path.parent)}\t{row.file.size}\t{row.label}\t{row.part}"
        f"\t{row.group}"
        for row in found.rows
    ]
    return {
        "files": hashlib.sha256(
            "\n".join(sorted(lines)).encode(errors="surrogateescape")
        ).hexdigest()[:16],
        "split": held(shares, found.parts),
        "group_by": column or None,
        "decoder": VERSION,
    }


def load(
    path: Path,
    column: str,
    data: Path,
    train_images: int | None,
    shares: tuple[float, float] = SHARES,
) -> Splits:
    """The splits: the file's own parts, the others held out of training, groups kept whole."""
    return splits_of(read_csv(path, column), train_images, shares)


def check(path: Path, column: str, data: Path) -> tuple[str, ...]:
    """Decode every image, so that an unreadable one is named before hours of training."""
    return check_images(read_csv(path, column).paths)


def relative(file: Path, root: Path) -> str:
    """The path below `root`, so that both can be moved together; others as they are."""
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()
