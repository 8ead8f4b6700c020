"""write_report: report.md with its plots as PNG and SVG."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from runner.reporting.contents import document
from runner.reporting.markdown import markdown
from runner.reporting.material import Material
from tricks.errors import BadInput


def write_report(material: Material, out: Path) -> Path:
    """Write `out`/report.md and its plots; returns the path of report.md.

    An earlier report in `out` is replaced, with those of its plots that this one does not have.
    Raises BadInput if the files cannot be written.
    """
    from runner.reporting.plots import style

    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=out) as aside:
            new = Path(aside)
            report = document(material)
            for figure in report.figures():
                style.save(figure.picture, new, figure.name)
            (new / "report.md").write_text(markdown(report), encoding="utf-8")
            stale = _pictures(out / "report.md")
            for file in new.iterdir():  # a full disk leaves the report that was there
                stale.discard(file.name)
                os.replace(file, out / file.name)
            for name in stale:
                (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"cannot write the report to {out}: {error.strerror or error}") from error
    return out / "report.md"


def _pictures(report: Path) -> set[str]:
    """The files beside `report` that it shows; none if it is not there."""
    try:
        return set(re.findall(r"\]\(([a-z-]+\.(?:png|svg))\)", report.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        return set()
