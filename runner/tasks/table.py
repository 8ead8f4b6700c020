"""csv:PATH: images listed in a CSV with their labels, and maybe their parts and groups."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.images.decoding import check_images
from runner.images.splits import SHARES, held, split
from runner.images.tables import check_groups, read, relative
from runner.tasks.folder import FINE_TUNING, FINE_TUNING_RATES
from runner.tasks.task import Task
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.images.sources import Splits


def csv_task(name: str, validation: float = SHARES[0], test: float = SHARES[1]) -> Task:
    """The task of `csv:PATH` or `csv:PATH#COLUMN`, COLUMN naming the groups kept together.

    With these shares held out where it has no such parts.
    """
    text, _, column = name.removeprefix("csv:").partition("#")
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
        load=partial(load, path, column, shares=(validation, test)),
        shares=(validation, test),
        divide=partial(csv_task, name),
    )


def fingerprint(
    path: Path, column: str, data: Path, shares: tuple[float, float] = SHARES
) -> Mapping[str, Any]:
    """Names (as the file writes them), sizes, labels, parts and groups of all images."""
    rows = read(path, column)
    lines = [
        f"{relative(file, path.parent)}\t{file.stat().st_size}\t{label}\t{part}\t{group}"
        for file, label, part, group in zip(
            rows.paths, rows.labels, rows.parts, rows.groups, strict=True
        )
    ]
    return {
        "files": hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16],
        "split": held(shares, rows.parts),
        "group_by": column or None,
    }


def load(
    path: Path,
    column: str,
    data: Path,
    train_images: int | None,
    shares: tuple[float, float] = SHARES,
) -> Splits:
    """The splits: the file's own parts, the others held out of training, groups kept whole."""
    import torch

    from runner.images.sources import Files, Source

    rows = read(path, column)
    classes = sorted(set(rows.labels))
    if len(classes) < 2:
        raise BadInput(f"{path}: all images are {classes[0]}: at least two classes are needed")
    found: dict[str, Source] = {}
    for part in dict.fromkeys(rows.parts):
        chosen = [i for i, own in enumerate(rows.parts) if own == part]
        labels = torch.tensor([classes.index(rows.labels[i]) for i in chosen])
        found[part or "all"] = Files(tuple(rows.paths[i] for i in chosen), labels)
    groups = None
    if column:
        check_groups(path, rows)
        groups = [
            g for g, part in zip(rows.groups, rows.parts, strict=True) if part in ("", "train")
        ]
    return split(path, found, train_images, groups, classes, shares)


def check(path: Path, column: str, data: Path) -> None:
    """Decode every image, so that an unreadable one is named before hours of training."""
    check_images(read(path, column).paths)
