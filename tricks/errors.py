"""Errors that the user can correct: one line says what was wrong and what would work."""

from __future__ import annotations

from collections.abc import Iterable


class BadInput(ValueError):
    """The user's input is not possible; the message is the whole explanation."""


class TrickConflict(BadInput):
    """Two edits, or an edit and a recipe, exclude each other."""


def unknown(kind: str, name: str, known: Iterable[str]) -> BadInput:
    """An error for a misspelt `name`, with close matches from `known`, or all of them."""
    import difflib  # the import takes milliseconds, so only errors pay for it

    names = sorted(known)
    close = difflib.get_close_matches(name.lower().replace("_", "-"), names, n=3, cutoff=0.6)
    close = close or difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(names)}"
    return BadInput(f"unknown {kind} {name!r}: {hint}")
