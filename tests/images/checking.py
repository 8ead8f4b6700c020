"""What a check of image files finds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.images.cache_build import checked
from runner.images.caching import complained
from runner.images.file_list import ImageFiles
from runner.images.originals import OriginalFiles
from runner.images.walk import image_file


def check(paths: Sequence[Path]) -> tuple[str, ...]:
    """The lines on what the decoder complains of. Raises BadInput as a start of a grid does."""
    files = [image_file(path) for path in paths]
    originals = OriginalFiles(
        Path("images"), ImageFiles.of(file for file in files if file is not None)
    )
    return complained(originals, checked(originals, lambda line: None).complaints)
