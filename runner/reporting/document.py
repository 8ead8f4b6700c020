"""A document: sections of paragraphs, lists, tables, figures and notes, without any markup.

Text is a plain string, or has parts that are strong, emphasised or code. A writer, such
as `runner.reporting.markdown`, escapes the text and adds the markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture


@dataclass(frozen=True)
class Strong:
    """Words in bold."""

    text: str


@dataclass(frozen=True)
class Emphasis:
    """Words in italics."""

    text: str


@dataclass(frozen=True)
class Code:
    """A command to copy, or a name from a program."""

    text: str


@dataclass(frozen=True)
class Name:
    """The name of a column (letters, digits, underscores), in the same font as the text."""

    text: str


@dataclass(frozen=True)
class Link:
    """A text file that belongs to the report. target: its path from there, None if unknown."""

    text: str
    target: str | None
    content: str


Text: TypeAlias = "str | Strong | Emphasis | Code | Name | Link | tuple[Text, ...]"


@dataclass(frozen=True)
class Paragraph:
    """A few sentences."""

    text: Text


@dataclass(frozen=True)
class Note:
    """Small print that explains the numbers of a table or a figure."""

    text: Text


@dataclass(frozen=True)
class Callout:
    """A warning that stands out from the text."""

    text: Text


@dataclass(frozen=True)
class Item:
    """An entry of a list; `items` are nested entries."""

    text: Text
    items: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Items:
    """A list with a bullet before each entry."""

    items: tuple[Item, ...]


@dataclass(frozen=True)
class Column:
    """A column of a table. left: aligned left, else right; unit: the unit of its cells."""

    title: Text = ""
    left: bool = False
    unit: str = ""


@dataclass(frozen=True)
class Cell:
    """The text of a cell. value: number or ends of a range, by which the column is sorted."""

    text: Text = ""
    value: float | tuple[float, float] | None = None


@dataclass(frozen=True)
class Table:
    """Rows of as many cells as there are columns."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A plot, not yet in any file format. name: of its files; alt: a description in words."""

    name: str
    alt: str
    picture: Picture = field(compare=False)


@dataclass(frozen=True)
class Details:
    """Blocks that a click opens; writers leave it out if it has no blocks."""

    summary: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Section:
    """Blocks under a title, which may be sections themselves; title "": the blocks alone."""

    title: str
    blocks: tuple[Block, ...]


Block: TypeAlias = "Paragraph | Note | Callout | Items | Table | Figure | Details | Section"


@dataclass(frozen=True)
class Document:
    """A title and sections."""

    title: str
    sections: tuple[Section, ...]

    def figures(self) -> Iterator[Figure]:
        """All figures, in the order of the document."""
        return _figures(self.sections)


def _figures(blocks: tuple[Block, ...]) -> Iterator[Figure]:
    for block in blocks:
        if isinstance(block, Figure):
            yield block
        elif isinstance(block, Details | Section):
            yield from _figures(block.blocks)


def present(*blocks: Block | None) -> tuple[Block, ...]:
    """The blocks that are not None."""
    return tuple(block for block in blocks if block is not None)


def items(texts: Iterable[Text]) -> Items:
    """A list without nested entries."""
    return Items(tuple(map(Item, texts)))


def unmarked(text: Text) -> str:
    """The words without their markup.

    >>> unmarked((Strong("mixup"), " helps"))
    'mixup helps'
    """
    if isinstance(text, str):
        return text
    return "".join(map(unmarked, text)) if isinstance(text, tuple) else text.text
