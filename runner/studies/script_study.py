"""ScriptStudy: the grid of the user's own training script. Torch-free."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from runner.designs import registry as designs
from runner.designs.factor import Arm, Factor, arm_levels
from runner.designs.field import FieldValue, Scalar, field_text
from runner.records.json_values import JsonValue
from runner.records.script_toml import Script
from runner.records.study_toml import StudyToml
from runner.scripts import command, metrics
from runner.scripts.inputs import digest, digests, inputs
from runner.scripts.spec import ScriptSpec
from runner.studies.any_study import AnyStudy
from runner.studies.asked import Asked
from runner.studies.confirm import winner_design
from runner.studies.equal_time import FIELD as EPOCHS
from runner.studies.equal_time import asked_equal_time, check_base
from runner.studies.looks import asked_looks, asked_seeds
from runner.studies.notes import design_notes
from runner.studies.script_factors import (
    check_parameter,
    check_together,
    check_used,
    script_factors,
    text,
)
from runner.studies.seeds import control_seeds
from runner.studies.study_name import study_name
from runner.studies.tuning import one_tuned, tune_seeds
from runner.studies.tuning_budget import Tuning
from tricks.errors import BadInput
from tricks.recipe import Recipe

if TYPE_CHECKING:
    from runner.records.spec import Fingerprint

TASK = "script"
NO_EPOCHS = (
    "--equal time gives each arm its own epochs: put {epochs} into script.run, and its usual "
    "value into [script.parameters]"
)
NO_SEED = (
    "script.run has no placeholder {seed}: unless the script draws its own seed, all seeds of "
    "an arm will give the same result"
)


@dataclass(frozen=True, kw_only=True)
class ScriptStudy(AnyStudy[ScriptSpec]):
    """A study whose runs each call `script` in `folder`. inputs: the script's files and folders."""

    script: Script
    folder: Path
    inputs: tuple[str, ...] = ()

    @property
    def task_name(self) -> str:
        return task_name(self.script, self.folder)

    @property
    def pilot(self) -> str:
        return "a first run with several --seeds"

    @property
    def epochs(self) -> int:
        """The parameter `epochs`. Raises BadInput if it is not a number of epochs."""
        epochs = self.script.parameters.get(EPOCHS)
        if epochs is None:
            raise BadInput(NO_EPOCHS)
        if not re.fullmatch("[1-9][0-9]*", str(epochs)):
            raise BadInput(
                f"--equal time: the parameter epochs must be a whole number, not {epochs}"
            )
        return int(epochs)

    @cached_property
    def digest(self) -> str:
        """The digest of all inputs as they are now. Raises BadInput for an unreadable input."""
        return digest(digests(self.inputs, self.folder))

    @cached_property
    def identity(self) -> Fingerprint:
        """The command, the metrics that are read, and the digest of the inputs."""
        script = self.script
        # A metric's field that is added later must be left out here at its default, to keep ids.
        found = {name: structs.asdict(metric) for name, metric in script.found.items()}
        whole: dict[str, JsonValue] = {
            "task": TASK,
            "run": script.run,
            "shell": script.shell,
            "resume": script.resume,
            "config": script.config,
            "environment": dict(script.environment),
            "inputs": self.digest,
            "metrics": found,
        }
        return {name: value for name, value in whole.items() if value}

    def spec(
        self, arm: Arm, seed: int, changes: Mapping[str, FieldValue] | None = None
    ) -> ScriptSpec:
        """The run of `arm` with `seed`, with `changes` of parameters."""
        levels = arm_levels(self.factors, arm)
        change = command.edits(word for level in levels for word in level.words)
        known = command.parameter_texts(self.script)
        own = {name: field_text(value) for name, value in (changes or {}).items()}
        whole = {**known, **own, **change.parameters}
        change = command.Edits(
            change.arguments, change.environment, change.config, whole, change.stream
        )
        names = [
            factor.name if level.name == "on" else f"{factor.name}={level.name}"
            for factor, level, place in zip(self.factors, levels, arm, strict=True)
            if place
        ]
        names += [f"{name}={text}" for name, text in own.items() if text != known.get(name)]
        return ScriptSpec(self.identity, change, seed, tuple(names))

    def as_stored(self) -> StudyToml:
        """The request, with the digest of the inputs."""
        return structs.replace(
            super().as_stored(), script=structs.replace(self.script, digest=self.digest)
        )


