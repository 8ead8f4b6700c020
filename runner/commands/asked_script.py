"""The flags of `run` that describe a script; a study's file has the same keys."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Annotated

import typer

from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.commands.asked import StudyFlags
    from runner.records.script_toml import ScriptMetric
    from runner.studies.asked import Asked

ScriptCommand = Annotated[
    str | None,
    typer.Option(
        help="Run your own training script instead of tricks: 'python train.py {arguments} "
        "--seed {seed} --output {out}'."
    ),
]
ScriptLevels = Annotated[
    list[str] | None,
    typer.Option(
        help="For --script: FACTOR.LEVEL='arguments', such as mixup.on='--mixup 0.2'. The "
        "reference level is off, or else the first level named. Repeatable."
    ),
]
ScriptMetrics = Annotated[
    list[str] | None,
    typer.Option(
        help='For --script: top1={file="{out}/result.json", key="top1"}. For a CSV: column '
        "instead of key; for printed output: only a pattern. Repeatable."
    ),
]
LEVEL = re.compile(r"([^.=]+)\.([^=]+)=(.*)", re.DOTALL)
METRIC = re.compile(r"(?:([A-Za-z0-9_]+)=)?(\{.*\})", re.DOTALL)


def with_script(asked: Asked, flags: StudyFlags) -> Asked:
    """`asked` with the script, the levels and the metrics that the flags give.

    Raises BadInput for levels or metrics without a script, and for wrong syntax.
    """
    from msgspec.structs import replace

    from runner.records.script_toml import Script

    script = asked.script
    if flags.script is not None:
        script = Script(run=flags.script) if script is None else replace(script, run=flags.script)
    if script is None:
        for flag, given in (("--level", flags.level), ("--metric", flags.metric)):
            if given:
                raise BadInput(
                    f"{flag} is for a script: give --script 'python train.py {{arguments}}'"
                )
        return asked
    levels = {name: dict(texts) for name, texts in asked.levels.items()}
    for text in flags.level or ():
        found = LEVEL.fullmatch(text)
        if found is None:
            raise BadInput(f"--level {text}: write it as --level FACTOR.LEVEL='arguments'")
        factor, level = found[1].strip(), found[2].strip()
        levels.setdefault(factor, {})[level] = found[3]
    for text in flags.metric or ():
        parts = METRIC.fullmatch(text.strip())
        if parts is None:
            raise BadInput(
                f'--metric {text}: write it as --metric \'top1={{file = "{{out}}/result.json", '
                'key = "top1"}\' (column for a CSV, pattern for the output)'
            )
        metric = _metric(parts[2], f"--metric {text}")
        if parts[1] is None:
            script = replace(script, metric=metric)
        else:
            script = replace(script, metrics={**script.metrics, parts[1]: metric})
    return replace(asked, script=script, levels=levels)


def _metric(text: str, where: str) -> ScriptMetric:
    """The metric that an inline table of TOML describes. Raises BadInput for anything else."""
    import msgspec

    from runner.records.script_toml import ScriptMetric

    try:
        return msgspec.convert(tomllib.loads(f"metric = {text}")["metric"], ScriptMetric)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise BadInput(f"{where}: {error}") from error
