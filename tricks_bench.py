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

import importlib.util
from pathlib import Path

for _name in ("runner", "tricks"):
    _spec = importlib.util.find_spec(_name)
    _own = Path(__file__).resolve().parent / _name / "__init__.py"
    if _spec is None or _spec.origin is None or Path(_spec.origin).resolve() != _own:
        _other = _spec.origin if _spec is not None else "nothing"
        raise ImportError(
            f"tricks-bench needs its own package {_name}, but Python finds {_other} under this "
            "name: rename that file"
        ) from None

from runner.analysis.metrics.metric import Metric  # noqa: E402
from runner.api.check import check  # noqa: E402
from runner.api.found import Found, load, run  # noqa: E402
from runner.api.frames import Answer, analyze  # noqa: E402
from runner.api.showing import show  # noqa: E402
from runner.api.study import study  # noqa: E402
from runner.api.tasks import Task, task  # noqa: E402
from tricks import BadInput, Edits, Trick, TrickConflict, load_plugin  # noqa: E402

__all__ = [
    "Answer", "BadInput", "Edits", "Found", "Metric", "Task", "Trick", "TrickConflict",
    "analyze", "check", "load", "load_plugin", "run", "show", "study", "task",
]  # fmt: skip
