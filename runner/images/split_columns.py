"""The column of a CSV that gives the part: words such as train, or yes and no as in is_valid."""

from __future__ import annotations

from collections.abc import Sequence

from runner.images.csv_rows import Table, readable
from runner.images.parts import PARTS, part_of
from tricks.errors import BadInput

SPLITS = ("split", "part", "partition", "subset", "set", "fold")
YES = frozenset(("true", "t", "yes", "y", "1", "1.0"))
NO = frozenset(("false", "f", "no", "n", "0", "0.0"))


def split_columns(table: Table, exclude: Sequence[str] = ()) -> tuple[str, ...]:
    """The columns that could give the part."""
    names = [name for name in table.columns if name not in exclude]
    words = [name for name in names if _of_words(table, name)]
    flags = [name for name in names if name not in words and _flag(name)]
    # A column called test or valid with other values is no split.
    return (*words, *(n for n in flags if n.lower().startswith("is") or _all_flags(table, n)))


def split_cells(
    table: Table, exclude: Sequence[str] = (), needs_train: bool = True
) -> tuple[list[str], tuple[str, ...]]:
    """The part of each row ("" for all if no column gives it), and notes on unused columns.

    Raises BadInput for an unknown part, for columns that contradict each other, and if no row is
    for training.
    """
    names = split_columns(table, exclude)
    words = [name for name in names if _of_words(table, name)]
    flags = [name for name in names if name not in words]
    found: dict[str, list[str]] = {}
    notes: list[str] = []
    for name in words:
        cells = [part_of(cell) for cell in readable(table, name)]
        if (len(words) > 1 or not needs_train) and not any(cell in PARTS for cell in cells):
            notes.append(f"the column {name} is not used as the split: it names no part")
            continue
        for i, cell in enumerate(cells):
            if cell not in PARTS:
                text = table.column(name)[i]
                raise BadInput(
                    f"{table.where(i)}: unknown part {text!r} in {name}; use train, val, test"
                )
        found[name] = cells
    if flags:
        found[" and ".join(flags)] = _by_flags(table, flags)
    (first, parts), *others = (found or {"": [""] * len(table.rows)}).items()
    for name, cells in others:
        if cells != parts:
            raise BadInput(
                f"{table.path}: columns {first} and {name} could both be the split: rename one"
            )
    if needs_train and first and "train" not in parts:
        raise BadInput(f"{table.path}: no row has {first} train")
    return parts, tuple(notes)


def _of_words(table: Table, name: str) -> bool:
    """Whether a column is named like a split, or has only parts in its cells, among them train."""
    if name.lower() in SPLITS:
        return True
    parts = {cell: part_of(cell) for cell in set(table.column(name))}
    said = set(parts.values())
    return said <= set(PARTS) and "train" in said and len(said) > 1


def _flag(name: str) -> str:
    """The part that a column such as is_valid says yes or no for, or ""."""
    lower = name.lower()
    bare = lower.removeprefix("is").lstrip("_ ") if lower.startswith("is") else lower
    part = part_of(bare)
    return part if part in PARTS or part == "unsure" else ""


def _all_flags(table: Table, name: str) -> bool:
    return {cell.lower() for cell in table.column(name)} <= YES | NO


def _by_flags(table: Table, flags: Sequence[str]) -> list[str]:
    """The part of each row, from columns of yes and no. Raises BadInput if they leave it open."""
    parts = {name: _flag(name) for name in flags}
    said = set(parts.values())
    if "unsure" in said or said == {"train"}:
        raise BadInput(
            f"{table.path}: {flags[0]} does not tell validation from test: add a column split of "
            "train, val, test"
        )
    found = []
    answers = {name: [_yes(table, i, name) for i in range(len(table.rows))] for name in flags}
    for i in range(len(table.rows)):
        own = [part for name, part in parts.items() if answers[name][i]]
        if len(own) > 1 or (not own and "train" in said):
            which = " and ".join(flags)
            raise BadInput(f"{table.where(i)}: {which} do not tell the part: use a column split")
        found.append(own[0] if own else "train")
    return found


def _yes(table: Table, row: int, name: str) -> bool:
    text = table.rows[row][table.columns.index(name)]
    if text.lower() not in YES | NO:
        raise BadInput(f"{table.where(row)}: {name} is {text!r}; use true or false, or split")
    return text.lower() in YES
