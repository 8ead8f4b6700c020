"""Names of levels in a table of text: numbers in one form, case folded, the reference first."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from tricks.errors import BadInput, unknown

REFERENCES = ("off", "none", "baseline", "no", "false", "reference", "control", "default", "0")
EXACT = 2**53  # whole numbers up to here are exact as floats


def number(text: str) -> str | None:
    """A finite number in one form, so that 1 and 1.0, 0.1 and 0.10 are the same; None for words.

    Python also reads `3_4_6_3` as a number, which is a list of blocks here.

    >>> number("1.0"), number("0.10"), number("-0"), number("3_4_6_3"), number("20240101120001")
    ('1', '0.1', '0', None, '20240101120001')
    """
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value) or "_" in text:
        return None
    if value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    return f"{value:.12g}"


def level_names(where: str, table: pd.DataFrame, name: str, hint: bool) -> pd.Series:
    """The level names of the column `name` as text.

    hint: whether an error says how to leave this column out. Raises BadInput for a missing level.
    """
    text = table[name].str.strip()
    blank = text.str.lower().isin(["", "nan", "na", "null"])
    if blank.any():
        line = text.index[int(np.argmax(blank))]
        said = " (if it is no factor, name the factors with --factors)" if hint else ""
        raise BadInput(f"{where}, line {line}, column {name!r}: the level is missing{said}")
    # A number among words is a number, too: none, 0.1 and 0.10 are two levels.
    return text.map({x: number(x) or x for x in text.unique()})


def folded(text: pd.Series) -> pd.Series:
    """Levels that differ only in case, all in the first spelling."""
    first: dict[str, str] = {}
    return text.map({level: first.setdefault(level.casefold(), level) for level in text.unique()})


def with_reference(where: str, name: str, levels: tuple[str, ...], wanted: str) -> tuple[str, ...]:
    """`levels` with the level `wanted` first; compared as numbers or ignoring case."""

    def plain(level: str) -> str:
        return number(level) or level.casefold()

    found = next((level for level in levels if plain(level) == plain(wanted)), None)
    if found is None:
        raise BadInput(f"{where}: --reference {unknown(f'level of {name}', wanted, levels)}")
    return (found, *(level for level in levels if level != found))


def ordered(levels: list[str]) -> tuple[str, ...]:
    """The reference first, the other levels by number or in the order of the file.

    >>> ordered(["1", "-1", "0"]), ordered(["mixup", "0", "cutmix"])
    (('0', '-1', '1'), ('0', 'mixup', 'cutmix'))
    """
    if all(number(level) for level in levels):
        return tuple(sorted(levels, key=lambda level: (float(level) != 0, float(level))))
    return tuple(sorted(levels, key=lambda level: level.lower() not in REFERENCES))
