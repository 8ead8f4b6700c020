"""README.md and docs/: generated parts, links and commands are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.readme import FENCES, PAGES, README, ROOT, command_lines, generated, parts

MOST_LINES = 220  # lines of README.md
EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@EACH_PAGE
def test_the_generated_parts_are_true(page: Path) -> None:
    text = page.read_text()
    assert text == generated(text), "run: python -m tests.readme"


def test_every_generated_part_is_somewhere() -> None:
    text = "".join(page.read_text() for page in PAGES)
    assert [name for name in parts() if f"<!-- {name} -->" not in text] == []


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= MOST_LINES


def prose(page: Path) -> str:
    return FENCES.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    heads = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", head).replace("`", "") for head in heads]
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in plain}


@EACH_PAGE
def test_every_link_leads_somewhere(page: Path) -> None:
    text = prose(page)
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^\]]+\]: (\S+)", text, re.M)
    wrong = []
    for link in links:
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        known = not anchor or (there.suffix == ".md" and anchor in anchors(there))
        if not there.exists() or not there.is_relative_to(ROOT) or not known:
            wrong.append(link)
    assert wrong == []


@EACH_PAGE
def test_every_name_in_brackets_has_its_link(page: Path) -> None:
    text = re.sub(r"`[^`]*`", "", prose(page))
    named = re.findall(r"(?<![\]\w!])\[([a-z][\w -]+)\](?![(\[:])", text)
    assert [name for name in named if f"\n[{name}]: " not in text] == []


@EACH_PAGE
def test_every_command_line_can_be_read(page: Path) -> None:
    import typer

    from runner.cli import app

    commands = typer.main.get_command(app()).commands
    for name, *arguments in command_lines(page.read_text()):
        if name != "--help" and "…" not in arguments:
            assert name in commands, name
            commands[name].make_context(name, arguments)  # raises for what it does not take
