"""From what was asked for to a study, of recipes or of a script. Torch-free."""

from __future__ import annotations

from pathlib import Path

from runner.studies.asked import Asked
from runner.studies.script_study import ScriptStudy, build_script
from runner.studies.study import Study, build
from tricks.errors import BadInput


def built(asked: Asked, data: Path | None = None) -> Study | ScriptStudy:
    """The study that `asked` describes. data: the folder of a task's images.

    Raises BadInput for anything in it that cannot be.
    """
    if asked.script is None:
        return build(asked, data)
    if data is not None:
        raise BadInput("--data is for tasks: a script is told in its command where its images are")
    return build_script(asked)
