"""The registry of exporters, which write runs to a tracker."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from runner.exporters.run_log import RunLog
from tricks.errors import BadInput, unknown


@dataclass(frozen=True)
class Exporter:
    """A tracker. write(runs, folder): returns the number of new or changed runs. look: how."""

    name: str
    write: Callable[[Sequence[RunLog], Path], int]
    look: str


@cache
def exporters() -> dict[str, Exporter]:
    """Every tracker by name."""
    found = pkgutil.iter_modules([str(Path(__file__).parent)], f"{__package__}.")
    modules = [importlib.import_module(m.name) for m in found if not m.name.endswith(".registry")]
    held = [getattr(module, "WRITE", None) for module in modules]
    return {
        module.NAME: Exporter(module.NAME, write, module.LOOK)
        for module, write in zip(modules, held, strict=True)
        if write is not None
    }


def export_to(name: str, runs: Sequence[RunLog], folder: Path) -> int:
    """Write `runs` for the tracker `name` into `folder`. Returns the number of new or changed runs.

    Raises BadInput for an unknown tracker, a tracker that is not installed, or a folder that is not
    writable.
    """
    known = exporters()
    if name not in known:
        raise unknown("tracker", name, known)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return known[name].write(runs, folder)
    except ModuleNotFoundError as error:
        raise BadInput(
            f"exporting to {name} needs {error.name}: pip install 'tricks-bench[{name}]'"
        ) from error
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror or error}") from error
