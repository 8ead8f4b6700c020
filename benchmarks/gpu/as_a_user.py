"""Checks through the command line, as a user would: devices, the bag, a kill, memory, hours."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.gpu.check import Check, Found, Place

CLI = (sys.executable, "-c", "from runner.cli import main; main()")
HUGE = ("batch_size=850", "resolution=4096")  # several hundred GB of feature maps


def devices(place: Place) -> Found:
    """The GPUs that the tool uses, against torch's count."""
    told = _child(
        "import json, torch\nfrom runner.execution.machine import gpus\n"
        "print(json.dumps([list(gpus('auto')), torch.cuda.device_count()]))"
    )
    names, count = json.loads(told)
    wrong = "" if len(names) == count else f"{len(names)} were found, and torch counts {count}"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return Found({"found": names, "torch": count, "CUDA_VISIBLE_DEVICES": visible}, wrong)


def standard_bag(place: Place) -> Found:
    """The ten tricks on digits: all runs are recorded; predicted against real seconds."""
    results = place.scratch / "bag"
    asked = (
        "--grid",
        "add-one",
        "--seeds",
        "1",
        "--set",
        "epochs=1" if place.short else "epochs=5",
    )
    tricks = ("--tricks", "mixup,evonorm,lars") if place.short else ()
    forecast = _json(place, results, *asked, *tricks, "--dry-run", "--estimate")
    began = time.monotonic()
    done = _run(place, results, *asked, *tricks)
    took = time.monotonic() - began
    counts = _status(results)
    records = [json.loads(file.read_text()) for file in results.glob("runs/*/*.json")]
    each = [record["wall_seconds"] for record in records]
    predicted = (forecast.get("prediction") or {}).get("seconds_per_run")
    figures = {
        "states": counts, "seconds": round(took, 1), "seconds_a_run": each,
        "predicted_seconds_a_run": predicted,
        "versions": records[0]["versions"] if records else None,
        "device": records[0]["device"] if records else None,
    }  # fmt: skip
    lost = counts["planned"] - counts["ok"] - counts["diverged"]
    if done.returncode or lost:
        return Found({**figures, "said": done.stderr[-2000:]}, f"{lost} runs are not recorded")
    mean = sum(each) / len(each)
    if predicted and not 0.5 < predicted / mean < 2:
        return Found(figures, f"{predicted:.2f} s a run were predicted, {mean:.2f} s it took")
    return Found(figures)


def killed(place: Place) -> Found:
    """SIGKILL in the middle of a grid; then the same command completes all runs, each once."""
    results = place.scratch / "killed"
    epochs = "epochs=1" if place.short else "epochs=5"
    asked = ("--tricks", "mixup", "--seeds", "1" if place.short else "4", "--set", epochs)
    first = subprocess.Popen(
        _line(place, results, *asked), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    end = time.monotonic() + 120
    while time.monotonic() < end and not list(results.glob("runs/*/*.json")):
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    before = len(list(results.glob("runs/*/*.json")))
    again = _run(place, results, *asked)
    counts = _status(results)
    wrong = "" if counts["ok"] == counts["planned"] and not again.returncode else str(counts)
    return Found({"recorded_before": before, "states": counts}, wrong)


def oversized(place: Place) -> Found:
    """A batch too large for any GPU: one line says memory, and no run is recorded as ok."""
    results = place.scratch / "oversized"
    huge = [word for field in HUGE for word in ("--set", field)]
    done = _run(place, results, "--grid", "none", *huge)
    said = done.stderr + done.stdout
    wrong = "" if done.returncode and "memory" in said else "nothing was said of memory"
    return Found({"exit": done.returncode, "said": said[-2000:]}, wrong)


CHECKS = [
    Check("devices", "as many as torch counts, in its numbers", devices),
    Check(
        "standard-bag",
        "all runs recorded; predicted seconds within a factor of two of the real ones",
        standard_bag,
    ),
    Check("killed", "all runs recorded after SIGKILL and the same command again", killed),
    Check("oversized", "one line that says memory, exit code not 0", oversized, only_gpu=True),
]


def _line(place: Place, results: Path, *options: str) -> list[str]:
    where = ("--results", str(results), "--device", place.device)
    return [*CLI, "run", "--task", "digits", *where, *options]


def _run(place: Place, results: Path, *options: str) -> subprocess.CompletedProcess[str]:
    line = _line(place, results, *options)
    return subprocess.run(line, capture_output=True, text=True, timeout=400, check=False)


def _json(place: Place, results: Path, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_run(place, results, *options, "--json").stdout)
    return found


def _status(results: Path) -> dict[str, int]:
    line = [*CLI, "status", "--results", str(results), "--json"]
    told = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True).stdout
    found: dict[str, int] = json.loads(told)
    return found


def _child(code: str) -> str:
    line = [sys.executable, "-c", code]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=True).stdout
