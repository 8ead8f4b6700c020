"""The seams of a report: a section is one file, and a document knows nothing of markdown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import synthetic

from runner.reporting import contents, plotting
from runner.reporting.document import Cell, Details, Document, Figure, Note, Paragraph, Section
from runner.reporting.markdown import escape, inline, markdown
from runner.reporting.report import write_report
from tricks.loading import load_plugin

ROOT = Path(__file__).parents[2]
TWO = synthetic.factors(("zero-gamma", "mixup"), optimizer=False)
PLUGIN = """
from matplotlib.figure import Figure

from runner.reporting.contents import section
from runner.reporting.document import Note, Paragraph, Section, Strong, present
from runner.reporting.plotting import figure


def seconds(arms):
    fig = Figure()
    fig.subplots().plot([arm.cpu_seconds for arm in arms])
    return fig


@section(place=45)
def energy(m):
    if m.analysis.layout == "factorial":
        return None
    what = Paragraph((Strong("Energy"), " of <b> " + str(len(m.analysis.arms)) + " arms"))
    picture = figure("energy", "energy by arm", seconds, m.analysis.arms)
    return Section("Energy", present(what, picture, Note("One number a run.")))
"""


@pytest.fixture
def added(monkeypatch):
    """Sections that a test adds are gone after it."""
    contents.sections()
    monkeypatch.setattr(contents, "_added", dict(contents._added))


def titles(text):
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


def test_a_section_is_one_file(tmp_path, added):
    (tmp_path / "energy.py").write_text(PLUGIN)
    load_plugin(tmp_path / "energy.py")
    study = synthetic.study("add-one", 2, TWO, diverge=False)
    text = write_report(synthetic.material(*study), tmp_path / "out").read_text()
    found = titles(text)
    assert found[found.index("Effects") + 1] == "Energy"
    assert "**Energy** of &lt;b&gt; 3 arms\n\n![energy by arm](energy.png)" in text
    assert (tmp_path / "out" / "energy.svg").stat().st_size > 2000
    other = synthetic.material(*synthetic.study("full", 2, TWO, diverge=False))
    assert "Energy" not in [section.title for section in contents.document(other).sections]


def test_the_section_of_the_contributing_guide_works(tmp_path, added, no_drawing):
    guide = (ROOT / "CONTRIBUTING.md").read_text().split("## Add a section of the report")[1]
    (tmp_path / "slowest.py").write_text(re.search(r"```python\n(.*?)```", guide, re.DOTALL)[1])
    load_plugin(tmp_path / "slowest.py")
    study = synthetic.study("add-one", 2, TWO, diverge=False)
    text = write_report(synthetic.material(*study), tmp_path / "out").read_text()
    found = titles(text)
    assert found[found.index("Seeds") + 1] == "Slowest arm"
    assert re.search(r"\*\*mixup\*\*: \d\.\d s a run", text)


def test_without_its_file_a_section_is_gone(tmp_path, no_drawing):
    study = synthetic.study("add-one", 2, TWO, diverge=False)
    text = write_report(synthetic.material(*study), tmp_path).read_text()
    assert "Energy" not in text
    assert not (tmp_path / "energy.svg").exists()


def test_every_file_of_the_folder_adds_a_section_at_a_place_of_its_own():
    files = {path.stem for path in (ROOT / "runner/reporting/sections").glob("[a-z]*.py")}
    mine = [write for write in contents.sections() if ".sections." in write.__module__]
    assert {write.__module__.rpartition(".")[2] for write in mine} == files
    assert len({contents._added[write] for write in mine}) == len(mine)


FILES = sorted((ROOT / "runner/reporting/sections").glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_section_knows_of_markdown(path):
    text = path.read_text()
    assert "markdown" not in text
    assert not re.search(r"""\*\*\w+.*?\*\*|\]\(|<details|["'](#+|-|>|\||\*)\s""", text)


def test_numbers_keep_their_values_beside_their_texts():
    found = synthetic.material(*synthetic.study("add-one", 3, TWO, diverge=False))
    [effects] = [part for part in contents.document(found).sections if part.title == "Effects"]
    table = effects.blocks[0]
    place = [column.title for column in table.columns].index("effect (pp)")
    assert table.columns[place].unit == "pp"
    values = [row[place].value for row in table.rows[1:]]
    assert values == [e.effect for e in found.analysis.effects]
    ends = [row[place + 1].value for row in table.rows[1:]]
    assert ends == [(e.ci_low, e.ci_high) for e in found.analysis.effects]


def test_a_document_finds_its_figures_wherever_they_are():
    one, two = (Figure(name, "", plotting.draw(lambda: None)) for name in "ab")
    inner = Section("inner", (Details("more", (two, Note("x"))),))
    assert list(Document("t", (Section("s", (one, inner)),)).figures()) == [one, two]


def test_headings_follow_the_nesting_and_empty_details_are_left_out():
    inner = Section("in_ner", (Paragraph("words"), Details("gone", ())))
    text = markdown(Document("t", (Section("", (Note("top"),)), Section("s", (inner,)))))
    assert text == "# t\n\n*top*\n\n## s\n\n### in\\_ner\n\nwords\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a < b, p <0.001, >99 %", "a &lt; b, p <0.001, >99 %"), (">5 first", "&gt;5 first"),
     ("<1 onload=x>", "<1 onload=x&gt;"), ("a\n\n# b", "a \\# b"), ("\x1b[2J", "\\\\x1b\\[2J")],
)  # fmt: skip
def test_text_stays_text(text, shown):
    assert escape(text) == shown
    assert inline(("", text, Cell().text)) == shown.strip()
