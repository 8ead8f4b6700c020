"""How to make the study and its report again, and with which packages its runs were trained."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from runner.planning.reproduce import report_command, run_command
from runner.records import environments
from runner.records.record_schema import Record
from runner.reporting.contents import section
from runner.reporting.document import Code, Link, Paragraph, Section, Text, items
from runner.reporting.material import Material, Question
from runner.text import counted

SAID = "With the code and packages below, these commands train and report the study again:"
DIGEST_DIGITS = 12  # of a digest, in words


@section(place=1000)
def reproduce(m: Material) -> Section | None:
    """The commands, the code and the environment; None for runs that no study asked for."""
    if m.asked.name is None:
        return None
    return Section("Reproduce", (Paragraph(SAID), items([*_commands(m), *_facts(m)])))


def _commands(m: Material) -> Iterator[Text]:
    q, default = m.question, Question()
    asked = {"metric": q.metric, "noise": q.noise, "scale": q.scale, "stage": q.stage}
    options = {k: v for k, v in asked.items() if v != getattr(default, k)}
    file = None if m.place is None else _study_file(m.place, m.study)
    yield Code(run_command(m.asked, m.results, file))
    yield Code(report_command(m.study, m.results, {**options, "negligible": q.negligible}))


def _study_file(place: Path, name: str) -> Path:
    """study.toml of an export, or of a study in a store."""
    own = place / "study.toml"
    return own if own.exists() else place / "studies" / name / "study.toml"


def _facts(m: Material) -> Iterator[Text]:
    code = dict.fromkeys(map(_code, m.records))
    yield f"Code: {'; '.join(filter(None, code)) or 'not recorded'}."
    runs = Counter(record.environment_sha256 for record in m.records)
    for digest, count in runs.items():
        some = f" for {count} of {counted(len(m.records), 'run')}" if len(runs) > 1 else ""
        yield ("Environment: ", *_environment(m, digest), f"{some}.")


def _code(record: Record) -> str:
    version = (record.versions or {}).get("tricks-bench")
    told = (version and f"tricks-bench {version}", record.code_revision)
    return " at ".join(part for part in told if part)


def _environment(m: Material, digest: str | None) -> tuple[Text, ...]:
    if digest is None:
        return ("not recorded",)
    content = m.lists.get(digest)
    if content is None or m.place is None:
        return (f"{digest[:DIGEST_DIGITS]}, whose list of packages is not here",)
    comment, *packages = content.splitlines()
    words = f"{comment[2:]} and {counted(len(packages), 'package')}"
    file = environments.path(m.place, digest)
    target = None if m.out is None else Path(os.path.relpath(file, m.out)).as_posix()
    return (Link(words, target, content), f" ({environments.FOLDER}/{digest[:DIGEST_DIGITS]}…)")
