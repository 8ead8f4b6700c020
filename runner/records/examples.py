"""Example images of augmentations, kept in a store for its reports. Torch-free.

examples/<digest>/<digest>.npz: the first digest is of the images' identity, the second of the
trick's text. The text "" means the original images, with the names of the classes. The files are
derived: they may be deleted, and unreadable files are ignored.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.records import atomic_write
from runner.records.json_values import JsonValue, digest

if TYPE_CHECKING:
    import numpy as np

    from runner.records.record_schema import Record

FOLDER = "examples"
LARGEST = 8 << 20  # bytes of a file, compressed or not
PARTS = ("text", "images", "names")


@dataclass(frozen=True)
class Example:
    """A few images after the trick `text`: uint8 (n, H, W, 3). names: of the classes."""

    text: str
    images: np.ndarray
    names: tuple[str, ...] = ()


def path(root: Path, data: Mapping[str, JsonValue], text: str) -> Path:
    """The file, below `root`, with the example of a trick on the images that `data` identifies."""
    return folder(root, data) / f"{digest({'trick': text})[:16]}.npz"


def folder(root: Path, data: Mapping[str, JsonValue]) -> Path:
    """The folder of all examples on these images."""
    return root / FOLDER / digest(dict(data))[:16]


def save(
    root: Path,
    data: Mapping[str, JsonValue],
    text: str,
    images: np.ndarray,
    names: Sequence[str],
) -> None:
    """Write an example. Raises OSError if it cannot be written."""
    import numpy as np

    file = path(root, data, text)
    file.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    called = np.array(list(names), dtype=str)
    np.savez_compressed(content, text=np.array(text, dtype=str), images=images, names=called)
    atomic_write.replace(file, content.getvalue())


def load(place: Path) -> list[Example]:
    """The examples in a folder, the original images first; [] if there is no folder."""
    found = [example for file in sorted(place.glob("*.npz")) if (example := _read(file))]
    return sorted(found, key=lambda example: example.text)


def class_names(root: Path, records: Iterable[Record | None]) -> tuple[str, ...]:
    """The names of the classes of the first record's images; () if they are not known."""
    data = next((record.data for record in records if record and record.data), None)
    found = load(folder(root, data)) if data else []
    return next((example.names for example in found if not example.text), ())


def export(root: Path, records: Iterable[Record | None], out: Path) -> None:
    """Copy the examples on the images of the first record into an export. Raises OSError."""
    data = next((record.data for record in records if record and record.data), None)
    for file in sorted(folder(root, data).glob("*.npz")) if data else ():
        (out / FOLDER).mkdir(exist_ok=True)
        atomic_write.replace(out / FOLDER / file.name, atomic_write.read(file, most=LARGEST))


def _read(file: Path) -> Example | None:
    import numpy as np

    try:
        content = atomic_write.read(file, most=LARGEST)
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > LARGEST:
                return None
        with np.load(io.BytesIO(content), allow_pickle=False) as held:
            text, images, names = (held[name] for name in PARTS)
        fits = images.dtype == np.uint8 and images.ndim == 4 and images.shape[3] == 3
        if not fits or text.dtype.kind != "U" or names.dtype.kind != "U" or not images.size:
            return None
        return Example(str(text), images, tuple(map(str, names.ravel())))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError, SyntaxError):
        return None
