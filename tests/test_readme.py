from __future__ import annotations

import re

from tests.readme import README, ROOT, generated


def test_the_generated_parts_are_true():
    text = README.read_text()
    assert text == generated(text), "run: python -m tests.readme"


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text())
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert links
    assert not missing


def test_every_command_in_it_is_one_that_there_is():
    from runner.cli import app

    known = {
        command.name or (command.callback.__name__.strip("_") if command.callback else "")
        for command in app.registered_commands
    }
    named = set(
        re.findall(r"(?:^|`|&& )tricks-bench ([a-z]+)", README.read_text(), re.MULTILINE)
    )
    assert named
    assert named <= known
