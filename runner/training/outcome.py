"""One run from images to outcome: train, read the test set once, measure time and memory."""

from __future__ import annotations

import base64
import functools
import hashlib
import platform
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from runner.analysis.metrics.registry import CHOOSES, metric_values
from runner.execution.work import Emit, Figures, Outcome
from runner.images.sources import Splits
from runner.records import environments
from runner.records.json_values import JsonValue
from runner.records.predictions import pack
from runner.records.spec import RunSpec
from runner.training import memory
from runner.training.device import prepare
from runner.training.evaluation import Evaluation, evaluate
from runner.training.history import Training
from runner.training.loaders import Loaders
from runner.training.loop import finite, train
from runner.training.saved import Keeper
from runner.training.warm_up import warm_up
from tricks.learning_rate import warmup_steps
from tricks.loading import plugin_sources

if TYPE_CHECKING:
    from runner.training.checkpoint import Checkpoints

DRIVER = Path("/proc/driver/nvidia/version")


def outcome(
    spec: RunSpec,
    splits: Splits,
    device: torch.device,
    emit: Emit = lambda figures: None,
    loaders: int = 0,
    keeper: Keeper | None = None,
    saves: Checkpoints | None = None,
) -> Outcome:
    """Train and evaluate `spec` on its images.

    Its `metrics` are all metrics of the predictions, on test and on validation images; a diverged
    run has no predictions.

    The test set is read only after the last epoch. A run whose loss or outputs are not finite is
    `diverged`, and has no test accuracy. keeper: gets the models of other runs. saves: continue
    from a checkpoint; seconds and memory are of the whole training; raises Paused if the training
    stopped at a checkpoint.
    """
    recipe = spec.recipe
    prepare(recipe, device)
    if device.type == "cuda":
        warm_up(recipe, splits.to(device), spec.seed, device, loaders)
        memory.forget_peak(device)
    began = time.perf_counter()
    splits = splits.to(device)
    loaded = memory.now(device)

    def watch(model: nn.Module, figures: Figures) -> None:
        if keeper is not None:
            keeper.epoch(model, figures)
        emit(figures)

    with Loaders(loaders, splits) as held:
        training = train(recipe, splits, spec.seed, device, held, watch, saves)
        asked = time.perf_counter()
        final = None
        if not training.diverged:
            final = evaluate(training.model, splits.test, splits, recipe, device, held, True)
            if finite(final.loss) is None:
                final = None
        training.seconds["evaluate"] += time.perf_counter() - asked
    digest = weights_sha256(training.model)
    training.seconds["total"] += time.perf_counter() - began
    peak = memory.peak(device)
    # Other code may have done a part of an interrupted training.
    revision = ", then ".join(training.by(code_revision())) or None
    if keeper is not None and final:
        keeper.write(training.model, training.epochs[-1], revision)
    epochs: Any = training.epochs  # these are JSON values, which a TypedDict does not express
    fields: dict[str, JsonValue] = {
        "epochs": epochs,
        **_scores(training, final, splits),
        **_costs(training, loaded, peak, device),
        "parameters": sum(p.numel() for p in training.model.parameters()),
        "steps": training.steps,
        "warmup_steps": warmup_steps(recipe, training.steps),
        "weights_sha256": digest,
        "resumed": training.resumed,
        "device": device_name(device),
        "versions": {**versions(), **gpu_versions(device)},
        "code_revision": revision,
    }
    if plugins := plugin_sources(recipe):
        fields["plugins"] = plugins
    return Outcome(
        "ok" if final else "diverged",
        fields,
        validation=training.epochs[-1][CHOOSES] if final else None,
        seconds=round(training.seconds["total"], 4),
        predictions=pack(final.predictions) if final and final.predictions else None,
        packages=environments.here(),
    )


