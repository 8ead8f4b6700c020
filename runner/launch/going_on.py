"""The command that goes on with a study, wherever its images and plug-ins are."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.records.layout import at
from runner.text import printable

if TYPE_CHECKING:
    from runner.records.studies import StudyFile
    from runner.studies.study import Study


def places(plan: Study, plugins: Sequence[str]) -> dict[str, Any] | None:
    """Where this command found the study's images and plug-ins; None: nowhere but by itself."""
    data = {} if plan.data is None else {"data": str(plan.data.absolute())}
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


def stored(study: StudyFile, results: Path) -> str:
    """`go_on` with what `study` was last run with.

    A plug-in in the folder of results itself is not suggested: that may be another's, and a
    plug-in is code.
    """
    found = dict(study.asked.get("places") or {})
    root = os.path.abspath(results)
    found["plugins"] = [
        plugin
        for plugin in found.get("plugins", ())
        if os.path.commonpath([root, os.path.abspath(plugin)]) != root
    ]
    return go_on(study.name, results, found)
