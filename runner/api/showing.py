"""The card of a trick, or the fields of a recipe, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.designs.field import Scalar


def show(what: str, task: str = "digits", settings: Mapping[str, Scalar] | None = None) -> str:
    """The card of a trick, or every field of `"baseline+mixup(alpha=0.4)+cosine"` on `task`.

    Raises BadInput for an unknown trick, task or setting.

    >>> print(show("cosine").splitlines()[0])
    cosine
    """
    from runner.commands.show import card_lines, recipe_lines
    from runner.studies.composed import composed
    from runner.tasks.registry import find
    from tricks.bag import parse

    if what.partition("+")[0].strip() != "baseline":
        return "\n".join(card_lines(parse(what)))
    known = find(task)
    return "\n".join(recipe_lines(what, known, composed(what, known, settings or {})))
