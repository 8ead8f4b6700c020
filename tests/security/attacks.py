"""Names that attack the place where they are shown, and a check of each such place."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import xml.etree.ElementTree as ET

ATTACKS = (
    "<img src=x onerror=alert(1)>",
    '=HYPERLINK("http://evil","x")',
    "@SUM(1+1)",
    "[red]x[/red]",
    "$\\alpha$",
    "$(x",
    "a|b\nc `d` **e**",
    "\x1b[2J\x1b]0;title\x07",
    "\u202egnp.exe",
    "--> <script>alert(1)</script>",
    "![x](http://evil/x.png)",
    "x" * 3_000,
)
# The same in fewer names.
FEW = (
    "<img src=x onerror=alert(1)>--> <script>|x`",
    '=HYPERLINK("http://evil","x")[red]x[/red]',
    "$(x $\\alpha$ \x1b[2J\x1b]0;title\x07",
    "@\u202egnp.exe\nb **e** ![x](http://evil/x.png)",
    "x" * 1_000,
)
_SAFE_TAGS = {"details", "summary", "/details", "/summary"}


def check_text(text: str) -> None:
    """No characters that control a terminal or change the direction of text."""
    for letter in text:
        bad = unicodedata.category(letter) in ("Cc", "Cf", "Cs") and letter not in "\n\t\u200d"
        assert not bad, repr(text[max(0, text.index(letter) - 30) :][:60])


def check_markdown(text: str) -> None:
    """No HTML, no unintended link or picture, complete tables, no invisible characters."""
    check_text(text)
    tags = {tag.split()[0].lower() for tag in re.findall(r"(?<!\\)<([^<>]*)>", text) if tag.strip()}
    assert tags <= _SAFE_TAGS, tags - _SAFE_TAGS
    for target in re.findall(r"(?<!\\)\]\(([^)]*)\)", text):
        assert re.fullmatch(r"[a-z-]+\.(png|svg)", target), target
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(counts) == 1, table[:300]
    assert "**e**" not in text


def check_csv(text: str) -> list[list[str]]:
    """Every line has as many cells as the first, and none is a formula; the rows."""
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len({len(row) for row in rows}) == 1
    for cell in (cell for row in rows for cell in row):
        if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
            float(cell)
    return rows


def check_svg(data: bytes) -> None:
    """Well-formed XML without scripts, handlers, links or invisible characters."""
    check_text(data.decode())
    for element in ET.fromstring(data).iter():
        tag = element.tag.rpartition("}")[2]
        assert tag not in ("script", "foreignObject", "image", "a") or (
            tag == "image" and element.attrib["{http://www.w3.org/1999/xlink}href"][:5] == "data:"
        )
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on"), name
            assert "javascript:" not in value
