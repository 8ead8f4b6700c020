"""docs/json_schema.json: `python -m runner.commands.answers.schema` prints it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from runner.commands.answers.of_files import (
    Attention,
    Cancel,
    Doctor,
    DoctorFolder,
    Evaluate,
    Export,
    Listed,
    ListedTrick,
    Merge,
    Predict,
    Recipe,
    Retry,
    ShownImage,
    ShownRecipe,
    ShownTrick,
)
from runner.commands.answers.of_studies import (
    Analyze,
    Check,
    DryRun,
    Plan,
    Report,
    Run,
    RunInLooks,
    Status,
)

# Command -> the types that it may print.
ANSWERS: dict[str, tuple[Any, ...]] = {
    "analyze": (Analyze,),
    "attention": (Attention,),
    "cancel": (Cancel,),
    "check": (Check, DryRun),
    "doctor": (Doctor, DoctorFolder),
    "evaluate": (Evaluate,),
    "export": (Export,),
    "list": (list[ListedTrick], list[Listed]),
    "merge": (Merge,),
    "plan": (Plan,),
    "predict": (Predict,),
    "recipe": (Recipe,),
    "report": (Report,),
    "retry": (Retry,),
    "run": (Run, RunInLooks, DryRun),
    "show": (ShownTrick, ShownRecipe, ShownImage),
    "status": (Status,),
}


def published() -> str:
    """docs/json_schema.json: a schema for each command, with the shared types."""
    kinds = [kind for kinds in ANSWERS.values() for kind in kinds]
    schemas, shared = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    left = iter(schemas)
    commands = {name: [next(left) for _ in kinds] for name, kinds in ANSWERS.items()}
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What tricks-bench prints with --json, by command",
        "properties": {
            name: found[0] if len(found) == 1 else {"anyOf": found}
            for name, found in commands.items()
        },
        "$defs": shared,
    }
    return json.dumps(whole, indent=1) + "\n"


if __name__ == "__main__":
    print(published(), end="")
