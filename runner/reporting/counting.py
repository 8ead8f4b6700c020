"""A number with what it counts, one of which has no s."""

from __future__ import annotations


def counted(count: int, one: str, more: str = "") -> str:
    """`count` of what is called `one`; more: what several are called, where it is not `one`s.

    >>> counted(1, "run"), counted(1200, "run"), counted(0, "study", "studies")
    ('1 run', '1,200 runs', '0 studies')
    """
    return f"{count:,} {one if count == 1 else more or one + 's'}"
