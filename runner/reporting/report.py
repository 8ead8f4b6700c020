"""write_report: a study's report as markdown with its plots, as one HTML page, as LaTeX."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from runner.reporting.contents import document
from runner.reporting.document import Document
from runner.reporting.markdown import markdown
from runner.reporting.material import Material
from tricks.errors import BadInput, unknown

NAMES = {"md": "report.md", "html": "report.html"}  # format -> file
FORMATS = ("md", "html")  # those written by default


def write_report(material: Material, out: Path, formats: Sequence[str] = FORMATS) -> Path:
    """Write the report in these formats into `out`; returns the path of the first.

    An earlier report in `out` is replaced, with those of its plots that this one does not have.
    Raises BadInput for an unknown format, or if the files cannot be written.
    """
    for name in formats:
        if name not in NAMES:
            raise unknown("format", name, NAMES)
    if not formats:
        raise BadInput(f"--format: name some of {', '.join(NAMES)}")
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=out) as aside:
            new, report = Path(aside), document(material)
            for name in dict.fromkeys(formats):
                (new / NAMES[name]).write_text(_text(name, report, material, new), "utf-8")
            stale = _pictures(out / "report.md") if "md" in formats else set()
            for file in new.iterdir():  # a full disk leaves the report that was there
                stale.discard(file.name)
                os.replace(file, out / file.name)
            for name in stale:
                (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"cannot write the report to {out}: {error.strerror or error}") from error
    return out / NAMES[formats[0]]


def _text(name: str, report: Document, material: Material, folder: Path) -> str:
    """The report in one format; files that it needs are written into `folder`."""
    from runner.reporting.plots import style

    if name == "html":
        from runner.reporting.html.page import html

        return html(report, material)
    for figure in report.figures():
        style.save(figure.picture, folder, figure.name)
    return markdown(report)


def _pictures(report: Path) -> set[str]:
    """The files beside `report` that it shows; none if it is not there."""
    try:
        return set(re.findall(r"\]\(([a-z-]+\.(?:png|svg))\)", report.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        return set()
