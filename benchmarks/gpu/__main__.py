"""`python -m benchmarks gpu`: all checks in turn, one line each, and all figures as JSON.

`--device cpu --short` tests the checks themselves without a GPU.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.gpu import as_a_user, images, in_process
from benchmarks.gpu.check import VERDICTS, Place, results

MINUTES = 8.0
# The most important checks come first, in case time runs out.
CHECKS = [*as_a_user.CHECKS, *in_process.CHECKS, *images.CHECKS]


def main(arguments: list[str]) -> int:
    """Exit code 1 if a check broke or its result was not as expected."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks gpu", description=__doc__)
    parser.add_argument("only", nargs="*", help="names of checks; all if left out")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu [cuda]")
    parser.add_argument("--short", action="store_true", help="only enough to show that they work")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="no check begins after [8]")
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    asked = parser.parse_args(arguments)
    names = [check.name for check in CHECKS]
    for name in asked.only:
        if name not in names:
            parser.error(f"there is no check {name!r}; there are {', '.join(names)}")
    chosen = [check for check in CHECKS if not asked.only or check.name in asked.only]
    done = []
    with tempfile.TemporaryDirectory(prefix="tricks-bench-") as scratch:
        place = Place(asked.device, asked.short, Path(scratch))
        for result in results(chosen, place, 60 * asked.minutes):
            print(result, flush=True)
            done.append(result)
    if asked.out is not None:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        told = {**_machine(place), "checks": [result.to_json() for result in done]}
        asked.out.write_text(json.dumps(told, indent=1) + "\n")
    return int(any(result.verdict in VERDICTS[1:3] for result in done))


def _machine(place: Place) -> dict[str, Any]:
    import torch

    from runner.training.outcome import device_name, gpu_versions, versions

    device = torch.device(place.device)
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": device_name(device),
        "short": place.short,
        "platform": platform.platform(),
        "versions": {**versions(), **gpu_versions(device)},
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
