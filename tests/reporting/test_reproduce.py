"""The last section: commands that make the study again, and its packages."""

from __future__ import annotations

import shlex
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import pytest
import synthetic
import typer
from msgspec import structs

from runner.cli import app
from runner.commands.asked import StudyFlags, any_study
from runner.planning.reproduce import run_command
from runner.records.environments import digest
from runner.records.export import read_export
from runner.records.study_toml import StudyToml
from runner.reporting.html.page import marked
from runner.reporting.latex import inline as in_latex
from runner.reporting.markdown import written
from runner.reporting.sections.reproduce import reproduce
from runner.studies.asked import from_stored, read, shipped
from runner.studies.building import built

STUDIES = Path(__file__).parents[2] / "results" / "reference"
TEXT = "# Python 3.11.9\nnumpy==2.1.0\n"


def asked_by(command: str, results: Path) -> StudyToml:
    """What the command asks for."""
    context = (
        typer.main.get_command(app()).commands["run"].make_context("run", shlex.split(command)[2:])
    )
    given = {name.rstrip("_"): value for name, value in context.params.items()}
    names = {field.name for field in fields(StudyFlags)}
    flags = StudyFlags(**{name: given[name] for name in names & given.keys()})
    return any_study(flags, results).as_stored()


@cache
def studies() -> dict[str, StudyToml]:
    found = {n: read(file) for n, file in shipped().items()}
    plain = {n: a for n, a in found.items() if a.task != "folder" and not a.task.startswith("tor")}
    kept = {n: built(asked).as_stored() for n, asked in plain.items()}
    return kept | {p.name: read_export(p).study.asked for p in STUDIES.iterdir()}


@pytest.mark.parametrize("name", sorted(studies()))
def test_the_command_asks_for_the_same_study(name: str, tmp_path: Path) -> None:
    asked = studies()[name]
    command = run_command(asked, tmp_path, STUDIES / name / "study.toml")
    if asked.check:
        assert command.startswith(f"tricks-bench check --task {asked.task}")
    elif asked.script is not None:
        assert f"--study {STUDIES / name}/study.toml" in command
        file = STUDIES / name / "study.toml"
        assert read(file) == from_stored(asked, file)
    else:
        request = structs.replace(asked, equal_epochs=None)  # a result of its first stage
        assert asked_by(command, tmp_path).to_mapping() == request.to_mapping()


def test_what_flags_cannot_say_is_said_by_the_file(tmp_path: Path) -> None:
    file = tmp_path / "asked.toml"
    file.write_text('seeds = 2\ntricks = []\n[levels.net]\nwide = ""\nnarrow = "width=0.25"\n')
    asked = built(read(file)).as_stored()
    assert run_command(asked, tmp_path, file).startswith(f"tricks-bench run --study {file}")


def said(material, out=None) -> str:
    found = reproduce(replace(material, out=out))
    return written([found])


def test_a_study_without_environments_says_so_in_one_line() -> None:
    material = synthetic.material(*synthetic.study("full", 2, synthetic.factors(("mixup",))))
    material = replace(material, asked=replace_name(material))
    assert "- Environment: not recorded.\n" in said(material) + "\n"


def replace_name(material):
    from msgspec.structs import replace as changed

    return changed(material.asked, name="s")


def test_environments_are_linked_and_counted(tmp_path: Path) -> None:
    from msgspec.structs import replace as changed

    material = synthetic.material(*synthetic.study("full", 2, synthetic.factors(("mixup",))))
    records = list(material.records)[:3]
    named = [changed(r, environment_sha256=digest(TEXT)) for r in records[:2]]
    place = tmp_path / "results"
    material = replace(
        material, asked=replace_name(material), records=[*named, records[2]],
        lists={digest(TEXT): TEXT}, place=place,
    )  # fmt: skip
    text = said(material, tmp_path / "reports" / "s")
    target = f"../../results/environments/{digest(TEXT)}.txt"
    assert f"[Python 3.11.9 and 1 package]({target})" in text
    assert "for 2 of 3 runs." in text
    assert "not recorded for 1 of 3 runs." in text
    gone = said(replace(material, lists={}))
    assert f"{digest(TEXT)[:12]}, whose list of packages is not here for 2 of 3 runs." in gone


def test_a_page_holds_the_list_itself() -> None:
    from runner.reporting.document import Link

    link = Link("a <b>", "../x y/e.txt", '"><script>\n')
    page = marked(link)
    assert 'href="data:text/plain,%22%3E%3Cscript%3E%0A"' in page
    assert "<script>" not in page
    assert in_latex(link) == "\\texttt{a \\textless{}b\\textgreater{}}"
