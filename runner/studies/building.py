"""Build a study, of recipes or of a script, from a request. Torch-free."""

from __future__ import annotations

from pathlib import Path

from runner.studies.asked import Asked
from runner.studies.script_study import ScriptStudy, build_script
from runner.studies.study import Study, build
from tricks.errors import BadInput


def built(asked: Asked, data: Path | None = None) -> Study | ScriptStudy:
    """The study that `asked` describes. data: the folder of a task's images.

    Raises BadInput for a request that is impossible.
    """
    if asked.script is None:
        return build(asked, data)
    if data is not None:
        raise BadInput("--data is for tasks: a script gets the place of its images in its command")
    return build_script(asked)
