"""Task: a data set with its splits, the baseline's recipe, and tuned learning rates. Torch-free."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tricks.recipe import Recipe

if TYPE_CHECKING:
    from runner.images.listed import Listed
    from runner.images.originals import Originals
    from runner.images.sources import Splits
    from runner.records.spec import Fingerprint


@dataclass(frozen=True)
class Task:
    """Everything that decides a training, except the tricks and the seed.

    `fingerprint(data)` identifies the files under the folder `data` by names and sizes, and a
    user's own images also by content. It raises BadInput for a missing or broken data set.
    `load(data, train_images)` returns the splits; `train_images` selects a fixed stratified subset.
    """

    name: str
    summary: str
    baseline: Recipe
    learning_rates: Mapping[str, float]  # optimizer -> lr, tuned on validation
    fingerprint: Callable[[Path], Fingerprint]
    load: Callable[[Path, int | None], Splits]
    download: Callable[[Path], None] | None = None
    # All images before decoding, if each image is decoded separately.
    originals: Callable[[Path], Originals] | None = None
    found: Callable[[], Listed] | None = None  # the images, if they are the user's own
    shares: tuple[float, float] = (0.0, 0.0)  # of validation and test, if they can be chosen
    modules: tuple[str, ...] = ()  # that `load` imports, except torch and modules of training
    divide: Callable[[float, float], Task] | None = None  # gives the task with other shares
    kind: str = ""  # its name in the identity; "": its name up to a colon

    def identity(self, data: Path | None, train_images: int | None = None) -> Fingerprint:
        """The part of a run's id that comes from the task; never a path."""
        return {
            "task": self.kind or self.name.partition(":")[0],
            "train_images": train_images,
            **self.fingerprint(data or DATA),
        }


DATA = Path("data")  # the default folder of data sets, without --data


def listing(files: Iterable[Path], root: Path) -> str:
    """A digest of the names (below `root`) and sizes in bytes of `files`."""
    sized = sorted((file, file.stat().st_size) for file in files)
    return digest(f"{file.relative_to(root).as_posix()} {size}" for file, size in sized)


def digest(lines: Iterable[str]) -> str:
    """A digest of lines of text, which may have any byte of a file's name."""
    import hashlib

    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]
