"""Text for people: counts, durations, sizes, columns, and escapes for invisible characters."""

from __future__ import annotations

import re
from collections.abc import Sequence


def counted(count: int, one: str, more: str = "") -> str:
    """A count with its noun. one: the singular; more: the plural, if it is not `one` with an s.

    >>> counted(1, "run"), counted(1200, "run"), counted(0, "study", "studies")
    ('1 run', '1,200 runs', '0 studies')
    """
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def some_of(names: Sequence[str], most: int, between: str = ", ") -> str:
    """The first `most` names, and how many others there are.

    >>> some_of(["a", "b", "c"], 2), some_of(["a", "b"], 2, "; ")
    ('a, b and 1 more', 'a; b')
    """
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return between.join(names[:most]) + rest


def duration(seconds: float) -> str:
    """A duration of `seconds` as text.

    >>> duration(41), duration(150), duration(5000), duration(200_000)
    ('41 s', '2 min 30 s', '1 h 23 min', '2 d 7 h')
    """
    whole = round(seconds)
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for name, size in units:
        count, whole = divmod(whole, size)
        if count or parts:
            parts.append(f"{count} {name}")
    return " ".join(part for part in parts[:2] if not part.startswith("0 ")) or "0 s"


def printable(text: str) -> str:
    """`text` without characters that could steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def size(count: float) -> str:
    """A number of bytes as text.

    >>> size(999), size(32 << 20), size(3e9)
    ('999 bytes', '33.6 MB', '3.0 GB')
    """
    for power, unit in ((12, "TB"), (9, "GB"), (6, "MB"), (3, "kB")):
        if count >= 10**power:
            return f"{count / 10**power:.1f} {unit}"
    return f"{count:.0f} bytes"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Each row as a line, with columns two spaces apart. The last column is not padded.

    >>> aligned([("a", "bb", "c"), ("aaa", "b", "")])
    ['a    bb  c', 'aaa  b']
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return [
        "  ".join(
            [*(f"{cell:{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]]
        ).rstrip()
        for row in rows
    ]


# C0 and C1 controls except tab and newline; line and paragraph separators; characters that change
# the direction of text; characters without width, which let two names look alike; surrogates.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    r"""`text` with each invisible character as its escape.

    >>> print(visible("a\x1b[2Jb\u202ecod"))
    a\x1b[2Jb\u202ecod
    """
    return _UNSEEN.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
