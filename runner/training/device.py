"""The device of a training, and torch's settings for it."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from tricks.errors import BadInput

if TYPE_CHECKING:
    import torch

    from tricks.recipe import Recipe


NO_TF32 = "tf32 is for NVIDIA's GPUs and changes nothing on a CPU: leave it out"


def choose(device: str) -> torch.device:
    """The torch device; `auto`: a GPU if there is one. Raises BadInput for a missing device."""
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise BadInput(f"--device {device}: no such device; try auto, cpu or cuda") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise BadInput(f"--device {device}: torch sees no GPU here; try --device cpu")
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        last = torch.cuda.device_count() - 1
        raise BadInput(f"--device {device}: there is no such GPU; the last one here is cuda:{last}")
    return chosen


def prepare(recipe: Recipe, device: torch.device) -> None:
    """Set torch's options before a training or a trial, for the whole process.

    Frees memory of earlier runs, and resets the peak of memory. Raises BadInput if this torch has
    no kernels for the GPU.
    """
    import torch

    from runner.training import memory

    torch.set_num_threads(recipe.threads)
    memory.keep_freed()
    if recipe.precision == "tf32" and device.type != "cuda":
        raise BadInput(NO_TF32)
    single_precision(recipe.precision)
    torch.backends.cudnn.benchmark = True  # few shapes, used often: choose the fastest kernels
    gc.collect()  # a run's networks may be in reference cycles
    memory.forget_peak(device)
    if device.type == "cuda":
        torch.cuda.set_device(device)  # code that says only "cuda" means this GPU
        _has_kernels(device)


def single_precision(precision: str) -> None:
    """Use real fp32 on a GPU, whatever the environment says, unless `precision` is tf32."""
    import torch

    digits = "tf32" if precision == "tf32" else "ieee"
    cudnn: Any = torch.backends.cudnn  # a type checker does not know its `conv`
    cudnn.conv.fp32_precision = digits
    torch.backends.cuda.matmul.fp32_precision = digits


def _has_kernels(device: torch.device) -> None:
    import torch

    try:
        torch.ones(1, device=device).add_(1).item()
    except RuntimeError as error:
        if "no kernel image" not in str(error):
            raise
        major, minor = torch.cuda.get_device_capability(device)
        raise BadInput(
            f"torch {torch.__version__} has no kernels for {torch.cuda.get_device_name(device)} "
            f"(compute capability {major}.{minor}; it has {', '.join(torch.cuda.get_arch_list())}):"
            " install a build of torch for it, or try --device cpu"
        ) from error
