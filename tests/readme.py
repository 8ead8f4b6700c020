"""The generated parts of README.md and docs/. `python -m tests.readme` writes them again."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tricks.trick import Trick

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")))
SPEED = ROOT / "reports" / "reference" / "benchmarks.json"
FENCES = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
REPORTS = ROOT / "reports" / "reference"
# studies of the standard bag
MEASURED = ("digits-add-one", "fashion-mnist-add-one", "cifar10-small")


def parts() -> dict[str, str]:
    """Name of each generated part -> its markdown."""
    return {
        "result table": effects("fashion-mnist-add-one"),
        "measured": measured(),
        "papers": papers(),
        "standard tricks": standard_tricks(),
        "tricks": tricks(),
        "tasks": tasks(),
        "grids": grids(),
        "speed": speed(),
    }


def effects(study: str) -> str:
    """The effects table of a committed report, with the line below it."""
    report = (REPORTS / study / "report.md").read_text()
    return report.partition("\n## Effects\n")[2].partition("\n![")[0].strip()


def measured() -> str:
    """Effect and interval of each trick in the committed studies of the standard bag."""
    found: dict[str, dict[str, str]] = {}
    for study in MEASURED:
        for line in effects(study).splitlines()[3:]:
            if line.startswith("| "):
                arm, _, effect, interval, _, verdict, *_ = map(
                    str.strip, line.strip("|").split("|")
                )
                trick = arm.partition("(")[0]  # without the learning rate of an optimizer
                found.setdefault(trick, {})[study] = f"{effect} ({interval}), {verdict}"
    rows = (
        (trick, *(cells.get(s, "not in it") for s in MEASURED)) for trick, cells in found.items()
    )
    return table(("trick", *MEASURED), rows)


def papers() -> str:
    """The published effects of the standard bag that were read in their source."""
    rows = (
        (
            f"`{cls.name}`",
            f"{row.effect:+.2f}".replace("-", "−"),
            row.kind,
            row.data,
            str(row.runs or "not stated"),
            row.source,
        )
        for cls in filter(_standard, _bag())
        for row in cls.published
        if row.verified
    )
    return table(("trick", "effect (pp)", "added to", "data", "runs per row", "source"), rows)


def standard_tricks() -> str:
    return table(("trick", "acts on", "idea", "source"), map(_row, filter(_standard, _bag())))


def tricks() -> str:
    """All tricks outside the standard bag, grouped by the moment at which they act."""
    parts = []
    for group in dict.fromkeys(cls.group() for cls in _bag()):
        rest = [cls for cls in _bag() if cls.group() == group and not cls.standard]
        if rest:
            rows = ((row[0], *row[2:]) for row in map(_row, rest))
            parts.append(f"### {group}\n\n{table(('trick', 'idea', 'source'), rows)}")
    return "\n\n".join(parts)


def _bag() -> list[type[Trick]]:
    from tricks import registry

    return [cls for cls in registry().values() if cls.group() != "plugin"]


def _standard(cls: type[Trick]) -> bool:
    return cls.standard


def _row(cls: type[Trick]) -> tuple[str, ...]:
    return f"`{cls.name}`", cls.group(), cls.idea(), cls.source


def tasks() -> str:
    from runner.tasks.registry import YOURS, all_tasks

    named = {task.name: task.summary for task in all_tasks().values()}
    return table(
        ("task", "what it is"), ((f"`{name}`", what) for name, what in {**named, **YOURS}.items())
    )


def grids() -> str:
    from runner.designs.registry import grids

    return table(("grid", "arms"), ((f"`{name}`", cls.summary) for name, cls in grids().items()))


def speed() -> str:
    """The recorded ratios, with the day and the machine."""
    from benchmarks.ratio import table

    found = json.loads(SPEED.read_text())
    machine = f"{found['cores']} CPU cores, torch {found['torch']}, {found['date']}"
    return f"{table(found['rows'])}\n\n*Measured on {machine}.*"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def generated(text: str) -> str:
    """`text` with all generated parts up to date."""
    for name, part in parts().items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = pattern.sub(lambda match, part=part: f"{match[1]}{part}\n{match[2]}", text)
    return text


def command_lines(text: str) -> list[list[str]]:
    """The words after `tricks-bench` of each command in a page."""
    blocks = [
        code.replace("\\\n", " ") for language, code in FENCES.findall(text) if language == "bash"
    ]
    inline = re.findall(r"`(tricks-bench [^`]+)`", FENCES.sub("", text))
    found = []
    for line in [*"".join(blocks).splitlines(), *inline]:
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            if words[:end] and words[0] == "tricks-bench":
                found.append(words[1:end])
            words = words[end + 1 :]
    return found


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(generated(page.read_text()))
