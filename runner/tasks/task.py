"""Task: a data set with its splits, the baseline's recipe, and tuned learning rates. Torch-free."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tricks.recipe import Recipe

if TYPE_CHECKING:
    from runner.images.sources import Splits


@dataclass(frozen=True)
class Task:
    """What decides a training besides the tricks and the seed.

    `fingerprint(data)` identifies the files under the folder `data` by names and sizes, without
    reading images; it raises BadInput in one line where the data set is missing or broken.
    `load(data, train_images)` gives the splits; `train_images` asks for a fixed stratified subset.
    """

    name: str
    summary: str
    baseline: Recipe
    learning_rates: Mapping[str, float]  # optimizer -> lr, tuned on validation
    fingerprint: Callable[[Path], Mapping[str, Any]]
    load: Callable[[Path, int | None], Splits]
    download: Callable[[Path], None] | None = None
    check: Callable[[Path], None] = lambda data: None  # a longer look, before a long training
    shares: tuple[float, float] = (0.0, 0.0)  # held out for validation and test, where they can be
    divide: Callable[[float, float], Task] | None = None  # the same with other shares

    def identity(self, data: Path | None, train_images: int | None = None) -> dict[str, Any]:
        """What of the task enters a run's id; never a path."""
        return {
            "task": self.name.partition(":")[0],
            "train_images": train_images,
            **self.fingerprint(data or DATA),
        }


DATA = Path("data")  # where data sets are looked for unless --data says otherwise


def listing(files: list[Path], root: Path) -> str:
    """A digest of the names (below `root`) and sizes in bytes of `files`."""
    import hashlib

    lines = (f"{f.relative_to(root).as_posix()} {f.stat().st_size}" for f in sorted(files))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
