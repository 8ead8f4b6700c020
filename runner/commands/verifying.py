"""doctor DIR: verify a folder of results, and print the findings."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from runner.commands.json_output import print_json
from runner.records.json_values import JsonValue
from runner.records.record import STATES
from runner.text import counted
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.verification.finding import Finding

SHOWN = 50  # the most findings of one kind to print; the rest is counted


def verify_folder(folder: Path, repair: bool, json: bool) -> int:
    """Print the problems in `folder`, and repair them if asked. Returns 0 if no problem is left."""
    from runner.records.verification import verify

    with _watch(json) as watch:
        found = verify(folder, watch)
    if repair and found.kind != "store":
        raise BadInput("--repair is for a store: copy a broken export again, or export it again")
    failed = found.mend() if repair else {}
    left = [f for f in found.problems if not repair or f.mend is None or f in failed]
    if json:
        findings = [
            (f, _json(f, (f not in failed) if repair and f.mend is not None else None))
            for f in found.findings
        ]
        print_json(
            {
                "folder": str(folder),
                "kind": found.kind,
                "healthy": not left,
                "counts": found.counts,
                "problems": [told for f, told in findings if f.problem],
                "notes": [told for f, told in findings if not f.problem],
            }
        )
        return 1 if left else 0
    print(f"{folder}: {found.kind}, {_counted(found.counts)}")
    shown: dict[tuple[bool, str], int] = {}
    for finding in sorted(found.findings, key=lambda f: not f.problem):
        group = (finding.problem, finding.kind)
        shown[group] = shown.get(group, 0) + 1
        if shown[group] > SHOWN:
            continue
        way = ""
        if finding in failed:
            way = f"; not repaired: {failed[finding]}"
        elif finding.repair:
            way = f"; {'done' if repair else 'a repair would'}: {finding.repair}"
        kind = finding.kind if finding.problem else f"note: {finding.kind}"
        print(f"{kind}: {finding.path}: {finding.description}{way}")
    for (problem, kind), count in shown.items():
        if count > SHOWN:
            print(f"{'' if problem else 'note: '}{kind}: {count - SHOWN:,} more are not shown")
    mendable = sum(f.mend is not None for f in found.problems)
    if not found.problems:
        print("no problems")
    elif repair:
        done = len(found.problems) - len(left)
        print(
            f"{done:,} of {counted(len(found.problems), 'problem')} repaired, no record was deleted"
        )
    else:
        command = f"tricks-bench doctor {shlex.quote(str(folder))} --repair"
        hint = (
            f"; `{command}` repairs {mendable:,} of them, and deletes no record" if mendable else ""
        )
        print(f"{counted(len(left), 'problem')}{hint}")
    return 1 if left else 0


def _json(found: Finding, repaired: bool | None) -> Mapping[str, JsonValue]:
    """repaired: None where nothing was tried."""
    told = {"kind": found.kind, "path": found.path, "what": found.description}
    return {**told, "repair": found.repair or None, "repaired": repaired}


def _counted(counts: dict[str, int]) -> str:
    parts = [counted(counts["records"], "record")]
    states = ", ".join(f"{counts[s]:,} {s}" for s in STATES if counts.get(s))
    if states:
        parts[0] += f" ({states})"
    for key, one in (("studies", "study"), ("exports", "export")):
        if key in counts:
            parts.append(counted(counts[key], one, key))
    if counts.get("quarantined"):
        parts.append(f"{counts['quarantined']:,} in quarantine/")
    return ", ".join(parts)


@contextlib.contextmanager
def _watch(json: bool) -> Iterator[Callable[[int], None]]:
    """A function that shows the number of verified records on a terminal, if there are many."""
    if json or not sys.stderr.isatty():
        yield lambda count: None
        return

    def show(count: int) -> None:
        if count % 1_000 == 0:
            print(f"\r{count:,} records verified", end="", file=sys.stderr, flush=True)

    yield show
    print("\r\x1b[K", end="", file=sys.stderr, flush=True)
