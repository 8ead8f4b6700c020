"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.designs.field import Given
    from runner.studies.study import Study

Results = Annotated[Path, typer.Option("--results", help="The store that all studies share.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", help="A Python file that defines tricks or metrics; may be repeated."),
]
TaskName = Annotated[str, typer.Option("--task", help="See `tricks-bench list tasks`.")]
AllowDuplicates = Annotated[
    bool,
    typer.Option(
        "--allow-duplicates", help="Train though an image is in two of the parts you made."
    ),
]
Name = Annotated[str | None, typer.Argument(help="The study; the latest if not given.")]
Metric = Annotated[
    str,
    typer.Option(
        "--metric", help="The column to explain: accuracy, val_accuracy, top5, nll, loss, …"
    ),
]
Negligible = Annotated[
    float | None,
    typer.Option("--negligible", help="The largest effect not worth having. [default: 0.2 pp]"),
]
Noise = Annotated[
    str,
    typer.Option("--noise", help="own (each arm has its own sd) or equal (one for all arms)."),
]
Scale = Annotated[
    str, typer.Option("--scale", help="raw, or logit: accuracies in log-odds, with odds ratios.")
]

Runs = Annotated[
    list[str],
    typer.Argument(
        help="A run's id (or its start), a study (its best arm on validation), either with .best "
        "(of its best epoch), or a file of a model; of several the probabilities are averaged.",
        metavar="RUN...",
    ),
]
Sets = Annotated[
    Path | None,
    typer.Option("--data-sets", help="Where data sets are, if --data is a task. [default: ./data]"),
]
TTA = Annotated[
    str | None,
    typer.Option(
        "--tta",
        help="Test-time augmentation: flip, shift, none, or a trick of that kind. "
        "[default: the recipe's own]",
    ),
]
Stage = Annotated[
    str | None,
    typer.Option(
        "--stage",
        help="Of a tuned study: fixed (one value for all) or tuned (each arm's own); of equal "
        "time: fixed or equal-time. [default: the last, once all arms are]",
    ),
]


def load_plugins(plugins: list[Path] | None) -> tuple[str, ...]:
    """Load each plug-in; gives their absolute paths, for worker processes to load them too."""
    from tricks.loading import load_plugin

    for plugin in plugins or []:
        load_plugin(plugin)
    return tuple(str(plugin.resolve()) for plugin in plugins or [])


def assignments(flag: str, texts: Sequence[str] | None) -> dict[str, str]:
    """`["epochs=5", ...]` -> {"epochs": "5"}. Raises BadInput for what is no name=value."""
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
        raise BadInput(f"nothing is named in {text!r}: name some, such as warmup,cosine, or none")
    return [] if [part.lower() for part in parts] == ["none"] else parts


def listed_fields(flag: str, texts: Sequence[str] | None) -> dict[str, list[Given]]:
    """`["lr_scale=0.5,1"]` -> {"lr_scale": ["0.5", "1"]}."""
    found = assignments(flag, texts)
    return {field: [*(listed(values) or ["none"])] for field, values in found.items()}


def check_negligible(negligible: float | None) -> None:
    """Raises BadInput for a margin that is none."""
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

    Raises BadInput for what cannot be, and where there is nothing to vary.
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
