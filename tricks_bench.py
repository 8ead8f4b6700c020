"""tricks-bench from Python: which training tricks help, by how much, and how sure is that?

import tricks_bench as tb

study = tb.study(task="digits", tricks=["cosine", "mixup"], seeds=3, settings={"epochs": 5})
tb.check(study)                               # is the baseline worth ablating?
found = tb.run(study, results="results")      # recorded runs are not trained again
found.runs                                    # a DataFrame, one row per run
found.analysis("accuracy").effects            # a DataFrame, one row per effect
found.plot.effects()                          # a matplotlib figure
found.report("reports/digits")                # the path of report.md

tb.analyze(dataframe, factors=["warmup", "mixup"])      # runs of any other tool
print(tb.show("baseline+mixup+cosine"))                 # a recipe, and what a trick changes
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.analysis.metrics.metric import Metric
    from runner.api.check import check
    from runner.api.found import Found, load, run
    from runner.api.frames import Answer, analyze
    from runner.api.showing import show
    from runner.api.study import study
    from runner.api.tasks import Task, task
    from tricks import BadInput, Edits, Trick, TrickConflict, load_plugin

__all__ = [
    "Answer", "BadInput", "Edits", "Found", "Metric", "Task", "Trick", "TrickConflict",
    "analyze", "check", "load", "load_plugin", "run", "show", "study", "task",
]  # fmt: skip

# Name -> its module. A name is imported at its first use: pandas and scipy take a second.
_MODULES = {
    "Metric": "runner.analysis.metrics.metric",
    "check": "runner.api.check",
    **dict.fromkeys(("Found", "load", "run"), "runner.api.found"),
    **dict.fromkeys(("Answer", "analyze"), "runner.api.frames"),
    "show": "runner.api.showing",
    "study": "runner.api.study",
    **dict.fromkeys(("Task", "task"), "runner.api.tasks"),
    **dict.fromkeys(("BadInput", "Edits", "Trick", "TrickConflict", "load_plugin"), "tricks"),
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"tricks_bench has no {name}; it has {', '.join(__all__)}")
        _check_packages()
        return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def main() -> None:
    """The command line."""
    try:
        _check_packages()
    except ImportError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    from runner.cli import main

    main()


def _check_packages() -> None:
    """Raises ImportError if another package or file is in the way of one of ours."""
    for name in ("runner", "tricks"):
        spec = importlib.util.find_spec(name)
        own = Path(__file__).resolve().parent / name / "__init__.py"
        if spec is None or spec.origin is None or Path(spec.origin).resolve() != own:
            other = spec.origin if spec is not None else "nothing"
            raise ImportError(
                f"tricks-bench needs its own package {name}, but Python finds {other} under this "
                "name: rename that file"
            )
