"""The command that goes on with a study, wherever its images and plug-ins are."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from runner.records.layout import at
from runner.text import printable

if TYPE_CHECKING:
    from runner.records.studies import StoredStudy
    from runner.studies.study import Study


def places(study: Study, plugins: Sequence[str]) -> dict[str, Any] | None:
    """Where this command found the study's images and plug-ins; None: nowhere but by itself."""
    data = {} if study.data is None else {"data": str(study.data.absolute())}
    return {**data, "plugins": list(plugins)} if data or plugins else None


def go_on(name: str, results: Path, places: Mapping[str, Any] | None, device: str = "auto") -> str:
    """The command that goes on with the study `name`, to be pasted. places: see `places`."""
    found = places or {}
    parts = ["tricks-bench", "run", "--study", name]
    if "data" in found:
        parts += ["--data", found["data"]]
    if device != "auto":
        parts += ["--device", device]
    for plugin in found.get("plugins", ()):
        parts += ["--plugin", plugin]
    return printable(shlex.join(parts)) + at(results)


def stored_command(stored: StoredStudy, results: Path) -> str:
    """`go_on` with what `study` was last run with.

    A plug-in in the folder of results itself is not suggested: that may be another's, and a
    plug-in is code.
    """
    found = msgspec.to_builtins(stored.asked.places) or {}
    root = os.path.abspath(results)
    found["plugins"] = [
        plugin
        for plugin in found.get("plugins", ())
        if os.path.commonpath([root, os.path.abspath(plugin)]) != root
    ]
    return go_on(stored.name, results, found)
