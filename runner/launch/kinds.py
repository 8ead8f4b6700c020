"""The only place that distinguishes a study of recipes from a study of scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from runner.launch.kind import Kind
from runner.launch.of_recipes import Recipes
from runner.launch.of_scripts import Scripts
from runner.studies.script_study import ScriptStudy
from runner.studies.study import Study

if TYPE_CHECKING:
    from runner.studies.any_study import AnyStudy, S


def kind_of(study: AnyStudy[S]) -> Kind[S]:
    """The Kind of a study."""
    if isinstance(study, ScriptStudy):
        return cast("Kind[S]", Scripts(study))
    assert isinstance(study, Study)
    return cast("Kind[S]", Recipes(study))
