"""Parameter groups, divided further."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def divide(
    parameters: list[Any], chosen: Callable[[Any], bool]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Groups of the parameters for which `chosen` is true, and groups of the others.

    `parameters` are tensors or groups; both parts of a group keep its settings.
    """
    grouped = bool(parameters) and isinstance(parameters[0], dict)
    ours: list[dict[str, Any]] = []
    rest: list[dict[str, Any]] = []
    for group in parameters if grouped else [{"params": list(parameters)}]:
        for part, wanted in ((ours, True), (rest, False)):
            members = [p for p in group["params"] if bool(chosen(p)) is wanted]
            if members:
                part.append({**group, "params": members})
    return ours, rest
