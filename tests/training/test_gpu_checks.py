"""`python -m benchmarks gpu` works in its short form on a CPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.gpu.check import Check, Found, Place, results

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_all_checks_work_on_a_cpu(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    line = [sys.executable, "-m", "benchmarks", "gpu", "--device", "cpu", "--short"]
    done = subprocess.run(
        [*line, "--out", str(out)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(out.read_text())
    assert told["versions"]["torch"].startswith(torch.__version__.split("+")[0])
    verdicts = {check["name"]: check["verdict"] for check in told["checks"]}
    assert verdicts.pop("oversized") == "not run"
    assert set(verdicts.values()) == {"as expected"}, done.stdout


def test_each_verdict_is_given_its_reason(tmp_path: Path) -> None:
    def broken(place: Place) -> Found:
        raise RuntimeError("CUDA error: it\nbroke")

    checks = [
        Check("good", "", lambda place: Found({"seconds": 1})),
        Check("bad", "", lambda place: Found(wrong="two were found")),
        Check("broken", "", broken),
        Check("gpu", "", broken, only_gpu=True),
    ]
    place = Place("cpu", True, tmp_path)
    told = {r.name: (r.verdict, r.reason) for r in results(checks, place, 60)}
    assert told == {
        "good": ("as expected", ""),
        "bad": ("not as expected", "two were found"),
        "broken": ("broke", "RuntimeError: CUDA error: it"),
        "gpu": ("not run", "it means nothing without a GPU"),
    }
    assert {r.verdict for r in results(checks, place, -1)} == {"not run"}
