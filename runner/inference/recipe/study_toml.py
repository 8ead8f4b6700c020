"""A recipe as the TOML of a study, whose baseline it is."""

from __future__ import annotations

import tomli_w

from runner.designs.field import Given, field_text
from runner.inference.recipe.subject import Subject, changed
from tricks.recipe import OWN_MODELS

HEAD = """\
# {name}, as tricks-bench trains it: the baseline of a study.
# tricks-bench run --study THIS_FILE{data}
# trains it beside a placebo, which changes nothing. To see what tricks add to it, name them in the
# placebo's place: tricks = ["mixup", "cosine"].
"""


def study_toml(subject: Subject) -> str:
    """The text. Raises BadInput for a task that a run does not tell."""
    kind = subject.task.partition(":")[0]
    settings: dict[str, Given] = {}
    for name in changed(subject):
        value = getattr(subject.recipe, name)
        if name == "width" and subject.recipe.model not in OWN_MODELS:
            continue
        settings[name] = value if isinstance(value, (bool, int, float)) else field_text(value)
    data = " --data FOLDER" if kind in ("folder", "csv") and ":" not in subject.task else ""
    text = tomli_w.dumps(
        {"task": subject.task, "tricks": [], "placebo": True, "seeds": 3, "set": settings}
    )
    return HEAD.format(name=subject.name, data=data) + text
