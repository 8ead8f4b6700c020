"""A check of image files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.images.cache_build import checked
from runner.images.caching import complained
from runner.images.file_list import ImageFiles
from runner.images.originals import OriginalFiles
from runner.images.walk import image_file


def check(paths: Sequence[Path]) -> tuple[str, ...]:
    """The lines about the decoder's warnings. Raises BadInput as at the start of a grid."""
    files = [image_file(path) for path in paths]
    originals = OriginalFiles(
        Path("images"), ImageFiles.of(file for file in files if file is not None)
    )
    return complained(originals, checked(originals, lambda line: None).complaints)
