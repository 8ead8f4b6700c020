"""Options that several commands share."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from tricks.errors import BadInput

Results = Annotated[Path, typer.Option("--results", help="The store that all studies share.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", help="A Python file that defines tricks; may be repeated."),
]
TaskName = Annotated[str, typer.Option("--task", help="See `tricks-bench list tasks`.")]
Name = Annotated[str | None, typer.Argument(help="The study; the latest if not given.")]
Metric = Annotated[
    str, typer.Option("--metric", help="The column to explain: accuracy, val_accuracy, loss, …")
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

RESULTS = Path("results")
DEVICES = Path("/dev")


def load_plugins(plugins: list[Path] | None) -> list[str]:
    """Load each plug-in; gives their absolute paths, for worker processes to load them too."""
    from tricks.loading import load_plugin

    for plugin in plugins or []:
        load_plugin(plugin)
    return [str(plugin.resolve()) for plugin in plugins or []]


def assignments(flag: str, texts: list[str] | None) -> dict[str, str]:
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


def check_negligible(negligible: float | None) -> None:
    """Raises BadInput for a margin that is none."""
    if negligible is not None and not 0 <= negligible < float("inf"):
        raise BadInput(f"--negligible must be a number of at least 0, not {negligible}")


def at(results: Path) -> str:
    """What a command that is suggested needs to find the store."""
    return "" if results == RESULTS else f" --results {shlex.quote(str(results))}"


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS


def gpus(device: str) -> tuple[str, ...]:
    """The GPUs that runs will go to, by their names for CUDA_VISIBLE_DEVICES; none: the CPU.

    As far as can be told without importing torch. `device`: auto, cpu, cuda or cuda:N.
    """
    if device == "cpu":
        return ()
    found = [path.name.removeprefix("nvidia") for path in DEVICES.glob("nvidia[0-9]*")]
    if not found and any(DEVICES.glob("dxg")):  # a GPU as WSL shows it
        found = ["0"]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        found.sort(key=lambda number: (len(number), number))
    elif found or device != "auto":
        found = [part.strip() for part in visible.split(",") if part.strip() not in ("", "-1")]
    if device == "auto":
        return tuple(found)
    if device == "cuda":
        return tuple(found) or ("0",)
    number = int(device.removeprefix("cuda:"))
    return (found[number] if number < len(found) else str(number),)


def on_gpu(device: str) -> bool:
    """Whether runs will go to a GPU; see `gpus`."""
    return bool(gpus(device))


def at_a_time(workers: int | None, per_gpu: int | None, device: str) -> int:
    """How many runs at a time. Raises BadInput for a device or a number that cannot be."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device, re.ASCII):
        raise BadInput(f"--device {device}: choose auto, cpu, cuda or cuda:0 (a GPU's number)")
    for option, count in (("--workers", workers), ("--per-gpu", per_gpu)):
        if count is not None and count < 1:
            raise BadInput(f"{option} must be at least 1, not {count}")
    if per_gpu is not None:
        if workers is not None:
            raise BadInput("--workers and --per-gpu both say how many runs at a time: give one")
        if not gpus(device):
            raise BadInput("--per-gpu: there is no GPU here; --workers N runs N at a time")
    return workers or (per_gpu or 1) * len(gpus(device)) or cores()


def print_json(value: Any) -> None:
    """One JSON value on stdout; what is not a finite number is null."""
    import json

    print(json.dumps(value, indent=2, allow_nan=False))
