"""Check a baseline from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from runner.api.found import Found
from runner.api.study import study as asked_study
from tricks.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from runner.designs.field import Scalar
    from runner.launch.outcome import Outcome
    from runner.planning.checked import Checked
    from runner.records.json_values import JsonValue
    from runner.studies.script_study import ScriptStudy
    from runner.studies.study import Study

CHECKS = ("name", "verdict", "value", "ci_low", "ci_high", "limit", "unit", "reason", "command")


class How(TypedDict, total=False):
    """The baseline's settings if no study is given, and those of `run`; see `study`, `run`."""

    task: str
    settings: Mapping[str, Scalar]
    data: str | Path
    workers: int
    device: str
    plugins: Sequence[str | Path]
    allow_duplicates: bool


@dataclass(frozen=True)
class BaselineCheck:
    """The findings of a baseline's check. whole: the typed findings. runs: its recorded runs."""

    whole: Checked
    found: Found

    @property
    def passed(self) -> bool:
        """Whether every part that has a verdict passes."""
        return self.whole.passed

    @property
    def runs(self) -> pd.DataFrame:
        """One row per recorded run of the check."""
        return self.found.runs

    @property
    def outcome(self) -> Outcome | None:
        """The outcome of the check's training."""
        return self.found.outcome

    @cached_property
    def checks(self) -> pd.DataFrame:
        """One row per part: verdict, value, interval, limit, and the command that fixes it."""
        import pandas as pd

        return pd.DataFrame(self.to_json()["checks"], columns=list(CHECKS))

    def to_json(self) -> Mapping[str, JsonValue]:
        """What `tricks-bench check --json` prints."""
        return self.whole.to_json()

    def __repr__(self) -> str:
        from runner.commands.check import finding_lines

        return "\n".join(finding_lines(self.whole))


def check(
    study: Study | ScriptStudy | None = None,
    results: str | Path = "results",
    *,
    seeds: int | None = None,
    quiet: bool = False,
    **how: Unpack[How],
) -> BaselineCheck:
    """Whether the baseline of `study`, or of a task with settings, is worth ablating.

    Trains some short runs, unless the store `results` has them, on seeds that no study uses.
    Compares with simple methods on the same split. All results are on validation. seeds: of the
    baseline, and of the baseline with twice its epochs; by default 5. Raises BadInput for a
    baseline that cannot be trained.
    """
    from runner.commands.console import Console
    from runner.commands.options import load_plugins
    from runner.execution.machine import at_a_time
    from runner.launch.check import check as launch
    from runner.launch.check import findings
    from runner.launch.listener import Silent
    from runner.launch.options import Options
    from runner.studies.check import check_of
    from runner.studies.study import Study

    files = load_plugins([Path(plugin) for plugin in how.get("plugins", ())])
    asked = study or asked_study(
        how.get("task", "digits"), settings=how.get("settings"), data=how.get("data")
    )
    if not isinstance(asked, Study):
        raise BadInput(
            "a check is for studies of recipes: it cannot check the baseline of a script"
        )
    found = check_of(asked, study is not None, None, seeds)
    device = how.get("device", "auto")
    place = Path(results)
    options = Options(
        place, at_a_time(how.get("workers"), None, device), device, files,
        allow_duplicates=how.get("allow_duplicates", False),
    )  # fmt: skip
    outcome = launch(found, options, Silent() if quiet else Console(options, json=False))
    whole = findings(found, place, asked.seeds)
    return BaselineCheck(whole, Found(found.name, place, outcome))
