"""The order of a report's sections: every section of the folder `sections`, and added ones.

A section is a function of the material that returns a `Section`, or None where it has nothing to
say. `@section(place)` adds it, in a file of `sections/`, in a plug-in or in a test.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeAlias

from runner.reporting.document import Document, Section
from runner.reporting.material import Material
from tricks.loading import find_all

Write: TypeAlias = Callable[[Material], Section | None]

_added: dict[Write, float] = {}


def section(place: float) -> Callable[[Write], Write]:
    """Add the decorated function to every report; sections are sorted by `place`."""

    def add(write: Write) -> Write:
        _added[write] = place
        return write

    return add


@cache
def _find() -> None:
    find_all()  # installed plug-ins
    folder = Path(__file__).with_name("sections")
    for module in pkgutil.iter_modules([str(folder)], "runner.reporting.sections."):
        importlib.import_module(module.name)


def sections() -> list[Write]:
    """All sections by place; at the same place, in the order in which they were added."""
    _find()
    return sorted(_added, key=_added.__getitem__)


def document(material: Material) -> Document:
    """The report on a study."""
    found = (write(material) for write in sections())
    return Document(material.title, tuple(part for part in found if part is not None))
