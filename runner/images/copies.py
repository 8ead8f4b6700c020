"""Images that have the same bytes under several names: reported, and kept together in a split."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np

from runner.images.listed import Listed
from runner.images.rows import Row
from runner.text import counted
from tricks.errors import BadInput


class Copies(NamedTuple):
    """Pairs of an image and the first image with the same bytes. A pair may be in several fields.

    together: whether a split keeps copies together, see `families`.
    """

    labels: tuple[tuple[Row, Row], ...]  # with different labels
    parts: tuple[tuple[Row, Row], ...]  # in two parts
    others: tuple[tuple[Row, Row], ...]
    together: bool

    def lines(self) -> tuple[str, ...]:
        """One line for each kind of pair, with the first pair."""
        kept = ", kept together in a split" if self.together else ""
        return (
            *_line(self.labels, "with another label", lambda row: row.label),
            *_line(self.parts, "in another part", lambda row: row.part),
            *_line(self.others, f"of one label{kept}", lambda row: ""),
        )


def copies(found: Listed) -> Copies:
    """The images of `found` that are copies of others."""
    labels: list[tuple[Row, Row]] = []
    parts: list[tuple[Row, Row]] = []
    others: list[tuple[Row, Row]] = []
    first = found.first_copy
    for i in np.flatnonzero(first != np.arange(len(first))).tolist():
        row, earlier = found.rows[i], found.rows[int(first[i])]
        if earlier.file.key == row.file.key:  # a link is reported elsewhere
            continue
        if earlier.label != row.label:
            labels.append((row, earlier))
        if earlier.part != row.part:
            parts.append((row, earlier))
        elif earlier.label == row.label:
            others.append((row, earlier))
    return Copies(tuple(labels), tuple(parts), tuple(others), families(found) is not None)


def families(found: Listed) -> list[int] | None:
    """A number for each training image: copies have the same number, and stay together in a split.

    In the order of the rows. None if there are no copies among them, or if all parts are given.
    """
    if {"val", "test"} <= set(found.parts):
        return None
    held = found.first_copy[found.rows.parts.among("", "train")]
    return held.tolist() if len(np.unique(held)) < len(held) else None


def divided_together(found: Listed) -> dict[str, str]:
    """Keys of a run's id: none if the split would be the same without keeping copies together."""
    return {} if families(found) is None else {"copies": "together"}


def merged_groups(groups: Sequence[str], families: Sequence[Hashable]) -> list[str]:
    """Merge groups that share an image; a merged group has the name of its first group.

    >>> merged_groups(["a", "b", "b", "c", "d"], ["0", "1", "2", "2", "3"])
    ['a', 'b', 'b', 'b', 'd']
    """
    joined: dict[str, str] = {}

    def head(group: str) -> str:
        while joined.setdefault(group, group) != group:
            group = joined[group]
        return group

    first: dict[Hashable, str] = {}
    for group, family in zip(groups, families, strict=True):
        joined[head(group)] = head(first.setdefault(family, group))
    return [head(group) for group in groups]


def check_parts(found: Listed) -> None:
    """Raises BadInput if an image is in two parts of the user's own split."""
    pairs = copies(found).parts
    leaks = [
        *found.leaks,
        *(
            f"{row.file.path} in {row.part} is a copy of {earlier.file.path} in {earlier.part}"
            for row, earlier in pairs
        ),
    ]
    if leaks:
        more = f" ({len(leaks) - 1:,} more)" if len(leaks) > 1 else ""
        raise BadInput(
            f"{leaks[0]}{more}: a test image must not be trained on; remove it from one part, or "
            " give --allow-duplicates"
        )


def _line(
    pairs: Sequence[tuple[Row, Row]], label: str, role: Callable[[Row], str]
) -> tuple[str, ...]:
    if not pairs:
        return ()
    shown = [f"{row.file.path}{f' ({role(row)})' if role(row) else ''}" for row in pairs[0]]
    return (f"{counted(len(pairs), 'copy', 'copies')} {label}: {' is '.join(shown)}",)