def _scores(training: Training, final: Evaluation | None, splits: Splits) -> dict[str, JsonValue]:
    """The metrics of the trained model. final: on the test set, None for a diverged run."""
    last = training.epochs[-1]
    said = {"test": final.predictions, "validation": training.validation} if final else {}
    counts = torch.bincount(splits.test.labels.cpu())
    return {
        "test_accuracy": final.accuracy if final else None,
        "test_loss": final.loss if final else None,
        CHOOSES: last[CHOOSES] if final else None,
        "val_loss": last["val_loss"] if final else None,
        "probe_accuracy": last["probe_accuracy"] if final else None,
        "generalisation_gap": last["probe_accuracy"] - last[CHOOSES] if final else None,
        "metrics": {
            name: metric_values(found) for name, found in said.items() if found is not None
        },
        "test_images": len(splits.test),
        "correct": _bits(final.correct) if final else None,
        "classes": splits.classes,
        "chance_accuracy": 100 * counts.max().item() / len(splits.test),
    }


def _bits(right: Tensor) -> str:
    """bool (N,), packed for the record."""
    return base64.b64encode(np.packbits(right.numpy()).tobytes()).decode()


def _costs(
    training: Training, loaded: dict[str, float], peak: dict[str, float], device: torch.device
) -> dict[str, JsonValue]:
    """Time and memory, including those before a checkpoint. loaded, peak: MiB, see `memory`."""
    seconds, before = training.seconds, training.memory.pop("peak", {})
    peak = {name: max(x, before.get(name, 0.0)) for name, x in peak.items()}
    return {
        "seconds": {name: round(value, 4) for name, value in seconds.items()},
        "data_wait_fraction": round(seconds["wait"] / max(seconds["train"], 1e-9), 4),
        "images_per_second": round(training.images / max(seconds["train"], 1e-9), 1),
        "peak_memory_mb": peak["allocated" if device.type == "cuda" else "ram"],
        "memory": {"data": loaded, **training.memory, "peak": peak},
    }


def weights_sha256(*models: nn.Module) -> str:
    """64 hex digits; networks have the same only if all weights and buffers are bit-identical.

    SHA-256 over name, type, shape and little-endian bytes of each tensor, in the order of names.
    """
    digest = hashlib.sha256()
    for model in models:
        for name, value in sorted(model.state_dict().items()):
            plain = value.detach().cpu().contiguous().reshape(-1)
            digest.update(f"{name} {plain.dtype} {tuple(value.shape)}\n".encode())
            digest.update(plain.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def device_name(device: torch.device) -> str:
    """The GPU's name, or cpu."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


@functools.cache
def versions() -> dict[str, str]:
    """Versions of the libraries that compute."""
    from importlib.metadata import version

    names = ("torch", "torchvision", "timm", "numpy", "tricks-bench")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def gpu_versions(device: torch.device) -> dict[str, str]:
    """Versions of further libraries that compute on a GPU; {} for the CPU."""
    if device.type != "cuda":
        return {}
    found = {
        "torch": torch.__version__,  # with its build, such as +cu130
        "cuda": torch.version.cuda,
        "rocm": torch.version.hip,
        "cudnn": torch.backends.cudnn.version(),
        "driver": _driver(),
    }
    return {name: str(version) for name, version in found.items() if version is not None}


def _driver() -> str | None:
    try:
        said = re.search(r"Kernel Module.*?\s(\d[\d.]+)", DRIVER.read_text())
    except OSError:  # WSL and AMD have no such file
        return None
    return said[1] if said else None


@functools.cache
def code_revision() -> str | None:
    """The git revision of this code, with "+" if files differ from it; None if unknown."""
    return revision_of(Path(__file__).resolve().parents[2])


def revision_of(folder: Path) -> str | None:
    """The git revision of a work tree, with "+" if tracked files differ; None if unknown.

    It takes no lock of git: a process that is killed here would leave the lock behind, and the
    user's next commit would fail.
    """
    if not (folder / ".git").exists():
        return None
    said = []
    for words in (["rev-parse", "--short=12", "HEAD"], ["status", "--porcelain", "-uno"]):
        try:
            done = subprocess.run(
                ["git", "--no-optional-locks", *words],
                cwd=folder, capture_output=True, text=True, timeout=10, check=True,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            return None
        said.append(done.stdout.strip())
    return said[0] + "+" * bool(said[1])
