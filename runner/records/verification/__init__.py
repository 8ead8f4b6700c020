"""Verify a whole folder of results: find problems, and repairs for them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from runner.records import atomic_write
from runner.records.export import is_export, read_export
from runner.records.export_checks import SUMS, mismatches
from runner.records.layout import FOLDERS, FORMAT_LINE, LATER_FOLDERS, check_format, links
from runner.records.predictions import ENDING
from runner.records.record import STATES, Damaged
from runner.records.verification import leftovers
from runner.records.verification.finding import Finding, inside, is_temporary, link
from runner.records.verification.runs import Seen, runs
from runner.records.verification.studies import studies
from runner.text import counted
from tricks.errors import BadInput

KNOWN = (
    *FOLDERS, *LATER_FOLDERS, "outputs", "FORMAT", "index.csv", "README.md", ".gitignore",
)  # fmt: skip
# A store with links cannot be opened, and records must be repaired before the index.
ORDER = {"store": 0, "symlink": 1, "index": 3}


@dataclass
class Verified:
    """The result of a verification. kind: store or export. counts: of records and other things."""

    root: Path
    kind: str
    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def problems(self) -> list[Finding]:
        """Findings that are problems."""
        return [finding for finding in self.findings if finding.problem]

    def mend(self) -> dict[Finding, str]:
        """Carry out the repairs of the findings. Returns the failed repairs with reasons."""
        failed = {}
        for finding in self.findings:
            if finding.mend is not None:
                try:
                    finding.mend()
                except FileNotFoundError:
                    continue  # it is gone already
                except (OSError, BadInput, Damaged) as error:
                    failed[finding] = getattr(error, "strerror", None) or str(error)
        return failed


def verify(root: Path, watch: Callable[[int], None] = lambda count: None) -> Verified:
    """Verify a store, or an exported study, without changing it.

    watch: called with the number of verified record files so far. Raises BadInput for a folder that
    is neither, or has a newer schema.
    """
    if not root.is_dir():
        there = "it is a file: give the folder" if root.exists() else "there is no such folder"
        raise BadInput(f"{root}: {there}")
    if not (root / "FORMAT").exists() and not (root / "runs").is_dir():
        exports = _exports(root)
        if not exports:
            raise BadInput(f"{root} has no results: neither a store's FORMAT nor an export")
        found = Verified(root, "export" if is_export(root) else "exports", {"records": 0})
        found.counts["exports"] = len(exports)
        for place in exports:
            found.findings += _export(root, place, found.counts)
        return found
    found = Verified(root, "store")
    found.findings += [*_format(root), *_links(root)]
    seen, listed = Seen(), set[str]()
    found.findings += runs(root, seen, watch)
    recorded = set(seen.states)
    found.findings += studies(root, recorded, listed)
    alone = len(recorded - listed)
    if alone:
        description = f"{counted(alone, 'record')} that belong to no study"
        found.findings.append(Finding("orphan", "runs", description, problem=False))
    found.findings += leftovers.claims(root, recorded)
    closed = {id for id, state in seen.states.items() if state != "infra"}
    found.findings += leftovers.attempts(root, recorded | listed, closed)
    found.findings += leftovers.models(root, recorded)
    found.findings += leftovers.lists(root, seen.environments)
    found.findings += leftovers.loose(root)
    held = Counter(seen.states.values())
    found.counts = {"records": len(recorded), **{state: held[state] for state in STATES}}
    found.counts["studies"] = sum(1 for path in _inside(root / "studies") if path.is_dir())
    aside = [path for path in _inside(root / "quarantine") if path.suffix != ENDING]
    found.counts["quarantined"] = len(aside)
    found.findings += _strangers(root, found.counts)
    found.findings.sort(key=lambda finding: ORDER.get(finding.kind, 2))
    return found


def _format(root: Path) -> Iterator[Finding]:
    path = root / "FORMAT"
    if path.is_symlink():
        yield link(root, path)
        return
    try:
        check_format(root)
    except BadInput as error:
        if "upgrade" in str(error):
            raise
        description = "it is missing or unreadable: no command opens this store"

        def write() -> None:
            atomic_write.replace(path, FORMAT_LINE)

        yield Finding("store", "FORMAT", description, True, "write it again", write)


def _links(root: Path) -> Iterator[Finding]:
    """Links that are a folder of the store, or that lie in a folder which nothing else verifies."""
    for path in links(root):
        if path.parent == root or path.parent.name in ("references", "examples"):
            yield link(root, path)


def _export(root: Path, folder: Path, counts: dict[str, int]) -> Iterator[Finding]:
    """Look at an exported study."""
    where = inside(root, folder)
    faults = mismatches(folder)
    for fault in faults:
        yield Finding("export", where, fault.replace(f"{folder}/", ""))
    if faults:
        return
    try:
        found = read_export(folder)
    except BadInput as error:
        yield Finding("export", where, str(error))
        return
    counts["records"] += len(found.records)
    if not (folder / SUMS).exists():
        description = f"it has no {SUMS}, like older exports: only its format was checked"
        yield Finding("export", where, description, problem=False)
    named = {r.environment_sha256 for r in found.records if r.environment_sha256}
    for finding in leftovers.lists(folder, named):
        yield replace(finding, path=inside(root, folder / finding.path), repair="", mend=None)
    runs = found.runs["id"].nunique()  # a run that two stages of a study share has two rows
    if len(found.records) != runs:
        description = (
            f"runs.csv has {counted(runs, 'run')}, records.jsonl.gz {len(found.records):,}"
        )
        yield Finding("export", where, description)


def _strangers(root: Path, counts: dict[str, int]) -> Iterator[Finding]:
    """Files at the top that do not belong to a store. Exports are verified, others only named."""
    held = {"records": 0}
    for path in _inside(root):
        if path.name in KNOWN or is_temporary(path.name):
            continue
        exports = _exports(path, deep=1)
        for place in exports:
            yield from _export(root, place, held)
        if exports:
            counts["exports"] = counts.get("exports", 0) + len(exports)
        else:
            description = "not part of a store: left alone, and never imported or run"
            yield Finding("foreign", path.name, description, problem=False)


def _exports(folder: Path, deep: int = 2) -> list[Path]:
    """Exported studies: `folder` itself, or folders below it, up to `deep` levels down."""
    if is_export(folder):
        return [folder]
    below = _inside(folder) if deep else []
    return [place for path in below for place in _exports(path, deep - 1)]


def _inside(folder: Path) -> list[Path]:
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(folder / name for name in os.listdir(folder))


__all__ = ["Finding", "Verified", "verify"]
