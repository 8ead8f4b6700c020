"""The name of a study, which is also the name of its folder."""

from __future__ import annotations

import re

from runner.records.studies import NAME_RULE, is_name
from runner.studies.asked import Asked
from tricks.errors import BadInput


def study_name(asked: Asked, task: str = "") -> str:
    """The given name, or task-grid. task: instead of the name of the study's task.

    Raises BadInput for a name that is no safe folder name.
    """
    if not asked.name:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{task or asked.task}-{asked.grid}").strip("-._")
        if not is_name(name):
            raise BadInput(f"the study needs a shorter name than {name[:40]}...: give --name")
        return name
    if not is_name(asked.name):
        short = asked.name if len(asked.name) <= 40 else f"{asked.name[:40]}..."
        raise BadInput(f"--name {short!r}: use {NAME_RULE}")
    return asked.name
