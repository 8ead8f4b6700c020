"""Images that hold the same bytes under several names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from runner.images.content import digests
from runner.images.listed import Listed, Row
from runner.text import counted


class Copies(NamedTuple):
    """Pairs of an image and an earlier one with the same bytes."""

    labels: tuple[tuple[Row, Row], ...]  # of two labels
    parts: tuple[tuple[Row, Row], ...]  # of one label, in two parts
    others: tuple[tuple[Row, Row], ...]

    def lines(self) -> tuple[str, ...]:
        """A line for each kind, with the first pair."""
        return (
            *_line(self.labels, "with another label", lambda row: row.label),
            *_line(self.parts, "in another part", lambda row: row.part),
            *_line(self.others, "of one label; a split may part them", lambda row: ""),
        )


def copies(found: Listed) -> Copies:
    """The images of `found` that are copies of others."""
    first: dict[str, Row] = {}
    labels: list[tuple[Row, Row]] = []
    parts: list[tuple[Row, Row]] = []
    others: list[tuple[Row, Row]] = []
    files = [row.file for row in found.rows]
    for row, digest in zip(found.rows, digests(found.place, files), strict=True):
        earlier = first.setdefault(digest, row)
        if earlier is row or earlier.file.key == row.file.key:  # a link is told elsewhere
            continue
        if earlier.label != row.label:
            labels.append((row, earlier))
        else:
            (parts if earlier.part != row.part else others).append((row, earlier))
    return Copies(tuple(labels), tuple(parts), tuple(others))


def _line(
    pairs: Sequence[tuple[Row, Row]], what: str, role: Callable[[Row], str]
) -> tuple[str, ...]:
    if not pairs:
        return ()
    shown = [f"{row.file.path}{f' ({role(row)})' if role(row) else ''}" for row in pairs[0]]
    return (f"{counted(len(pairs), 'copy', 'copies')} {what}: {' is '.join(shown)}",)
