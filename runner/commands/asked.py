"""The flags of `run` that describe a study, and the study they describe."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runner.commands.asked_script import with_script
from runner.commands.options import assignments, listed, listed_fields
from runner.designs.levels import choose_levels
from runner.inference.starts import with_files
from runner.tasks import registry as tasks
from runner.tasks.csv_name import file_and_column
from tricks.errors import BadInput, unknown

if TYPE_CHECKING:
    from runner.studies.asked import Asked, EngineKeys
    from runner.studies.script_study import ScriptStudy
    from runner.studies.study import Study


@dataclass(frozen=True, kw_only=True)
class StudyFlags:
    """The flags as typed, by their names; None: not given."""

    task: str | None = None
    grid: str | None = None
    tricks: str | None = None
    factor: Sequence[str] | None = None
    set: Sequence[str] | None = None
    seeds: int | None = None
    runs: int | None = None
    placebo: bool = False
    control_seeds: str | None = None
    study: str | None = None
    reference: Sequence[str] | None = None
    order: str | None = None
    tune: Sequence[str] | None = None
    tune_seeds: int | None = None
    equal: str | None = None
    until: str | None = None
    looks: int | None = None
    confirm: bool = False
    name: str | None = None
    data: Path | None = None
    group_by: str | None = None
    script: str | None = None
    level: Sequence[str] | None = None
    metric: Sequence[str] | None = None

    @property
    def another(self) -> bool:
        """Whether a flag is given that --confirm cannot take, as it would change the study."""
        return self.placebo or any(
            flag is not None
            for flag in (
                self.task, self.grid, self.tricks, self.factor, self.set, self.reference,
                self.order, self.tune, self.until, self.looks, self.runs, self.control_seeds,
                self.equal, self.script, self.level, self.metric,
            )
        )  # fmt: skip


def asked_study(flags: StudyFlags, results: Path) -> Study:
    """The study of recipes that the flags describe. Raises BadInput if it is impossible."""
    return of_recipes(any_study(flags, results), "this command is")


def engine_keys(flags: StudyFlags, results: Path) -> EngineKeys:
    """The engine's keys in the study's file. Raises BadInput for a file that cannot be read."""
    from runner.studies.asked import EngineKeys

    if flags.study is None or flags.confirm:
        return EngineKeys()
    said = _named(flags, results)[0].engine
    return EngineKeys(name=said) if isinstance(said, str) else said


def of_recipes(study: Study | ScriptStudy, beginning: str) -> Study:
    """`study` itself. For a study of a script raises BadInput that begins with `beginning`."""
    from runner.studies.study import Study

    if not isinstance(study, Study):
        raise BadInput(f"{beginning} for studies of recipes: {study.name} is a study of a script")
    return study


def any_study(flags: StudyFlags, results: Path) -> Study | ScriptStudy:
    """The study that the flags describe. Raises BadInput for flags that cannot be met.

    If the mistake is in the study's file, the message begins with the file's name.
    """
    from runner.studies.building import built
    from runner.studies.recorded import placebo_of

    written, file = _named(flags, results)
    asked, data = with_script(copy.deepcopy(written), flags), flags.data
    if asked.script is not None:
        asked.task = flags.task or asked.task
    elif flags.task in (None, "folder", "csv"):  # --task may itself name the folder or the CSV
        asked.task, data = tasks.placed(flags.task or asked.task, data, asked.layout)
        written.task = asked.task
    else:
        asked.task = str(flags.task)
    asked.task = _grouped(asked.task, flags.group_by)
    asked = _with_flags(asked, flags)
    asked = asked if asked.script is not None else with_files(asked, results)
    try:
        found = built(asked, data)
        held = placebo_of(found.name, results)
        if held in ("", asked.placebo_level):
            return found
        asked.placebo_level = held
        return built(asked, data)
    except BadInput as error:
        if file is None:
            raise
        try:
            built(written, data)
        except BadInput as same:
            if str(same) == str(error):
                raise BadInput(f"{file}: {str(error).removeprefix('--')}") from error
        raise


def _with_flags(asked: Asked, flags: StudyFlags) -> Asked:
    """`asked` with the flags applied, except the task's."""
    given = {
        "name": flags.name,
        "seeds": flags.seeds,
        "runs": flags.runs,
        "control_seeds": flags.control_seeds,
        "tricks": listed(flags.tricks),
        "order": None if flags.order is None else listed(flags.order) or [],
        "until": flags.until,
        "looks": flags.looks,
        "tune_seeds": flags.tune_seeds,
        "equal": flags.equal,
    }
    given = {key: value for key, value in given.items() if value is not None}
    reference = asked.reference | assignments("--reference", flags.reference)
    settings = asked.set | assignments("--set", flags.set)
    fields = listed_fields("--factor", flags.factor)
    gone = [name for name in asked.factor if fields.get(name) == ["none"]]
    fields = {k: v for k, v in (asked.factor | fields).items() if k not in gone}
    levels, factor = choose_levels(asked.levels, fields)
    return msgspec.structs.replace(
        asked,
        **given,
        grid=flags.grid or asked.grid,
        placebo=asked.placebo or flags.placebo,
        reference=reference,
        set=settings,
        levels=levels,
        factor=factor,
        tune=listed_fields("--tune", flags.tune) or asked.tune,
    )


def _grouped(task: str, column: str | None) -> str:
    """The task's name with the column that groups its images; see `csv_task`."""
    if column is None:
        return task
    if not task.startswith("csv:"):
        raise BadInput(
            f"--group-by names a column of --task csv:PATH: the task {task} has no columns"
        )
    return f"csv:{file_and_column(task.removeprefix('csv:'))[0]}#{column}"


def _named(flags: StudyFlags, results: Path) -> tuple[Asked, Path | None]:
    """The study that --study or --confirm names; its file (given, stored or shipped), if any."""
    from runner.studies.asked import Asked, from_stored, read, shipped

    study = flags.study
    if flags.confirm:
        from runner.launch.confirm import confirming

        return confirming(study, results, flags.another), None
    if study is None:
        return Asked(), None
    if study.endswith(".toml") or "/" in study:
        return read(Path(study)), Path(study)
    from runner.records.store import existing
    from runner.records.studies import known_study, study_names

    store = existing(results)
    held = known_study(store, study)
    if store is not None and held is not None:
        file = store.root / "studies" / study / "study.toml"
        return from_stored(held.asked, file), file
    if study in shipped():
        asked = read(shipped()[study])
        asked.name = asked.name or study
        return asked, shipped()[study]
    known = [*shipped(), *(study_names(store) if store else ())]
    if not known:
        raise BadInput(f"unknown study {study!r}: name a TOML file, such as {study}.toml")
    raise unknown("study", study, known)
