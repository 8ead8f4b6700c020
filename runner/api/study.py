"""Build a study from Python values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from runner.designs.add_one import AddOne
from tricks.errors import BadInput
from tricks.trick import Trick

if TYPE_CHECKING:
    from runner.designs.field import Scalar
    from runner.records.json_values import JsonValue
    from runner.studies.script_study import ScriptStudy
    from runner.studies.study import Study
    from runner.tasks.task import Task


class Keys(TypedDict, total=False):
    """The other keys of a study file, see `runner.studies.asked.Asked`, and `results`."""

    name: str
    factor: Mapping[str, Sequence[Scalar]]
    levels: Mapping[str, Mapping[str, str]]
    runs: int
    placebo: bool
    control_seeds: int | str
    reference: Mapping[str, str]
    order: Sequence[str]
    until: str
    looks: int
    tune: Mapping[str, Sequence[Scalar]]
    tune_seeds: int
    equal: str
    script: str | Mapping[str, JsonValue]
    results: str | Path


def study(
    task: str | Task = "digits",
    tricks: Sequence[str | Trick] | None = None,
    grid: str = AddOne.name,
    seeds: int | None = None,
    settings: Mapping[str, Scalar] | None = None,
    data: str | Path | None = None,
    **keys: Unpack[Keys],
) -> Study | ScriptStudy:
    """A study: the arms and seeds of a grid on a task. Nothing is trained yet.

    task: a task's name, or the result of `tb.Task.from_datasets`. tricks: text such as
    `"mixup(alpha=0.4)"`, or Trick objects; None: the standard bag; []: none. settings: recipe field
    -> value in all arms, as `--set`. data: the folder of data sets, or the folder of images for the
    task `folder`. keys: the keys of a study file, such as `factor={"lr_scale": [0.5, 1, 2]}`, and
    `results`: the store of a run whose id `start` names. `script`, with `levels`, replaces task and
    tricks by your own training script: its command, or the keys of `[script]` in a study file.
    Raises BadInput for a study that is impossible.

    >>> found = study(tricks=["cosine", "mixup"], seeds=3, settings={"epochs": 5})
    >>> found.name, found.design.count, found.runs
    ('digits-add-one', 3, 9)
    """
    from runner.inference.starts import with_files
    from runner.records.layout import RESULTS
    from runner.studies.asked import from_keys
    from runner.studies.building import built
    from runner.tasks.registry import placed

    results = Path(keys.pop("results", RESULTS))
    script = keys.get("script")
    if isinstance(script, str):
        keys["script"] = {"run": script}
    asked_for = task if isinstance(task, str) else task.name
    name, place = placed(asked_for, None if data is None else Path(data))
    # The values of a TypedDict are JSON values, which mypy does not see.
    asked: Any = {
        "task": name,
        "tricks": None if tricks is None else [_text(trick) for trick in tricks],
        "grid": grid,
        "seeds": seeds,
        "set": dict(settings or {}),
        **keys,
    }
    return built(with_files(from_keys(asked, "tb.study"), results), place)


def _text(trick: str | Trick) -> str:
    """A trick as text. Raises BadInput for a trick that training processes could not load."""
    if isinstance(trick, Trick) and type(trick).__module__ == "__main__":
        raise BadInput(
            f"{trick} is defined in the script itself, where training processes cannot find it: "
            'put its class into a file of its own and load that with tb.load_plugin("FILE.py")'
        )
    return str(trick)
