"""Draws of the augmentations, one an image, and the checks of their ranges. Torch-free to import.

Transforms act in stages: geometry and policies first, then colour, blur, noise, compression, and
last what erases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

COLOUR, BLUR, NOISE, COMPRESSION, ERASURE = range(1, 6)  # stages; 0: geometry and policies


def check_share(name: str, value: float) -> None:
    """Raises ValueError unless `value` is above 0 and at most 1."""
    if not 0 < value <= 1:
        raise ValueError(f"{name} must be above 0 and at most 1, not {value}")


def check_range(name: str, value: tuple[float, ...], low: float, high: float) -> None:
    """Raises ValueError unless `value` is two numbers from `low` to `high`, the lesser first."""
    if len(value) != 2 or not low <= value[0] <= value[1] <= high:
        raise ValueError(f"{name} must be two numbers from {low} to {high}, not {value}")


def uniform(low: float, high: float, count: int, generator: torch.Generator) -> torch.Tensor:
    """float32 (count,), evenly from `low` to `high`."""
    import torch

    return low + (high - low) * torch.rand(count, generator=generator, device=generator.device)


def chance(share: float, count: int, generator: torch.Generator) -> torch.Tensor:
    """bool (count,), each True with probability `share`."""
    import torch

    return torch.rand(count, generator=generator, device=generator.device) < share


def where(chosen: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """int64 places, on the device of `images`, at which `chosen` (B,) bool is True."""
    return chosen.nonzero().flatten().to(images.device)


def replaced(images: torch.Tensor, place: torch.Tensor, changed: torch.Tensor) -> torch.Tensor:
    """A copy of `images` (B, ...) with `changed` at `place` (N,)."""
    return images.index_copy(0, place, changed)
