"""The table `[script]` of a study's file: the user's training script, and its metrics."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Minutes = Annotated[float, Meta(gt=0, le=1e6)]
Take = Literal["last", "max", "min"]
_PER_CENT = re.compile(r"acc|accuracy|top_?[15]|f1", re.ASCII)
VALIDATION = "val_"
PREFIXES = {"test": "", "validation": VALIDATION}  # role -> the beginning of its columns' names
CHOSEN = ("max", "min")  # values of `take` that choose the best epoch


class ScriptMetric(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """The place of a run's metric: a key of a JSON file, a column of a CSV, or the output.

    file: a pattern of names, such as `{out}/**/summary.csv`; if several files match, the file
    changed last. key: in a JSON file, with nested keys joined by points; in a file of JSON lines, a
    key of each line. column: of a CSV. pattern: a regular expression with one group, searched in
    each line of the output, or of `file`. take: which of several values. scale: a factor, 100 for
    shares. percent: whether the value is a percentage of correct images; by default as its name
    suggests.
    """

    role: Literal["test", "validation"] = "test"
    file: str | None = None
    key: str | None = None
    column: str | None = None
    pattern: str | None = None
    take: Take = "last"
    scale: float = 1.0
    percent: bool | None = None


class ScriptCurves(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """A CSV, or a file of JSON lines, with one row per epoch, and the names of its columns.

    first: the number of the first epoch in the file, if `epoch` names a column. scale: a factor of
    the accuracies.
    """

    file: str
    epoch: str | None = None
    first: int = 0
    loss: str | None = None
    val_loss: str | None = None
    val_accuracy: str | None = None
    probe_accuracy: str | None = None
    lr: str | None = None
    scale: float = 1.0


class Script(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """A command that trains, and its description.

    run: the command, with placeholders. shell: whether it runs through /bin/sh. inputs: files and
    folders whose content is part of a run's id; None: the files that the command names. resume: the
    value of `{resume}` if a run continues. config: the original of the changed copy `{config}`.
    parameters: the user's own placeholders, with their values. environment: variables of every run.
    keep: whether `{out}` stays after a successful run. metric: a single metric, on test images,
    called accuracy. digest: of the inputs at the start of the study; stored with it.
    """

    run: str
    shell: bool = False
    inputs: tuple[str, ...] | None = None
    stall_minutes: Minutes | None = None
    wall_minutes: Minutes | None = None
    grace_seconds: Annotated[float, Meta(ge=0, le=3600)] = 30.0
    resume: str = ""
    config: str = ""
    parameters: dict[str, str | int | float] = {}
    environment: dict[str, str] = {}
    keep: bool = False
    metric: ScriptMetric | None = None
    metrics: dict[str, ScriptMetric] = {}
    curves: ScriptCurves | None = None
    digest: str = ""

    @property
    def found(self) -> dict[str, ScriptMetric]:
        """All metrics by name; `metric` has the name accuracy."""
        lone = {"accuracy": self.metric} if self.metric is not None else {}
        return {**lone, **self.metrics}

    def of(self, role: str) -> dict[str, ScriptMetric]:
        """The metrics with a role, by their names in tables without `val_`."""
        return {
            name.removeprefix(VALIDATION): metric
            for name, metric in self.found.items()
            if metric.role == role
        }

    def accuracy(self, role: str) -> str | None:
        """The name of the first metric with this role that is a percentage."""
        return next(
            (name for name, metric in self.of(role).items() if per_cent(name, metric)), None
        )

    @property
    def main(self) -> str:
        """The column of tables that decides about the study."""
        for role, start in PREFIXES.items():
            if self.of(role):
                return start + ("accuracy" if self.accuracy(role) else next(iter(self.of(role))))
        return f"{VALIDATION}accuracy"

    def remarks(self) -> dict[str, str]:
        """Column -> `best epoch`, for metrics that do not come from the last epoch."""
        said = {}
        for role, start in PREFIXES.items():
            for name, metric in self.of(role).items():
                if metric.take in CHOSEN:
                    said[start + name] = "best epoch"
                    if name == self.accuracy(role):
                        said[f"{start}accuracy"] = "best epoch"
        return said


def per_cent(name: str, metric: ScriptMetric) -> bool:
    """Whether a metric with this name is a percentage of correct images.

    >>> per_cent("top1", ScriptMetric()), per_cent("loss", ScriptMetric())
    (True, False)
    """
    if metric.percent is not None:
        return metric.percent
    return any(_PER_CENT.fullmatch(part) for part in re.split(r"[_\W]+", name.lower()))
