"""LaTeX: a document for pdflatex with booktabs, whose tables can be pasted into a paper."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from runner.reporting.document import (
    Block,
    Callout,
    Code,
    Column,
    Details,
    Document,
    Emphasis,
    Figure,
    Item,
    Items,
    Link,
    Note,
    Paragraph,
    Section,
    Strong,
    Table,
    Text,
    unmarked,
)
from runner.text import visible

HEAD = r"""\documentclass[10pt]{article}
\usepackage[utf8]{inputenc}
\usepackage[a4paper,margin=1.6cm]{geometry}
\usepackage{array,booktabs,graphicx,longtable}
\renewcommand{\labelitemi}{$\bullet$}
\setlength{\parindent}{0pt}\setlength{\parskip}{4pt}\setlength{\tabcolsep}{4pt}
\emergencystretch=3em
"""
GRAPHICS_SIZE = r"width=\linewidth,height=.85\textheight,keepaspectratio"
LEVELS = ("section", "subsection", "subsubsection", "paragraph")
LINE = 112  # letters of \footnotesize on a line
LETTER = 0.16  # cm, the width of a letter
LONG_TABLE = 35  # a table with more rows may break across pages
MARKS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "_": r"\_", "%": r"\%", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    "`": r"\`{}", "−": "$-$", "×": r"$\times$", "±": r"$\pm$", "√": r"$\surd$",
    "≈": r"$\approx$", "≥": r"$\geq$", "≤": r"$\leq$", "→": r"$\rightarrow$", "∞": r"$\infty$",
    "σ": r"$\sigma$", "ρ": r"$\rho$", "α": r"$\alpha$", "β": r"$\beta$", "χ": r"$\chi$",
    "Σ": r"$\Sigma$", "Δ": r"$\Delta$", "µ": r"$\mu$", "μ": r"$\mu$", "²": "$^2$", "³": "$^3$",
    "½": r"$\frac{1}{2}$", "·": r"$\cdot$", "°": r"$^\circ$", "“": "``", "”": "''", "‘": "`",
    "’": "'", "–": "--", "—": "---", "…": r"\ldots{}", "\u00a0": "~", "ß": r"\ss{}",
    "ø": r"\o{}", "Ø": r"\O{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ł": r"\l{}", "Ł": r"\L{}",
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip


def latex(document: Document, kind: str = ".png") -> str:
    """The whole document. A figure is the file NAME with the ending `kind`, in the same folder.

    A .pdf keeps its size, which fits a paper's columns; other figures are as wide as the page.
    """
    body = written(document.sections, 0, kind)
    title = f"\\title{{{escape(document.title)}}}\\date{{}}\n"
    return f"{HEAD}{title}\\begin{{document}}\n\\maketitle\n{body}\n\\end{{document}}\n"


def written(blocks: Iterable[Block], level: int, kind: str) -> str:
    """Blocks with an empty line between them."""
    return "\n\n".join(text for block in blocks if (text := _block(block, level, kind)))


def _block(block: Block, level: int, kind: str) -> str:
    match block:
        case Paragraph(text):
            return inline(text)
        case Note(text):
            return f"{{\\small\\itshape {inline(text)}\\par}}"
        case Callout(text):
            return f"\\begin{{quote}}{inline(text)}\\end{{quote}}"
        case Items(entries):
            return _items(entries)
        case Table():
            return tabular(block)
        case Figure(name):
            size = "" if kind == ".pdf" else f"[{GRAPHICS_SIZE}]"
            image = f"\\includegraphics{size}{{{name}{kind}}}"
            return f"\\begin{{center}}\n{image}\n\\end{{center}}"
        case Details(summary, held):
            inside = written(held, level, kind)
            return f"\\textbf{{{escape(summary)}}}\n\n{inside}" if inside else ""
        case Section(title, held):
            inside = written(held, level + 1 if title else level, kind)
            head = LEVELS[min(level, len(LEVELS) - 1)]
            return f"\\{head}*{{{escape(title)}}}\n{inside}" if title else inside


def _items(entries: Sequence[Item]) -> str:
    lines = ["\\begin{itemize}"]
    for entry in entries:
        lines.append(f"\\item {inline(entry.text)}")
        if entry.items:
            lines.append(_items(entry.items))
    return "\n".join([*lines, "\\end{itemize}"])


def tabular(table: Table) -> str:
    """The table alone, with booktabs' rules; a long table may break across pages."""
    kind = "longtable" if len(table.rows) > LONG_TABLE else "tabular"
    columns = "".join(_columns(table))
    head = " & ".join(inline(column.title) for column in table.columns)
    top = f"\\toprule\n{head} \\\\\n\\midrule"
    lines = [f"\\begin{{{kind}}}{{{columns}}}", top + ("\\endhead" if kind == "longtable" else "")]
    lines += [" & ".join(inline(cell.text) for cell in row) + " \\\\" for row in table.rows]
    lines += ["\\bottomrule", f"\\end{{{kind}}}"]
    text = "\n".join(lines)
    around = text if kind == "longtable" else f"\\begin{{center}}\n{text}\n\\end{{center}}"
    return f"{{\\footnotesize\n{around}\n}}"


