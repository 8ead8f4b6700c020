"""A recipe as JSON: every field, and the fields that the tricks changed."""

from __future__ import annotations

import json

from runner.inference.recipe.subject import Subject, changed
from tricks.recipe import to_json


def as_json(subject: Subject) -> str:
    """The recipe as JSON; `tricks.bag.recipe_from_json` reads its key `recipe`."""
    found = {
        "name": subject.name,
        "task": subject.task,
        "about": list(subject.about),
        "recipe": to_json(subject.recipe),
        "changed": changed(subject),
    }
    return json.dumps(found, indent=2) + "\n"
