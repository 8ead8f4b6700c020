"""Files that a run of a recipe reads, to be sent to a machine without shared folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from runner.images.user_path import user_path
from runner.images.written import LIST, remember, remembered, root, stamp_of, write_set

Files: TypeAlias = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class Parcel:
    """plugins: name and content of each file. task: as in --task, without relative paths.

    images: name and content of each file of a data set from Python, with its name `set` in the
    cache and its stamp; None: the images are on the other machine, or are fetched there.
    """

    task: str
    plugins: Files = ()
    set: str = ""
    stamp: str = ""
    images: Files | None = None

    @classmethod
    def of(cls, task: str, plugins: tuple[str, ...]) -> Parcel:
        """The parcel of a task and of files of plug-ins."""
        files = tuple((Path(plugin).name, Path(plugin).read_bytes()) for plugin in plugins)
        kind, colon, rest = task.partition(":")
        if kind in ("folder", "csv"):
            return cls(f"{kind}{colon}{user_path(rest).absolute()}", files)
        if kind == "hf" and not user_path(rest).exists():
            return cls(task, files)
        listed = remembered(task)
        if listed is None:
            return cls(task, files)
        stamp = "" if kind == "hf" else stamp_of(task)  # hf: the other machine lacks the path
        return cls(task, files, listed.parent.name, stamp, _packed(listed.parent))

    def unpacked(self, folder: Path) -> tuple[str, ...]:
        """Write the files to their places on this machine. Returns the plug-ins, below `folder`.

        Raises OSError for a full disk.
        """
        places = []
        for number, (name, content) in enumerate(self.plugins):
            place = folder / "plugins" / str(number) / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            places.append(str(place))
        if self.images is not None:
            listed = root() / self.set / LIST
            if not listed.is_file():
                write_set(self._write)
            remember(self.task, self.stamp, listed)
        return tuple(places)

    def _write(self, folder: Path) -> str:
        """Write the images. Returns the name of their data set."""
        for name, content in self.images or ():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
        return self.set


def _packed(folder: Path) -> Files:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple((path.relative_to(folder).as_posix(), path.read_bytes()) for path in files)
