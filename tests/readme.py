"""The generated parts of README.md. `python -m tests.readme` writes them anew."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
REPORT = ROOT / "reports" / "reference" / "digits-add-one" / "report.md"


def parts() -> dict[str, str]:
    """Name of each generated part -> its markdown."""
    return {"result table": result(), "tricks": tricks(), "tasks": tasks(), "grids": grids()}


def result() -> str:
    """The effects table of the committed add-one report, with the line below it."""
    section = REPORT.read_text().partition("\n## Effects\n")[2].partition("\n![")[0]
    return section.strip()


def tricks() -> str:
    from tricks import registry

    rows = (
        (f"`{name}`", cls.group(), cls.idea(), cls.source, "yes" if cls.standard else "")
        for name, cls in registry().items()
        if cls.group() != "plugin"
    )
    return table(("trick", "acts on", "idea", "source", "standard"), rows)


def tasks() -> str:
    from runner.tasks import all_tasks

    rows = [(f"`{task.name}`", task.summary) for task in all_tasks().values()]
    return table(
        ("task", "what it is"), [*rows, ("`folder:PATH`", "your own images, one folder a class")]
    )


def grids() -> str:
    from runner.designs import GRIDS

    return table(("grid", "arms"), ((f"`{name}`", cls.summary) for name, cls in GRIDS.items()))


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def generated(text: str) -> str:
    """`text` with every generated part as it should be."""
    for name, part in parts().items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        assert pattern.search(text), f"README.md has no part {name!r}"
        text = pattern.sub(lambda match, part=part: f"{match[1]}{part}\n{match[2]}", text)
    return text


if __name__ == "__main__":
    README.write_text(generated(README.read_text()))
