"""The table `[script]` of a study's file: a training script of one's own, and its metrics."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Minutes = Annotated[float, Meta(gt=0, le=1e6)]
Take = Literal["last", "max", "min"]
_PER_CENT = re.compile(r"acc|accuracy|top_?[15]|f1", re.ASCII)
VALIDATION = "val_"
CHOSEN = ("max", "min")  # of `take`: the best epoch's value


class ScriptMetric(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """Where a metric of a run is read: a key of a JSON file, a column of a CSV, or the output.

    file: a pattern of names, `{out}/**/summary.csv`; of several files the one changed last. key:
    in a JSON file, nested ones joined by points; of a file of JSON lines in each line. column: of a
    CSV. pattern: a regular expression with one group, searched in each line of the output, or of
    `file`. take: which of several values. scale: a factor, 100 for shares. percent: whether the
    value is a percentage of images right; by default as its name suggests.
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
    """A CSV, or a file of JSON lines, with one row an epoch, and the columns of what it tells.

    first: the number of the first epoch in the file, where `epoch` names a column. scale: a factor
    of the accuracies.
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
    """A command that trains, and what is known of it.

    run: the command, with placeholders. shell: whether it goes through /bin/sh. inputs: files and
    folders whose content is part of a run's id; None: the files that the command names. resume:
    what `{resume}` stands for where a run goes on. config: the file that `{config}` is a changed
    copy of. parameters: placeholders of one's own, with their values. environment: variables of
    every run. keep: whether `{out}` stays after a run that went well. metric: a lone one, of test
    images, called accuracy. digest: of the inputs, as the study was begun; kept by the store.
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
        """All metrics by name, the lone one as accuracy."""
        lone = {"accuracy": self.metric} if self.metric is not None else {}
        return {**lone, **self.metrics}

    def of(self, role: str) -> dict[str, ScriptMetric]:
        """The metrics of a role, by their names in tables without `val_`."""
        return {
            name.removeprefix(VALIDATION): metric
            for name, metric in self.found.items()
            if metric.role == role
        }

    def accuracy(self, role: str) -> str | None:
        """The name, among those `of` the role, of the first that is a percentage."""
        return next(
            (name for name, metric in self.of(role).items() if per_cent(name, metric)), None
        )

    @property
    def main(self) -> str:
        """The column of tables that the study is judged by."""
        if self.accuracy("test"):
            return "accuracy"
        if self.of("test"):
            return next(iter(self.of("test")))
        return (
            "val_accuracy"
            if self.accuracy("validation")
            else VALIDATION + next(iter(self.of("validation")), "accuracy")
        )

    def remarks(self) -> dict[str, str]:
        """Column -> `best epoch`, of metrics that are not those of the last epoch."""
        said = {}
        for role, start in (("test", ""), ("validation", VALIDATION)):
            for name, metric in self.of(role).items():
                if metric.take in CHOSEN:
                    said[start + name] = "best epoch"
                    if name == self.accuracy(role):
                        said[f"{start}accuracy"] = "best epoch"
        return said


def per_cent(name: str, metric: ScriptMetric) -> bool:
    """Whether a metric of this name is a percentage of images right.

    >>> per_cent("top1", ScriptMetric()), per_cent("loss", ScriptMetric())
    (True, False)
    """
    if metric.percent is not None:
        return metric.percent
    return any(_PER_CENT.fullmatch(part) for part in re.split(r"[_\W]+", name.lower()))
