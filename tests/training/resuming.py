"""Trainings that are interrupted at every step, and their results when they continue.

`python -m tests.training.resuming` compares every trick, and all pairs of tricks with a state, at
every step. This takes some minutes.
"""

from __future__ import annotations

import dataclasses
import itertools
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from runner.execution.pausing import Paused, Pausing
from runner.training import loop
from runner.training.checkpoint import Checkpoints
from runner.training.loaders import Loaders
from runner.training.outcome import weights_sha256
from runner.training.step import Step
from tests.bag import TEACHER, cut_network, on_ground, tiny_splits, write_teacher
from tricks import BadInput, Recipe, Trick, TrickConflict, parse, registry, resolve

SMALL_TEACHER = TEACHER.replace("-teacher-", "-small-teacher-")  # other networks here: another file
CPU = torch.device("cpu")
RUN = "0123456789abcdef"
LEARNING_RATES = {"sgd": 0.01, "lars": 0.5, "adamw": 0.001}
# Settings under which a trick acts within few steps of few images; the others at their defaults.
SETTINGS = {
    "compile": "compile(backend='eager')",  # the same network, without minutes of compiling
    "distillation": f"distillation(teacher={SMALL_TEACHER!r})",
    "ema": "ema(share=0.5)",
    "lawa": "lawa(kept=2, share=0.9)",
    "ghost-batch-norm": "ghost-batch-norm(part=4)",
    "head-first": "head-first(share=0.4)",
    "lookahead": "lookahead(every=2)",
    "mixing-off": "mixing-off(share=0.5)",
    "progressive-resizing": "progressive-resizing(delay=0.2, initial=0.5, multiple=2)",
    "repeated-augmentation": "repeated-augmentation(repeats=2)",
    "sgd": "sgd(momentum=0.8)",
    "step-decay": "step-decay(gamma=0.2)",
    "swa": "swa(start=0.4)",
}
STATEFUL = (
    "adam", "adamuon", "adamw", "adopt", "alternating-flips", "aug-mix-jsd", "caution", "compile",
    "corrected-decay", "counterfactual-attention", "cutmix", "distillation", "drop-block",
    "drop-path", "dropout", "ema", "fp16", "frozen-backbone",
    "ghost-batch-norm", "gradient-accumulation", "head-first", "lamb", "lars", "lawa", "lion",
    "lookahead", "mixup", "muon", "nadam", "nadamw", "one-cycle", "progressive-resizing", "radam",
    "repeated-augmentation", "sam", "schedule-free-adamw", "schedule-free-sgd", "swa",
)  # fmt: skip


def named(name: str) -> Trick:
    """The trick under a setting in which it acts on the tiny baseline."""
    return parse(SETTINGS.get(name, name))


def bag() -> list[str]:
    """Every trick of the registry by name, plug-ins of other tests left out."""
    return [name for name, cls in registry().items() if cls.group() != "plugin"]


def pairs(names: Sequence[str] = STATEFUL) -> list[tuple[str, str]]:
    """Pairs of tricks that keep a state and do not exclude each other."""
    return [pair for pair in itertools.combinations(names, 2) if _composes(pair)]


def _composes(names: Sequence[str]) -> bool:
    try:
        on_ground(*map(named, names))
    except (TrickConflict, BadInput):
        return False
    return True


class _Kept(Checkpoints):
    """Writes a checkpoint after every step, or after those of `points`, and keeps them all."""

    def __init__(self, folder: Path, points: Collection[int] | None) -> None:
        super().__init__(Pausing(folder / RUN / "checkpoint", folder / "quarantine", 0.0), RUN, CPU)
        self.points = points
        self.copies: dict[int, Path] = {}

    def due(self, place: int, steps: int, began: float = 0.0) -> bool:
        return self.points is None or place in self.points

    def write(self, step: Any, training: Any, place: int, losses: Any = None) -> None:
        super().write(step, training, place, losses)
        copy = self.pausing.file.with_name(f"after-{place}")
        shutil.copy(self.pausing.file, copy)
        self.copies[place] = copy


