"""The page: the answer, the forest plot and what to do next on top, then the whole report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote

import jinja2
from markupsafe import Markup, escape

from runner.reporting.document import (
    Block,
    Cell,
    Code,
    Details,
    Document,
    Emphasis,
    Link,
    Section,
    Strong,
    Text,
)
from runner.reporting.headline import headline
from runner.reporting.html.data import page_data
from runner.reporting.html.figures import inline
from runner.reporting.material import Material
from runner.reporting.next_steps import TITLE
from runner.text import visible

FOLDER = Path(__file__).parent
FOREST = "effects"  # the figure that stands on the first screen
CHARTS = (FOREST, "seeds")  # figures in whose place the script draws


def html(document: Document, material: Material) -> str:
    """The whole page, with all figures, the data, style and script in it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"inline": marked, "shown": visible, "kind": _kind, "sorts": _sorts}
    first = next((f for f in document.figures() if f.name == FOREST), None)
    steps = next((s for s in _sections(document.sections) if s.title == TITLE), None)
    rest = _without(document.sections, lambda block: block is first or block is steps)
    return environment.get_template("page.html.j2").render(
        title=document.title,
        answer=headline(material),
        forest=first,
        steps=None if steps is None else steps.blocks[1:],
        next_title=TITLE,
        sections=rest,
        picture=lambda figure: Markup(inline(figure)),
        charts=CHARTS,
        data=Markup(page_data(material)),
        style=Markup((FOLDER / "page.css").read_text(encoding="utf-8")),
        script=Markup((FOLDER / "page.js").read_text(encoding="utf-8")),
    )


def marked(text: Text) -> Markup:
    """Text with its markup.

    >>> print(marked((Strong("<b>"), " & ", Code("--json"))))
    <strong>&lt;b&gt;</strong> &amp; <code>--json</code>
    """
    match text:
        case Strong(words):
            return Markup("<strong>{}</strong>").format(visible(words))
        case Emphasis(words):
            return Markup("<em>{}</em>").format(visible(words))
        case Code(words):
            return _command(words) if words.startswith("tricks-bench ") else Markup(
                "<code>{}</code>"
            ).format(visible(words))  # fmt: skip
        case Link(words, target, content):  # the page needs no other file: the text is in it
            name = Path(target or words).name
            return Markup('<a download="{}" href="data:text/plain,{}">{}</a>').format(
                visible(name), quote(content), visible(words)
            )
        case tuple():
            return Markup("").join(map(marked, text))
        case str():
            return escape(visible(text).replace(" %", "\u00a0%"))
    return escape(visible(text.text))


def _command(words: str) -> Markup:
    """A line to copy, which breaks between its words only."""
    parts = (Markup("<span>{}</span>").format(part) for part in visible(words).split(" "))
    return Markup('<code class="command">{}</code>').format(Markup(" ").join(parts))


def _kind(block: Block) -> str:
    return type(block).__name__


def _sorts(cell: Cell) -> float | None:
    """By which a column is sorted: of a range the middle."""
    if isinstance(cell.value, tuple):
        return sum(cell.value) / 2
    return cell.value


def _sections(blocks: Iterable[Block]) -> Iterable[Section]:
    for block in blocks:
        if isinstance(block, Section):
            yield block
            yield from _sections(block.blocks)


def _without(blocks: Iterable[Block], gone: Callable[[Block], bool]) -> tuple[Block, ...]:
    """The blocks but those that are told on top; nothing stays of a section that has no other."""
    kept: list[Block] = []
    for block in blocks:
        if gone(block):
            continue
        if isinstance(block, Section):
            inner = _without(block.blocks, gone)
            kept += [Section(block.title, inner)] if inner else []
        elif isinstance(block, Details):
            kept.append(Details(block.summary, _without(block.blocks, gone)))
        else:
            kept.append(block)
    return tuple(kept)
