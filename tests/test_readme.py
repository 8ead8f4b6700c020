from __future__ import annotations

import re
import shlex

from tests.readme import README, ROOT, generated


def test_the_generated_parts_are_true():
    text = README.read_text()
    assert text == generated(text), "run: python -m tests.readme"


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text())
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert links
    assert not missing


def command_lines():
    text = README.read_text()
    fences = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    blocks = [code.replace("\\\n", " ") for language, code in fences if language == "bash"]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [*"".join(blocks).splitlines(), *re.findall(r"`(tricks-bench [^`]+)`", prose)]
    for line in lines:
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            if words[:end] and words[0] == "tricks-bench":
                yield words[1:end]
            words = words[end + 1 :]


def test_every_command_line_in_it_can_be_read():
    import typer

    from runner.cli import app

    commands = typer.main.get_command(app()).commands
    lines = list(command_lines())
    assert len(lines) > 10
    for name, *arguments in (line for line in lines if line != ["--help"]):
        assert name in commands, name
        commands[name].make_context(name, arguments)  # raises for what it does not take
