"""What is found out in a child process before a grid starts, so that torch stays there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.records.spec import RunSpec


def in_child(function: Callable[..., Any], *arguments: Any) -> Any:
    """`function(*arguments)` in a fresh process; what it raises is raised here."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def check_trainable(
    specs: Sequence[RunSpec], task: str, data: Path, device: str, plugins: Sequence[str]
) -> None:
    """Raises BadInput for a device, model, weights or number of images that cannot be had.

    Each network that differs in what it is built from is built once; nothing is trained.
    """
    networks = {}
    for spec in specs:
        recipe = spec.recipe
        networks[(recipe.model, recipe.width, recipe.start, recipe.norm, recipe.init)] = spec
    images = specs[0].data.get("train_images")
    texts = [spec.to_json() for spec in networks.values()]
    in_child(_check, texts, task, data, images, device, plugins)


def measure(
    specs: Sequence[RunSpec], task: str, data: Path, device: str, plugins: Sequence[str]
) -> float:
    """Mean seconds that `specs` will take each, from a few timed steps of each."""
    texts = [spec.to_json() for spec in specs]
    return float(in_child(_measure, texts, task, data, device, plugins))


def _specs(texts: Sequence[dict[str, Any]], plugins: Sequence[str]) -> list[RunSpec]:
    from runner.records.spec import RunSpec
    from tricks.trick import load_plugin

    for plugin in plugins:
        load_plugin(plugin)
    return [RunSpec.from_json(text) for text in texts]


def _check(
    texts: Sequence[dict[str, Any]],
    task: str,
    data: Path,
    images: int | None,
    device: str,
    plugins: Sequence[str],
) -> None:
    from runner import tasks
    from runner.tasks.work import choose
    from runner.training.model import build

    choose(device)
    if images is not None:
        tasks.find(task).load(data, images)
    for spec in _specs(texts, plugins):
        build(spec.recipe, classes=10, channels=3)


def _measure(
    texts: Sequence[dict[str, Any]], task: str, data: Path, device: str, plugins: Sequence[str]
) -> float:
    from runner.tasks.work import seconds_per_run

    times = [
        seconds_per_run(spec, task=task, data=str(data), device=device)
        for spec in _specs(texts, plugins)
    ]
    return sum(times) / len(times)