@contextmanager
def _small_networks(steps: list[Step]) -> Iterator[None]:
    """Networks of two blocks; `steps` collects the Step of each training."""

    class Seen(Step):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            steps.append(self)

    torch.set_num_threads(1)
    with (
        mock.patch("runner.training.model._network", cut_network),
        mock.patch.object(loop, "Step", Seen),
    ):
        yield


def interrupted(recipe: Recipe, splits: Any, made: Any, after: int, loaders: int = 0) -> Paused:
    """Train until asked to stop after `steps` steps. Returns the exception."""
    calls = []
    asked = lambda: len(calls) == after or bool(calls.append(1))  # noqa: E731
    try:
        with Loaders(loaders, splits) as held:
            loop.train(recipe, splits, 0, CPU, held, saves=made(float("inf"), asked=asked))
    except Paused as left:
        return left
    raise AssertionError("it did not leave")


def _left(step: Step, training: Any) -> dict[str, Any]:
    """The state that two trainings must share to the bit."""
    return {
        "weights": weights_sha256(step.model, step.evaluated),
        "steps": step.steps,
        "state": _values(step.state_dict()),
        "epochs": training.epochs,
        "images": training.images,
        "diverged": training.diverged,
    }


def _values(state: Any) -> Any:
    """`state` with its tensors as bytes, so that equal bits are equal, NaN or not."""
    if isinstance(state, dict):
        return {key: _values(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return [_values(value) for value in state]
    if isinstance(state, torch.Tensor):
        plain = state.detach().contiguous().reshape(-1)
        return str(state.dtype), tuple(state.shape), plain.view(torch.uint8).numpy().tobytes()
    return state


def compare(
    recipe: Recipe, splits: Any, points: Collection[int] | None = None, loaders: int = 0
) -> int:
    """Go on from each step of a training of `recipe`; how many points were compared.

    points: only after so many steps, which makes the training with checkpoints the one to match.

    Raises AssertionError where a training that was interrupted is not, in weights, buffers,
    averages, state of the optimizer and figures, the bits of the one that was not.
    """
    steps: list[Step] = []

    def trained(saves: Checkpoints | None) -> dict[str, Any]:
        with Loaders(loaders, splits) as held:
            training = loop.train(recipe, splits, 0, CPU, held, saves=saves)
        return _left(steps[-1], training)

    with _small_networks(steps), tempfile.TemporaryDirectory() as place:
        kept = _Kept(Path(place), points)
        plain = trained(kept)
        if points is None:
            assert _same(trained(None), plain), "writing checkpoints changed the training"
        for point, copy in kept.copies.items():
            file = Path(place) / "again" / RUN / "checkpoint"
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(copy, file)
            never = Pausing(file, Path(place) / "quarantine", float("inf"))
            saves = Checkpoints(never, RUN, CPU)
            found = trained(saves)
            assert saves.first == point
            assert _same(found, plain), f"going on after step {point} of {plain['steps']}"
    return len(kept.copies)


def _same(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    different = [name for name, value in expected.items() if found[name] != value]
    if different:
        print("different:", ", ".join(different))
    return not different


def compare_tricks(
    names: Sequence[str], epochs: int = 2, points: Collection[int] | None = None
) -> int:
    """`compare` for the tricks together, on the tiny baseline: two steps an epoch."""
    splits = tiny_splits()
    if "distillation" in names:
        with _small_networks([]):
            write_teacher(splits, SMALL_TEACHER)
    recipe = dataclasses.replace(on_ground(*map(named, names)), start="scratch", epochs=epochs)
    return compare(resolve(recipe, LEARNING_RATES), splits, points)


def compare_all(epochs: int = 3) -> dict[str, int]:
    """Points compared over every trick and every pair of those with a state."""
    return {
        "tricks": len(bag()),
        "pairs": len(pairs()),
        "points": sum(compare_tricks([name], epochs) for name in bag())
        + sum(compare_tricks(pair) for pair in pairs()),
    }


if __name__ == "__main__":
    print(compare_all())
