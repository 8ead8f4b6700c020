"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.designs.field import Scalar
    from runner.studies.study import Study

Results = Annotated[Path, typer.Option("--results", help="The store that all studies share.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", help="A Python file that defines tricks or metrics. Repeatable."),
]
TaskName = Annotated[str, typer.Option("--task", help="The task: see `tricks-bench list tasks`.")]
AllowDuplicates = Annotated[
    bool,
    typer.Option(
        "--allow-duplicates", help="Train even if an image is in two parts of your own split."
    ),
]
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="The folder of the data sets. [default: ./data]")
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be trained, and exit.")]
Name = Annotated[str | None, typer.Argument(help="The study. [default: the latest]")]
Metric = Annotated[
    str,
    typer.Option(
        "--metric", help="The metric to analyze: accuracy, val_accuracy, top5, nll, loss, …"
    ),
]
Negligible = Annotated[
    float | None,
    typer.Option("--negligible", help="Effects up to this size are negligible. [default: 0.2 pp]"),
]
Noise = Annotated[
    str,
    typer.Option("--noise", help="own (each arm has its own sd) or equal (one sd for all arms)."),
]
Scale = Annotated[
    str, typer.Option("--scale", help="raw, or logit (log-odds of accuracies, with odds ratios).")
]

Runs = Annotated[
    list[str],
    typer.Argument(
        help="A run's id (its first characters are enough), a study (its best arm on "
        "validation), or a model file. With .best after an id or study: the best epoch. "
        "The probabilities of several models are averaged.",
        metavar="RUN...",
    ),
]
Sets = Annotated[
    Path | None,
    typer.Option(
        "--data-sets", help="The folder of the data sets, if --data is a task. [default: ./data]"
    ),
]
TTA = Annotated[
    str | None,
    typer.Option(
        "--tta",
        help="Test-time augmentation: flip, shift, none, or another trick of this kind. "
        "[default: as the recipe says]",
    ),
]
Stage = Annotated[
    str | None,
    typer.Option(
        "--stage",
        help="For a tuned study: fixed (one value for all arms) or tuned (each arm's own "
        "value). For a study of equal time: fixed or equal-time. [default: the last stage "
        "that all arms have reached]",
    ),
]


def load_plugins(plugins: list[Path] | None) -> tuple[str, ...]:
    """Load each plug-in. Returns the absolute paths, so that worker processes can load them too."""
    from tricks.loading import load_plugin

    for plugin in plugins or []:
        load_plugin(plugin)
    return tuple(str(plugin.resolve()) for plugin in plugins or [])


def assignments(flag: str, texts: Sequence[str] | None) -> dict[str, str]:
    """`["epochs=5", ...]` -> {"epochs": "5"}. Raises BadInput for anything but name=value."""
    found: dict[str, str] = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not (equals and name.strip() and value.strip()):
            raise BadInput(f"{flag} {text}: write it as {flag} name=value")
        if name.strip() in found:
            raise BadInput(f"{flag} names {name.strip()} twice: {found[name.strip()]} and {value}")
        found[name.strip()] = value.strip()
    return found


def listed(text: str | None) -> list[str] | None:
    """`"a,b(x=1)"` -> its parts; "none" -> no parts."""
    if text is None:
        return None
    from runner.designs.factor import split

    parts = split(text)
    if not parts:
        raise BadInput(f"{text!r} names nothing: name some, such as warmup,cosine, or write none")
    return [] if [part.lower() for part in parts] == ["none"] else parts


def listed_fields(flag: str, texts: Sequence[str] | None) -> dict[str, list[Scalar]]:
    """`["lr_scale=0.5,1"]` -> {"lr_scale": ["0.5", "1"]}."""
    found = assignments(flag, texts)
    return {field: [*(listed(values) or ["none"])] for field, values in found.items()}


def check_negligible(negligible: float | None) -> None:
    """Raises BadInput for a margin that is negative or no number."""
    if negligible is not None and not 0 <= negligible < float("inf"):
        raise BadInput(f"--negligible must be a number of at least 0, not {negligible}")


def chosen(
    task: str,
    tricks: str | None,
    factor: list[str] | None,
    settings: list[str] | None,
    data: Path | None = None,
) -> Study:
    """The add-one study of the factors that these flags name: the factors, their baseline, notes.

    Raises BadInput for flags that cannot be met, and if there is nothing to vary.
    """
    from runner.designs.add_one import AddOne
    from runner.studies.asked import Asked
    from runner.studies.study import build

    asked = Asked(
        name="plan",
        task=task,
        grid=AddOne.name,
        tricks=listed(tricks),
        factor=listed_fields("--factor", factor),
        set={**assignments("--set", settings)},
    )
    return build(asked, data)
