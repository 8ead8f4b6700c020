"""A document: sections of paragraphs, lists, tables, figures and notes, in no markup of its own.

Text is a string, shown as it is, or has parts that are strong, emphasised or code; a writer, such
as `runner.reporting.markdown`, escapes it and gives everything its form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture


@dataclass(frozen=True)
class Strong:
    """Words that stand out."""

    text: str


@dataclass(frozen=True)
class Emphasis:
    """Words in italics."""

    text: str


@dataclass(frozen=True)
class Code:
    """A command to copy, or a name as a program writes it."""

    text: str


@dataclass(frozen=True)
class Name:
    """The name of a column, in letters, digits and underscores, like the words around it."""

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
    """Small print: what the numbers of a table or a figure are."""

    text: Text


@dataclass(frozen=True)
class Callout:
    """What must not be overlooked."""

    text: Text


@dataclass(frozen=True)
class Item:
    """An entry of a list, with entries of its own."""

    text: Text
    items: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Items:
    """A list with a bullet before each entry."""

    items: tuple[Item, ...]


@dataclass(frozen=True)
class Column:
    """A column of a table. left: aligned so, else right; unit: of the values of its cells."""

    title: Text = ""
    left: bool = False
    unit: str = ""


@dataclass(frozen=True)
class Cell:
    """What a cell shows and, by which its column is sorted, its number or the ends of a range."""

    text: Text = ""
    value: float | tuple[float, float] | None = None


@dataclass(frozen=True)
class Table:
    """Rows of as many cells as there are columns."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A plot, not yet in any file format. name: of its files; alt: what it shows, in words."""

    name: str
    alt: str
    picture: Picture = field(compare=False)


@dataclass(frozen=True)
class Details:
    """Blocks that a click opens; nothing at all without blocks."""

    summary: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Section:
    """Blocks under a title, sections of their own among them; without a title, just the blocks."""

    title: str
    blocks: tuple[Block, ...]


Block: TypeAlias = "Paragraph | Note | Callout | Items | Table | Figure | Details | Section"


@dataclass(frozen=True)
class Document:
    """What a writer writes."""

    title: str
    sections: tuple[Section, ...]

    def figures(self) -> Iterator[Figure]:
        """All figures, as they follow each other."""
        return _figures(self.sections)


def _figures(blocks: tuple[Block, ...]) -> Iterator[Figure]:
    for block in blocks:
        if isinstance(block, Figure):
            yield block
        elif isinstance(block, Details | Section):
            yield from _figures(block.blocks)


def present(*blocks: Block | None) -> tuple[Block, ...]:
    """The blocks that are there."""
    return tuple(block for block in blocks if block is not None)


def items(texts: Iterable[Text]) -> Items:
    """A list without nested entries."""
    return Items(tuple(map(Item, texts)))


def unmarked(text: Text) -> str:
    """The words alone.

    >>> unmarked((Strong("mixup"), " helps"))
    'mixup helps'
    """
    if isinstance(text, str):
        return text
    return "".join(map(unmarked, text)) if isinstance(text, tuple) else text.text
