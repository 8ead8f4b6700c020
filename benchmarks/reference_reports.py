"""Make the committed reports again: `python -m benchmarks.reference_reports`.

Each report has report.md with its plots; the reports in `WHOLE` also have report.html, and
report.pdf made by pdflatex. Names on the command line, such as reference/digits-add-one, choose
reports.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from runner.reporting.material import Question, gather
from runner.reporting.report import write_report

ROOT = Path(__file__).resolve().parents[1]
KEPT = ("reference", "ten-epochs")  # folders of reports/ and of results/
WHOLE = tuple(
    ROOT / "reports" / "reference" / name
    for name in ("digits-add-one", "fashion-mnist-add-one", "cifar10-small")
)
DATE = "1767225600"  # date of every PDF, so that the same report has the same bytes


def make(folder: Path) -> None:
    """Write the report in `folder` again, for the same metric."""
    study = Path("results") / folder.parent.name / folder.name
    question = Question()
    if (folder / "report.md").exists():
        line = (folder / "report.md").read_text(encoding="utf-8").splitlines()[2]
        told = re.search(r"metric (.+)\.$", line)
        question = Question(told[1].replace("\\", "")) if told else question
    found = gather(Path("results"), str(study), question)
    whole = folder in WHOLE
    write_report(found, folder, ("md", "html") if whole else ("md",))
    if whole:
        _pdf(folder, str(study), question)


def _pdf(folder: Path, study: str, question: Question) -> None:
    """report.pdf, with figures as wide as the page."""
    found = gather(Path("results"), study, question)
    with tempfile.TemporaryDirectory() as scratch:
        write_report(found, Path(scratch), ("latex",), 2)
        command = ["pdflatex", "-halt-on-error", "-interaction=batchmode", "-no-shell-escape"]
        dated = {**os.environ, "SOURCE_DATE_EPOCH": DATE, "FORCE_SOURCE_DATE": "1"}
        subprocess.run([*command, "report.tex"], cwd=scratch, env=dated, check=True)
        shutil.copy(Path(scratch) / "report.pdf", folder / "report.pdf")


def main() -> None:
    """Make all committed reports, or the named ones."""
    os.chdir(ROOT)
    for study in sorted(path for kept in KEPT for path in (ROOT / "results" / kept).glob("*/")):
        folder = ROOT / "reports" / study.parent.name / study.name
        name = f"{study.parent.name}/{study.name}"
        if name in sys.argv[1:] or (not sys.argv[1:] and (folder / "report.md").exists()):
            print(name, flush=True)
            make(folder)


if __name__ == "__main__":
    main()
