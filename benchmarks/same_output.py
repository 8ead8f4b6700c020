"""Compares the output of this tree with another revision, for changes that keep all output.

`python -m benchmarks.same_output REVISION` runs the same commands in a checkout of REVISION and
here. It compares help texts, plain output, --json and report.md of every reference study byte by
byte. With --numbers only the numbers have to agree, for changes of wording. REVISION may also be a
file that --save wrote. The exit code is 1 if something differs.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "results" / "ten-epochs"
COMMANDS = (
    "run", "check", "report", "status", "plan", "list", "show", "analyze", "predict", "evaluate",
    "attention", "export", "retry", "doctor",
)  # fmt: skip
METRICS = ("accuracy", "val_accuracy", "loss", "cpu_seconds")
DRY = "run --dry-run --json --results empty"
NUMBER = re.compile(r"[-+−]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?")


def lines() -> list[str]:
    """The command lines whose output is compared; `reference` is the folder of the studies."""
    found = ["--help", *(f"{name} --help" for name in COMMANDS)]
    found += [f"list {what}{end}" for what in ("tricks", "tasks", "grids", "studies")
              for end in ("", " --json")]  # fmt: skip
    found += ["list grids --tricks warmup,cosine,mixup", "list grids --tricks warmup,mixup --json"]
    found += ["show mixup", "show lars", "show baseline+mixup(alpha=0.4)+cosine", "show nothing"]
    grids = ("add-one", "leave-one-out", "cumulative", "pairs", "full", "screen", "fraction")
    found += [f"{DRY} --grid {grid}" for grid in grids]
    found += [
        f"{DRY} --grid full --tricks warmup,cosine --placebo --seeds 3",
        f"{DRY} --tune lr_scale=0.5,1,2 --tricks warmup",
        f"{DRY} --until decided --tricks warmup,mixup",
        f"{DRY} --control-seeds auto --seeds 4",
        f"{DRY} --tricks none --factor lr_scale=0.5,1,2 --set epochs=2 --set train_images=100",
        f"{DRY} --study digits-bag", f"{DRY} --study digits-tuned",
        "run --dry-run --results empty --grid fraction --runs 32",
        "run --dry-run --results empty --grid none", "run --dry-run --tricks warmupp",
        "run --sedes 3", "run --until decided --tune lr_scale=1,2", "status --results empty",
        "plan --effect 0.5 --sigma 0.4", "plan --half-width 0.3 --sigma 0.4 --json",
        "plan --effect 0.5 --sigma 0.4 --tricks warmup,mixup --each",
    ]  # fmt: skip
    for study in sorted(path.name for path in REFERENCE.iterdir() if path.is_dir()):
        place = f"reference/{study}"
        found += [f"analyze {place} --json --metric {metric}" for metric in METRICS]
        found += [
            f"analyze {place}", f"analyze {place} --metric cpu_seconds",
            f"analyze {place} --json --noise equal", f"analyze {place} --json --scale logit",
            f"analyze {place} --json --estimand grid", f"analyze {place} --estimand baseline",
            f"analyze {place}/runs.csv --json", f"analyze {place}/runs.csv",
            f"report {place} --out reports/{study}",
        ]  # fmt: skip
    found += ["report reference/digits-add-one --metric loss --out reports/loss",
              "analyze reference/digits-tuned --stage fixed --json"]  # fmt: skip
    return found


def capture(only: str) -> dict[str, str]:
    """Command line -> its exit code and output, reports included, in the current folder."""
    from runner.cli import call

    said = {}
    for line in filter(re.compile(only).search, lines()):
        print(line, file=sys.stderr, flush=True)
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = call(line.split())
        said[line] = f"exit {code}\n{out.getvalue()}{err.getvalue()}"
        if line.startswith("report ") and "--out" in line:
            folder = Path(line.split()[-1])
            said[line] += (folder / "report.md").read_text()
            said[line] += "\n".join(sorted(file.name for file in folder.iterdir()))
    return said


def captured(tree: Path, only: str) -> dict[str, str]:
    """`capture` by the code in `tree`, on this tree's reference studies."""
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "reference").symlink_to(REFERENCE)
        out = Path(scratch) / "said.json"
        paths = {"PYTHONPATH": str(tree), "COLUMNS": "100", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-P", __file__, "--capture", str(out), "--only", only]
        subprocess.run(command, cwd=scratch, env={**os.environ, **paths}, check=True)
        found: dict[str, str] = json.loads(out.read_text())
    return {line: text.replace(str(tree), "TREE") for line, text in found.items()}


def of_revision(revision: str, only: str) -> dict[str, str]:
    """`captured` in a checkout of `revision`, or the content of a file that --save wrote."""
    if Path(revision).is_file():
        said: dict[str, str] = json.loads(Path(revision).read_text())
        return {line: text for line, text in said.items() if re.search(only, line)}
    with tempfile.TemporaryDirectory() as folder:
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", "-q", folder, revision], check=True)
        try:
            return captured(Path(folder), only)
        finally:
            subprocess.run([*git, "remove", "--force", folder], check=True)


def differing(before: str, now: str, numbers: bool) -> list[str]:
    """The lines of a diff; none if both are the same."""
    if numbers:
        before, now = ("\n".join(NUMBER.findall(text)) for text in (before, now))
    return list(difflib.unified_diff(before.splitlines(), now.splitlines(), lineterm="", n=0))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.same_output", description=__doc__.partition("\n\n")[0]
    )
    parser.add_argument("revision", nargs="?", help="a git revision, or a file that --save wrote")
    parser.add_argument("--numbers", action="store_true", help="compare only the numbers")
    parser.add_argument("--only", default="", help="command lines that match this expression")
    parser.add_argument("--save", type=Path, help="also save the output of this tree in a file")
    parser.add_argument("--capture", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.capture:
        asked.capture.write_text(json.dumps(capture(asked.only)))
        return 0
    now = captured(ROOT, asked.only)
    if asked.save:
        asked.save.write_text(json.dumps(now))
    if not asked.revision:
        return 0
    before = of_revision(asked.revision, asked.only)
    different = 0
    for line in before:
        found = differing(before[line], now.get(line, ""), asked.numbers)
        if found:
            different += 1
            print("\n".join([f"### {line}", *found[:40], ""]))
    print(f"{len(before) - different} of {len(before)} command lines say the same")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
