"""`python -m benchmarks.faults`: faults of shared machines, injected on purpose and counted.

Each row of the table injects a real fault, with real processes, signals, file systems and limits.
`fault_rows.py` has the faults. If a row breaks a promise, it says so, and the exit code is 1.
Figures of rows that are not run again are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.fault_rows import ROOT, ROWS, Fault, of_tests

OUT = ROOT / "docs" / "faults.md"

NOT_PROMISED = (
    "## Not promised",
    "",
    "- The same bits on another machine, on a GPU, or with other versions. On one machine, on the",
    "  CPU, any number of workers and interruptions gives the same bits.",
    "- That a run is never trained twice. If an owner was stopped past its lease, two workers",
    "  train the run. The first to commit is kept whole, and the other result is dropped.",
    "- Anything on a file system that loses synced data. A file system without hard links reserves",
    "  a name before the file is filled. A reader takes such a file for a torn file, and puts it",
    "  back when it turns out to be whole.",
)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults", description=__doc__.partition("\n\n")[0]
    )
    parser.add_argument("name", nargs="*", help=f"some of: {', '.join(ROWS)}; all if left out")
    parser.add_argument("--short", action="store_true", help="a few of each, in some minutes")
    parser.add_argument("--out", type=Path, default=OUT, help="the table, beside its figures")
    asked = parser.parse_args()
    unknown = [name for name in asked.name if name not in ROWS]
    if unknown:
        parser.error(f"there is no fault {unknown[0]!r}; there are {', '.join(ROWS)}")
    kept = asked.out.with_suffix(".json")
    rows: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    broken = []
    for name in asked.name or ROWS:
        print(f"{name} …", file=sys.stderr, flush=True)
        rows[name] = _row(ROWS[name], asked.short)
        if "broken" in rows[name]:
            broken.append(name)
        print(f"{_cell(rows[name])} ({rows[name]['seconds']} s)", file=sys.stderr, flush=True)
        kept.write_text(json.dumps(rows, indent=1) + "\n")
        asked.out.write_text(_page(rows))
    if broken:
        print(f"promises broken: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


def _row(fault: Fault, short: bool) -> dict[str, Any]:
    began = time.monotonic()
    row: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "short": short,
        "machine": f"{platform.system()}, {len(os.sched_getaffinity(0))} cores",
    }
    try:
        with tempfile.TemporaryDirectory(prefix="tricks-bench-") as folder:
            try:
                row["figures"] = fault.inject(short, Path(folder))
            finally:
                of_tests("injected.runners").end_all()
    except Exception as error:
        traceback.print_exc()
        row["broken"] = f"{type(error).__name__}: {str(error)[:300]}"
    return {**row, "seconds": round(time.monotonic() - began)}


def _page(rows: Mapping[str, Any]) -> str:
    lines = [
        "# Faults, injected and counted",
        "",
        "`python -m benchmarks.faults` writes this page from its counts. With a name it repeats",
        "one row, with `--short` it injects a few faults of each kind. The tests check the same in",
        "short form. Lost: a run without its record. Torn: a record that is not whole. Duplicated:",
        "a training begun after its run had its record. Repeated: a training begun again because",
        "its process ended.",
        "",
        "| name | what goes wrong | how it is injected | result | form |",
        "|---|---|---|---|---|",
    ]
    for name, fault in ROWS.items():
        if name in rows:
            row = rows[name]
            form = f"{'short' if row['short'] else 'long'}, {row['seconds']:,} s, {row['date']}"
            lines.append(f"| {name} | {fault.what} | {fault.how} | {_cell(row)} | {form} |")
    machines = sorted({row["machine"] for row in rows.values()})
    lines += ["", f"Machine: {'; '.join(machines)}.", "", *NOT_PROMISED, ""]
    return "\n".join(lines)


def _cell(row: Mapping[str, Any]) -> str:
    if "broken" in row:
        return f"**broken**: {row['broken']}".replace("|", "/").replace("\n", " ")
    if row["figures"] is None:
        return "cannot be done here (no file system may be mounted)"
    return ", ".join(f"{value:,} {name}" for name, value in row["figures"].items())


if __name__ == "__main__":
    sys.exit(main())
