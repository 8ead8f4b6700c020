"""A smoke run on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.commands.console import INTERRUPTED, OUT_OF_TIME, Console
from runner.text import counted

if TYPE_CHECKING:
    from runner.launch.options import Options
    from runner.studies.study import Study


def say_smoke(study: Study, options: Options) -> int:
    """Train every arm for two steps and print the outcome. Returns the exit code of `run`."""
    from runner.launch.smoke import smoke

    console = Console(options, json=False)
    console.say("smoke: every arm for two steps on small images; no record is kept")
    found = smoke(study, options, console)
    summary = found.summary
    if summary.interrupted:
        console.say("interrupted")
        return OUT_OF_TIME if summary.out_of_time else INTERRUPTED
    bad = summary.failed + summary.infra
    trained = summary.ok + summary.diverged
    console.say(f"{counted(found.arms, 'arm')}: {trained:,} trained, {bad:,} failed")
    if found.logs is not None:
        console.say(f"their logs stay in {found.logs}")
    console.say("the report was written" if found.report is None else f"no report: {found.report}")
    return int(bool(bad or found.report))
