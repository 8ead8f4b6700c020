"""The command that continues a study, with the places of its images and plug-ins."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner.records.layout import results_option
from runner.records.study_toml import Places
from runner.text import printable

if TYPE_CHECKING:
    from runner.records.run import Spec
    from runner.records.studies import StoredStudy
    from runner.studies.any_study import AnyStudy


def places(study: AnyStudy[Spec], plugins: Sequence[str]) -> Places | None:
    """Where this command found the study's images and plug-ins; None: in the default places."""
    if study.data is None and not plugins:
        return None
    data = None if study.data is None else str(study.data.absolute())
    return Places(data=data, plugins=tuple(plugins))


def go_on(name: str, results: Path, places: Places | None, device: str = "auto") -> str:
    """The command that continues the study `name`, ready to be pasted."""
    places = places or Places()
    parts = ["tricks-bench", "run", "--study", name]
    if places.data is not None:
        parts += ["--data", places.data]
    if device != "auto":
        parts += ["--device", device]
    for plugin in places.plugins or ():
        parts += ["--plugin", plugin]
    return printable(shlex.join(parts)) + results_option(results)


def stored_command(stored: StoredStudy, results: Path) -> str:
    """`go_on` with the places of images and plug-ins when `stored` was last run.

    A plug-in inside the folder of results is left out: the folder may come from somebody else, and
    a plug-in is code.
    """
    places = stored.asked.places or Places()
    root = os.path.abspath(results)
    plugins = tuple(
        plugin
        for plugin in places.plugins or ()
        if os.path.commonpath([root, os.path.abspath(plugin)]) != root
    )
    return go_on(stored.name, results, replace(places, plugins=plugins))