def task_name(script: Script, folder: Path) -> str:
    """`script:train.py`, from the first file that the command names."""
    for word in command.words(script.run, "script.run"):
        if (folder / word).is_file() and not Path(word).is_absolute():
            return f"{TASK}:{Path(word).name}"
    return TASK


def build_script(asked: Asked, folder: Path | None = None) -> ScriptStudy:
    """The study that `asked` describes, of a script that runs in `folder` (None: here).

    Raises BadInput for a request that is impossible.
    """
    script, folder = asked.script, folder or Path.cwd()
    assert script is not None
    _check_keys(asked)
    script = _with_settings(script, asked.set)
    command.check(script)
    metrics.check(script)
    flags = {"--tune": asked.tune, "--until": asked.until, "--confirm": asked.confirm}
    check_chooses(script, [flag for flag, given in flags.items() if given])
    seeds = asked_seeds(asked, designs.find(asked.grid))
    looks = asked_looks(asked, seeds)
    factors = script_factors(script, asked)
    check_used(script, factors)
    design = designs.make(
        asked.grid, factors, Recipe(), asked.reference, asked.order,
        asked.runs, control_seeds(asked.control_seeds, seeds),
    )  # fmt: skip
    if asked.confirm:
        design = winner_design(asked.confirm, factors)
    used = [script.run, script.resume, *script.environment.values()]
    used += [word for factor in factors for level in factor.levels for word in level.words]
    seeded = any("seed" in command.placeholders(text) for text in used)
    notes = [] if seeded else [NO_SEED]
    study = ScriptStudy(
        name=study_name(asked, Path(task_name(script, folder).partition(":")[2] or TASK).stem),
        design=design,
        seeds=seeds,
        fields={name: [text(value) for value in values] for name, values in asked.factor.items()},
        levels=asked.levels,
        settings={name: text(value) for name, value in asked.set.items()},
        notes=(*notes, *design_notes(design, factors, seeds)),
        tuning=_tuning(script, asked, factors),
        looks=looks,
        confirm=asked.confirm,
        equal_time=asked_equal_time(asked, factors),
        script=script,
        folder=folder,
        inputs=inputs(script, folder),
    )
    check_together(factors)
    if study.equal_time:
        check_base(study)
        _ = study.epochs  # raises BadInput if the script has no such parameter
    return study


def check_chooses(script: Script, flags: Sequence[str]) -> None:
    """Raises BadInput if a flag makes choices, but no validation metric exists to choose by."""
    for flag in flags:
        if script.accuracy("validation") is None:
            raise BadInput(
                f"{flag} chooses, and choices are made on validation images: give a metric of "
                'role = "validation" in per cent, [script.metrics.val_top1]'
            )


def _check_keys(asked: Asked) -> None:
    given = {
        "tricks": asked.tricks, "layout": asked.layout, "check": asked.check,
        "proxy": asked.proxy,
        "task": asked.task not in ("digits", "") and not asked.task.startswith(TASK),
    }  # fmt: skip
    for key, value in given.items():
        if value:
            raise BadInput(f"{key} is for studies of recipes: use levels instead")


def _with_settings(script: Script, settings: Mapping[str, Scalar]) -> Script:
    """The script with the parameters of `--set`."""
    for name in settings:
        if name in command.OWN or not command.takes(script, name):
            check_parameter(script, name, f"--set {name}")
    plain = {name: text(value) for name, value in settings.items()}
    return structs.replace(script, parameters={**script.parameters, **plain})


def _tuning(script: Script, asked: Asked, factors: Sequence[Factor]) -> Tuning | None:
    """The request of `--tune`: candidates for a numeric parameter."""
    tuned = one_tuned(asked, "parameter", "lr=0.1,0.2")
    if tuned is None:
        return None
    name, given = tuned
    where = f"--tune {name}"
    check_parameter(script, name, where)
    for factor in factors:
        sets = (command.edits(level.words).parameters for level in factor.levels)
        if factor.name == "stage" or any(name in found for found in sets):
            raise BadInput(
                f"{where}: the factor {factor.name} is in conflict with the tuning: rename it, or "
                "tune another parameter"
            )
    values = tuple(_number(value, where) for value in given)
    if len(set(values)) < max(2, len(values)):
        raise BadInput(f"{where} needs two or more different values, such as {name}=0.1,0.2")
    return Tuning(name, values, tune_seeds(asked), _number(script.parameters[name], where))


def _number(value: Scalar, where: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise BadInput(f"{where}: only numbers can be tuned, but {value!r} is no number") from None