def _columns(table: Table) -> list[str]:
    """l, r, or a paragraph of fixed width where titles or texts are too long for the line."""
    cells = [[unmarked(row[i].text) for row in table.rows] for i in range(len(table.columns))]
    titles = [unmarked(column.title) for column in table.columns]
    widths = [max(map(len, texts), default=0) for texts in cells]
    words = [max(map(len, title.split()), default=0) for title in titles]
    needed = [max(width, len(title)) for width, title in zip(widths, titles, strict=True)]
    if sum(needed) + len(needed) > LINE:
        needed = [max(width, word) for width, word in zip(widths, words, strict=True)]
    while sum(needed) + len(needed) > LINE and max(needed) > 12:
        widest = needed.index(max(needed))
        needed[widest] -= 1
    return [
        _column(column, width, max(own, len(title)))
        for column, width, own, title in zip(table.columns, needed, widths, titles, strict=True)
    ]


def _column(column: Column, width: int, natural: int) -> str:
    if width >= natural:
        return "l" if column.left else "r"
    ragged = "raggedright" if column.left or width >= 24 else "raggedleft"
    return f">{{\\{ragged}\\arraybackslash}}p{{{LETTER * width:.2f}cm}}"


def inline(text: Text) -> str:
    r"""Text with its markup. A line may break within code after a slash or comma.

    >>> print(inline((Strong("a_b"), " costs 5 % & ", Code("run --dry-run"))))
    \textbf{a\_b} costs 5 \% \& \texttt{run -{}-dry-run}
    >>> print(inline(Code("a/b")))
    \texttt{a/\allowbreak{}b}
    """
    match text:
        case Strong(words):
            return f"\\textbf{{{escape(words)}}}"
        case Emphasis(words):
            return f"\\emph{{{escape(words)}}}"
        case Code(words) | Link(words):
            breakable = re.sub("[/,]", r"\g<0>\\allowbreak{}", escape(words))
            return f"\\texttt{{{breakable}}}"
        case tuple():
            return "".join(map(inline, text))
        case str():
            return escape(text)
    return escape(text.text)


def escape(text: str) -> str:
    r"""Text that pdflatex shows as it is; a letter that its fonts lack is told by its number.

    >>> print(escape("50 % of $x_1$ é 字"))
    50 \% of \$x\_1\$ \'{e} \texttt{U+5B57}
    """
    line = visible(re.sub(r"\s+", " ", text))
    return "".join(map(_letter, line)).replace("--", "-{}-")


def _letter(letter: str) -> str:
    if letter in MARKS:
        return MARKS[letter]
    if letter.isascii():
        return letter
    parts = unicodedata.normalize("NFD", letter)
    if parts[0].isascii() and parts[0].isalpha() and parts[1:] in ACCENTS:
        return f"\\{ACCENTS[parts[1:]]}{{{parts[0]}}}"
    return "" if letter in ACCENTS else f"\\texttt{{U+{ord(letter):04X}}}"
