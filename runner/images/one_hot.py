"""Labels as a column of 0 and 1 for each class, as competitions list them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from runner.images.csv_rows import Table
from runner.images.split_columns import split_columns
from tricks.errors import BadInput

LABEL = "label"  # the name of the new column
_ONE, _ZERO = ("1", "1.0"), ("0", "0.0")


def with_label(
    table: Table, labels: Sequence[str], exclude: Sequence[str]
) -> tuple[Table, tuple[str, ...]]:
    """`table` with one column of labels instead of a column of 0 and 1 for each class; notes.

    exclude: columns that are no classes, such as images and groups. `table` is unchanged if it has
    a column with a name in `labels`, or fewer than two columns of 0 and 1. Raises BadInput for a
    row without exactly one 1.
    """
    if any(name.lower() in labels for name in table.columns):
        return table, ()
    split = split_columns(table, exclude)
    classes = [
        name
        for name in table.columns
        if name not in (*exclude, *split) and set(table.column(name)) <= {*_ONE, *_ZERO}
    ]
    if len(classes) < 2:
        return table, ()
    places = [table.columns.index(name) for name in classes]
    kept = [i for i in range(len(table.columns)) if i not in places]
    rows = []
    for i, row in enumerate(table.rows):
        ones = [place for place in places if row[place] in _ONE]
        if len(ones) != 1:
            told = " and ".join(table.columns[place] for place in ones) or "no column"
            raise BadInput(
                f"{table.where(i)}: {told} of {', '.join(classes)} is 1, where one must be: an "
                "image has one class; add a column label if these are no classes"
            )
        rows.append((*(row[place] for place in kept), table.columns[ones[0]]))
    columns = (*(table.columns[place] for place in kept), LABEL)
    note = (
        f"labels are the names of columns that hold a 1: {len(classes)} from {classes[0]} to "
        f"{classes[-1]}"
    )
    return dataclasses.replace(table, columns=columns, rows=tuple(rows)), (note,)
