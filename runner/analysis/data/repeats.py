"""Run ids that are in a table more than once: one run would count as several."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from runner.text import some_of

SHOWN = 3  # most rows that are named


def repeated(keys: Sequence[Hashable], rows: Iterable[int]) -> tuple[Hashable, str] | None:
    """The first of `keys` that occurs more than once, and its rows in words; None if none does.

    rows: the row number of each key.

    >>> repeated(["a", "b", "a"], [2, 3, 4])
    ('a', 'rows 2 and 4')
    >>> repeated(["a", "b"], [2, 3]) is None
    True
    """
    if len(set(keys)) == len(keys):
        return None
    places: dict[Hashable, list[int]] = {}
    for key, row in zip(keys, rows, strict=True):
        places.setdefault(key, []).append(row)
    key, found = next((k, found) for k, found in places.items() if len(found) > 1)
    shown = [f"{row:,}" for row in found]
    if len(shown) > SHOWN:
        return key, f"rows {some_of(shown, SHOWN)}"
    return key, f"rows {', '.join(shown[:-1])} and {shown[-1]}"
