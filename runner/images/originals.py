"""All images of a task in one fixed order, before they are decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from runner.images import content
from runner.images.decoding import Decoded, decode
from runner.images.file_list import ImageFiles
from runner.images.listed import Listed
from tricks.errors import BadInput


class Originals(Protocol):
    """Images that can be decoded one by one, from any thread."""

    @property
    def place(self) -> Path:
        """The folder or file of the images, for messages."""
        ...

    @property
    def sizes(self) -> Sequence[int] | np.ndarray:
        """Bytes of each image: they show whether an image cache belongs to these images."""
        ...

    def name(self, place: int) -> str:
        """The name of the image at `place` in messages."""
        ...

    def known(self) -> str | None:
        """A digest of the images' content; None if all images would have to be read for it."""
        ...

    def decoded(self, place: int, side: int, small: bool = False) -> tuple[Decoded, str]:
        """The image at `place` (see `decode`), and its file's digest. Raises BadInput."""
        ...

    def read(self, digests: Sequence[str] | np.ndarray) -> str:
        """The digest that `known` gives, from the digests of all images."""
        ...


@dataclass(frozen=True)
class OriginalFiles:
    """Images with one file each. files: sorted by path."""

    place: Path
    files: ImageFiles

    @property
    def sizes(self) -> np.ndarray:
        return self.files.column("size")

    def name(self, place: int) -> str:
        return str(self.files[place].path)

    def known(self) -> str | None:
        found = content.known(self.place, self.files)
        return None if found is None else content.joint_digest(found)

    def decoded(self, place: int, side: int, small: bool = False) -> tuple[Decoded, str]:
        path = self.files[place].path
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
        return decode(data, path, side, small), content.digest_of(data)

    def read(self, digests: Sequence[str] | np.ndarray) -> str:
        found = np.asarray(digests, content.KNOWN["digest"])
        content.keep(self.place, self.files, found)
        return content.joint_digest(found)


def originals(found: Listed) -> OriginalFiles:
    """The image files of the user's folder or CSV."""
    return OriginalFiles(found.place, found.rows.files.ordered())
