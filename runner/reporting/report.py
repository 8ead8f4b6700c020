"""write_report: a study's report as markdown with its plots, as one HTML page, as LaTeX."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runner.records import atomic_write
from runner.reporting.contents import document
from runner.reporting.document import Document
from runner.reporting.markdown import markdown
from runner.reporting.material import Material
from tricks.errors import BadInput, unknown

NAMES = {"md": "report.md", "html": "report.html", "latex": "report.tex"}  # format -> file
FORMATS = ("md", "html")  # those written by default


def write_report(
    material: Material,
    out: Path,
    formats: Sequence[str] = FORMATS,
    columns: int | None = None,
) -> Path:
    """Write the report in these formats into `out`; returns the path of the first format's file.

    columns: figures of LaTeX are PDFs as wide as 1 or 2 columns of a paper; None: PNGs. The files
    replace an earlier report in `out`; plots that only the earlier report shows are removed.
    Raises BadInput for an unknown format or width, or if the files cannot be written.
    """
    _check(formats, columns)
    out = Path(out)
    with atomic_write.output(f"cannot write the report to {out}"):
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=out) as aside:
            new, report = Path(aside), document(replace(material, out=out))
            # LaTeX last: it changes the size of the figures for good.
            for name in sorted(set(formats), key=lambda name: name == "latex"):
                text = _text(name, report, material, new, columns)
                (new / NAMES[name]).write_text(text, encoding="utf-8")
            stale = _pictures(out / "report.md") if "md" in formats else set()
            for file in new.iterdir():  # a full disk leaves the earlier report as it was
                stale.discard(file.name)
                os.replace(file, out / file.name)
            for name in stale:
                (out / name).unlink(missing_ok=True)
    return out / NAMES[formats[0]]


def _check(formats: Sequence[str], columns: int | None) -> None:
    for name in formats:
        if name not in NAMES:
            raise unknown("format", name, NAMES)
    if not formats:
        raise BadInput(f"--format: name some of {', '.join(NAMES)}")
    if columns is not None and ("latex" not in formats or columns not in (1, 2)):
        raise BadInput("--columns takes 1 or 2: the width of the figures of --format latex")


def _text(
    name: str, report: Document, material: Material, folder: Path, columns: int | None
) -> str:
    """The report in one format; files that it needs are written into `folder`."""
    from runner.reporting.plots import style

    if name == "html":
        from runner.reporting.html.page import html

        return html(report, material)
    if name == "latex":
        return _latex(report, folder, columns)
    for figure in report.figures():
        style.save(figure.picture, folder, figure.name)
    return markdown(report)


def _latex(report: Document, folder: Path, columns: int | None) -> str:
    from runner.reporting.latex import latex
    from runner.reporting.plots.paper import sized
    from runner.reporting.plots.style import encoded

    kind = ".png" if columns is None else ".pdf"
    for figure in report.figures():
        file = folder / f"{figure.name}{kind}"
        if columns is not None:
            file.write_bytes(encoded(sized(figure.picture, columns), kind))
        elif not file.exists():
            file.write_bytes(encoded(figure.picture, kind))
    return latex(report, kind)


def _pictures(report: Path) -> set[str]:
    """The image files that `report` shows; none if the report is missing."""
    try:
        return set(re.findall(r"\]\(([a-z-]+\.(?:png|svg))\)", report.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        return set()
