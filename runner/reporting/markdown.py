"""Markdown: a document as text, in which names cannot break out of their place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from runner.reporting.document import (
    Block,
    Callout,
    Code,
    Details,
    Document,
    Emphasis,
    Figure,
    Items,
    Link,
    Name,
    Note,
    Paragraph,
    Section,
    Strong,
    Table,
    Text,
)
from runner.text import visible


def markdown(document: Document) -> str:
    """The whole document. A figure is NAME.png beside it, with a link to NAME.svg."""
    return written([Section(document.title, document.sections)], 1) + "\n"


def written(blocks: Iterable[Block], level: int = 2) -> str:
    """Blocks with an empty line between them; sections have headings of that level."""
    return "\n\n".join(text for block in blocks if (text := _block(block, level)))


def _block(block: Block, level: int) -> str:
    match block:
        case Paragraph(text):
            return inline(text)
        case Note(text):
            return f"*{inline(text)}*"
        case Callout(text):
            return f"> {inline(text)}"
        case Items(entries):
            lines = []
            for entry in entries:
                lines.append(f"- {inline(entry.text)}")
                lines += [f"  - {inline(inner.text)}" for inner in entry.items]
            return "\n".join(lines)
        case Table():
            return _table(block)
        case Figure(name, alt):
            return f"![{escape(alt)}]({name}.png)\n\n([SVG]({name}.svg))"
        case Details(summary, held):
            inside = written(held, level)
            opened = f"<details>\n<summary>{escape(summary)}</summary>"
            return f"{opened}\n\n{inside}\n\n</details>" if inside else ""
        case Section(title, held):
            if not title:
                return written(held, level)
            return f"{'#' * level} {escape(title)}\n\n{written(held, level + 1)}"


def _table(table: Table) -> str:
    lines = [[inline(column.title) for column in table.columns]]
    lines.append(["---" if column.left else "---:" for column in table.columns])
    lines += [[inline(cell.text) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def inline(text: Text) -> str:
    """Text with its markup on one line.

    >>> print(inline((Strong("a*b"), " is ", Code("run --dry-run"))))
    **a\\*b** is `run --dry-run`
    """
    return _inline(text).strip()


def _inline(text: Text) -> str:
    match text:
        case Strong(words):
            return f"**{escape(words.strip())}**"
        case Emphasis(words):
            return f"*{escape(words.strip())}*"
        case Code(words):
            # What is no plain command is shown as text: escapes do not work within code.
            return f"`{words}`" if re.fullmatch(r"[\w .:,=/+()'\"-]+", words) else escape(words)
        case Name(words):
            return words if re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", words) else escape(words)
        case Link(words, target):
            return escape(words) if target is None else f"[{escape(words)}]({quote(target)})"
        case tuple():
            return "".join(map(_inline, text))
    return escape(text)


def escape(text: str) -> str:
    r"""Text that markdown shows as it is: no markup, no HTML, no new cell, no new line.

    A < or > before a digit stays: it opens no tag.

    >>> print(escape("a|b <img onerror=x> *c*, p <0.001"))
    a\|b &lt;img onerror=x&gt; \*c\*, p <0.001
    """
    line = visible(re.sub(r"\s+", " ", text)).replace("&", "&amp;")
    line = re.sub(r"<(?!\d)", "&lt;", line)
    line = re.sub(r"^>|>(?!\d)", "&gt;", line)
    return re.sub(r"([\\`*_\[\]|!~#$])", r"\\\1", line)
