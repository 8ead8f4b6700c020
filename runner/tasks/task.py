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
    """What decides a training besides the tricks and the seed.

    `fingerprint(data)` identifies the files under the folder `data` by names and sizes, and a
    user's own images also by content; it raises BadInput where the data set is missing or broken.
    `load(data, train_images)` gives the splits; `train_images` asks for a fixed stratified subset.
    """

    name: str
    summary: str
    baseline: Recipe
    learning_rates: Mapping[str, float]  # optimizer -> lr, tuned on validation
    fingerprint: Callable[[Path], Fingerprint]
    load: Callable[[Path, int | None], Splits]
    download: Callable[[Path], None] | None = None
    # All images before they are decoded, where each is decoded by itself.
    originals: Callable[[Path], Originals] | None = None
    found: Callable[[], Listed] | None = None  # the images, where they are the user's own
    shares: tuple[float, float] = (0.0, 0.0)  # held out for validation and test, where they can be
    modules: tuple[str, ...] = ()  # that `load` imports besides torch and what training imports
    divide: Callable[[float, float], Task] | None = None  # the same with other shares
    kind: str = ""  # what its identity calls it; "": its name up to a colon

    def identity(self, data: Path | None, train_images: int | None = None) -> Fingerprint:
        """What of the task enters a run's id; never a path."""
        return {
            "task": self.kind or self.name.partition(":")[0],
            "train_images": train_images,
            **self.fingerprint(data or DATA),
        }


DATA = Path("data")  # where data sets are looked for unless --data says otherwise


def listing(files: Iterable[Path], root: Path) -> str:
    """A digest of the names (below `root`) and sizes in bytes of `files`."""
    sized = sorted((file, file.stat().st_size) for file in files)
    return digest(f"{file.relative_to(root).as_posix()} {size}" for file, size in sized)


def digest(lines: Iterable[str]) -> str:
    """A digest of lines of text, which may have any byte of a file's name."""
    import hashlib

    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]
