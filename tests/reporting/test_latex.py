"""LaTeX: everything is escaped, tables fit the page, and pdflatex makes a PDF of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import synthetic

from runner.cli import call
from runner.reporting.document import Cell, Column, Table
from runner.reporting.latex import escape, tabular
from runner.reporting.report import write_report
from tricks.errors import BadInput

ROOT = Path(__file__).parents[2]
PDFLATEX = shutil.which("pdflatex")
EVIL = r"\input{/etc/passwd} $x_1^2$ 50 % #1 & ~ {a} 字 é"
TWO = {EVIL: ("off", "on"), "mixup": ("off", "on")}


def test_nothing_in_a_name_is_a_command():
    text = escape(EVIL)
    assert r"\input" not in text
    assert text.startswith(r"\textbackslash{}input\{/etc/passwd\} \$x\_1\textasciicircum{}2\$")
    assert text.endswith(r"\texttt{U+5B57} \'{e}")
    assert text.isascii()


def test_a_table_has_the_rules_of_booktabs():
    table = Table(
        (Column("trick", left=True), Column("effect (pp)")),
        ((Cell("a & b"), Cell("−0.20", -0.2)), (Cell("c"), Cell("+1.00", 1.0))),
    )
    assert tabular(table) == "\n".join([
        r"{\footnotesize", r"\begin{center}", r"\begin{tabular}{lr}", r"\toprule",
        r"trick & effect (pp) \\", r"\midrule", r"a \& b & $-$0.20 \\", r"c & +1.00 \\",
        r"\bottomrule", r"\end{tabular}", r"\end{center}", "}",
    ])  # fmt: skip


def test_long_tables_go_over_pages_and_long_texts_over_lines():
    cells = tuple((Cell(f"row {i}"), Cell("word " * 60)) for i in range(50))
    text = tabular(Table((Column("a", left=True), Column("b", left=True)), cells))
    assert r"\begin{longtable}" in text
    assert r"\endhead" in text
    width = float(re.search(r"p\{([\d.]+)cm\}", text)[1])
    assert 10 < width < 17.8


def test_figures_are_pdfs_on_request(tmp_path):
    study = synthetic.material(*synthetic.study("add-one", 3, TWO))
    assert write_report(study, tmp_path / "png", ("latex",)).name == "report.tex"
    kinds = {path.suffix for path in (tmp_path / "png").iterdir()}
    assert kinds == {".tex", ".png"}
    write_report(study, tmp_path / "pdf", ("latex",), 1)
    text = (tmp_path / "pdf" / "report.tex").read_text()
    drawn = re.findall(r"includegraphics\{(.*?)\}", text)
    assert {f"{name}" for name in drawn} | {"report.tex"} == {
        path.name for path in (tmp_path / "pdf").iterdir()
    }
    for formats, columns in ((("md",), 1), (("latex",), 3)):
        with pytest.raises(BadInput, match="--columns"):
            write_report(study, tmp_path / "no", formats, columns)


@pytest.mark.slow
@pytest.mark.parametrize("columns", [None, "1", "2"])
@pytest.mark.parametrize("study", ["digits-add-one", "digits-full", "hostile"])
def test_pdflatex_makes_a_pdf(study, columns, tmp_path, capsys):
    if PDFLATEX is None and not os.environ.get("CI"):
        pytest.skip("pdflatex is not installed")
    if study == "hostile":
        found = synthetic.material(*synthetic.study("full", 3, TWO))
        write_report(found, tmp_path, ("latex",), int(columns) if columns else None)
    else:
        line = ["report", str(ROOT / "results/ten-epochs" / study), "--out", str(tmp_path)]
        width = ["--columns", columns] if columns else []
        assert call([*line, "--format", "latex", *width]) == 0
        assert capsys.readouterr().out.strip().endswith("report.tex")
    command = [PDFLATEX, "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape"]
    done = subprocess.run([*command, "report.tex"], cwd=tmp_path, capture_output=True, check=False)
    said = done.stdout.decode(errors="replace")
    assert done.returncode == 0, said[-2000:]
    assert (tmp_path / "report.pdf").stat().st_size > 50_000
    over = [float(x) for x in re.findall(r"Overfull \\hbox \(([\d.]+)pt", said)]
    assert max(over, default=0) < 40, "no table leaves the page"
