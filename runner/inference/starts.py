"""Starts from recorded runs: replace `start=ID` by the file of the run's saved model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from runner.inference import models
from tricks.errors import BadInput
from tricks.start.own_weights import start_of

if TYPE_CHECKING:
    from runner.studies.asked import Asked


def with_files(asked: Asked, results: Path) -> Asked:
    """`asked` with a file for each `start` that is a run's id or its first characters.

    Raises BadInput for an id that is ambiguous or has no saved model in the store `results`.
    """
    if not (results / "FORMAT").exists():
        return asked
    changes: dict[str, Any] = {}
    if "start" in asked.set:
        changes["set"] = {**asked.set, "start": _file(str(asked.set["start"]), results)}
    if "start" in asked.factor:
        values = [_file(str(value), results) for value in asked.factor["start"]]
        changes["factor"] = {**asked.factor, "start": values}
    levels = {factor: _levels(texts, results) for factor, texts in asked.levels.items()}
    if levels != asked.levels:
        changes["levels"] = levels
    return msgspec.structs.replace(asked, **changes)


def _levels(texts: Mapping[str, str], results: Path) -> dict[str, str]:
    from runner.designs.factor import split

    found = dict(texts)
    for name, text in texts.items():
        parts = split(text, "+")
        pairs = [part.partition("=") for part in parts]
        new = [
            f"start={_file(value.strip(), results)}" if key.strip() == "start" else part
            for part, (key, _, value) in zip(parts, pairs, strict=True)
        ]
        if new != parts:
            found[name] = " + ".join(new)
    return found


def _file(text: str, results: Path) -> str:
    """The file of the run that `text` means; `text` itself if it means no run."""
    if start_of(text) is not None or not models.is_run(text):
        return text
    try:
        return str(models.find(text, results).path)
    except BadInput as error:
        raise BadInput(f"start={text}: {error}") from error
