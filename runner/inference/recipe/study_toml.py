"""A recipe as the TOML of a study with this recipe as its baseline."""

from __future__ import annotations

import tomli_w

from runner.designs.field import Scalar, field_text
from runner.inference.recipe.subject import Subject, changed
from tricks.recipe import OWN_MODELS

HEAD = """\
# {name}, as tricks-bench trains it: the baseline of a study.
# tricks-bench run --study THIS_FILE{data}
# trains it and a placebo, which changes nothing. To see the effect of tricks on it, name them
# instead of the placebo: tricks = ["mixup", "cosine"].
"""


def study_toml(subject: Subject) -> str:
    """The text. Raises BadInput if the task is unknown from the run."""
    kind = subject.task.partition(":")[0]
    settings: dict[str, Scalar] = {}
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
