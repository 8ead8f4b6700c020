"""The device that a training runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tricks.errors import BadInput

if TYPE_CHECKING:
    import torch


def choose(device: str) -> torch.device:
    """`auto`: the GPU if there is one. Raises BadInput for a device that is not there."""
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
