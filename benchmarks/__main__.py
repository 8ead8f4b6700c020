"""`python -m benchmarks`: the share of training in a grid's time, and the cost of the rest.

All measurements are made on this machine, in repeated pairs, and go into one table of figures with
their spread. Names of files in benchmarks/speed choose some of them. `gpu` and `workers` are
separate programs: see benchmarks/gpu and benchmarks/workers.py.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import benchmarks.speed
from benchmarks.ratio import Conditions, table


def names() -> list[str]:
    """The names of all measurements."""
    return [module.name for module in pkgutil.iter_modules(benchmarks.speed.__path__)]


def main() -> int:
    if sys.argv[1:2] == ["gpu"]:
        from benchmarks.gpu.__main__ import main as gpu

        return gpu(sys.argv[2:])
    if sys.argv[1:2] == ["workers"]:
        from benchmarks.workers import main as workers

        return workers()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.partition("\n\n")[0]
    )
    parser.add_argument("name", nargs="*", help=f"some of: {', '.join(names())}; all if left out")
    parser.add_argument("--repeats", type=int, default=5, help="paired measurements [5]")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where images are [data]")
    parser.add_argument("--out", type=Path, help="the JSON file to write; it keeps other figures")
    asked = parser.parse_args()
    unknown = [name for name in asked.name if name not in names()]
    if unknown:
        parser.error(f"there is no measurement {unknown[0]!r}; there are {', '.join(names())}")
    if asked.repeats < 1:
        parser.error("--repeats must be at least 1")
    # The template of a grid does not look into the current folder, where this package lies.
    root, path = str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([root, path] if path else [root])
    rows: list[dict[str, Any]] = []
    for name in asked.name or names():
        print(f"{name} …", file=sys.stderr, flush=True)
        began, load = time.perf_counter(), os.getloadavg()[0]
        module = importlib.import_module(f"benchmarks.speed.{name}")
        with tempfile.TemporaryDirectory(prefix="tricks-bench-") as scratch:
            conditions = Conditions(asked.repeats, Path(scratch), asked.data.absolute())
            found = [{"measurement": name, **row.to_json()} for row in module.measure(conditions)]
        rows += found
        seconds = time.perf_counter() - began
        print(f"{table(found)}\n{name}: {seconds:.0f} s, load {load:.1f} before", file=sys.stderr)
    print(table(rows))
    if asked.out is not None:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps({**_machine(), "rows": _kept(asked.out, rows)}, indent=1))
        print(f"written to {asked.out}", file=sys.stderr)
    return 0


def _kept(path: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`rows`, and kept rows of measurements that were not repeated, in the order of names."""
    made = {row["measurement"] for row in rows}
    before = json.loads(path.read_text())["rows"] if path.exists() else []
    every = rows + [row for row in before if row["measurement"] not in made]
    return sorted(every, key=lambda row: names().index(row["measurement"]))


def _machine() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": len(os.sched_getaffinity(0)),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "torchvision": version("torchvision"),
        "load_before": [round(x, 2) for x in os.getloadavg()],
    }


if __name__ == "__main__":
    sys.exit(main())
