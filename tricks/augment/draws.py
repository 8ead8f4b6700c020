"""Random draws of augmentations, one per image, and checks of ranges. Torch-free to import.

Transforms act in stages: geometry and policies first, then colour, blur, noise, compression, and
erasing last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

COLOUR, BLUR, NOISE, COMPRESSION, ERASURE = range(1, 6)  # stages; 0: geometry and policies
PIECE = 2**19  # values that fit into a core's cache
LARGE = 2**16  # an image with at least so many values is a separate piece


def check_share(name: str, value: float) -> None:
    """Raises ValueError unless `value` is above 0 and at most 1."""
    if not 0 < value <= 1:
        raise ValueError(f"{name} must be above 0 and at most 1, not {value}")


def check_range(name: str, value: tuple[float, ...], low: float, high: float) -> None:
    """Raises ValueError unless `value` is two numbers from `low` to `high`, in ascending order."""
    if len(value) != 2 or not low <= value[0] <= value[1] <= high:
        raise ValueError(f"{name} must be two numbers from {low} to {high}, not {value}")


def uniform(low: float, high: float, count: int, generator: torch.Generator) -> torch.Tensor:
    """float32 (count,), uniform from `low` to `high`."""
    import torch

    return low + (high - low) * torch.rand(count, generator=generator, device=generator.device)


def chance(share: float, count: int, generator: torch.Generator) -> torch.Tensor:
    """bool (count,), each True with probability `share`."""
    import torch

    return torch.rand(count, generator=generator, device=generator.device) < share


def in_pieces(
    act: Callable[..., torch.Tensor], images: torch.Tensor, *of_each: Any
) -> torch.Tensor:
    """`act(images, *of_each)` on parts of a batch (B, ...) that fit a core's cache.

    `of_each`: tensors or sequences with one value per image. So large images go one by one through
    a chain of operators, and each operator reads its input from the cache, not from memory.
    """
    import torch

    count = len(images)
    values = images[0].numel() if count else 0
    step = 1 if values >= LARGE else PIECE // max(1, values)
    if images.device.type != "cpu" or step >= count:
        return act(images, *of_each)
    out: Any = None
    for start in range(0, count, step):
        part = slice(start, start + step)
        done = act(images[part], *(each[part] for each in of_each))
        if out is None:
            out = torch.empty((count, *done.shape[1:]), dtype=done.dtype)
        out[part] = done
    return out


def some_of(
    share: float,
    images: torch.Tensor,
    generator: torch.Generator,
    act: Callable[..., torch.Tensor],
    drawn: torch.Tensor,
) -> torch.Tensor:
    """Images (B, C, H, W) under `act(images, drawn)`, each with probability `share`.

    drawn: (B, ...) the draws of each image; with a share of 1 nothing more is drawn.
    """
    if share == 1:
        return act(images, drawn)
    chosen = chance(share, len(images), generator)
    place = where(chosen, images)
    if not len(place):
        return images
    return replaced(images, place, act(images.index_select(0, place), drawn[chosen]))


def where(chosen: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """int64 indices, on the device of `images`, where `chosen` (B,) bool is True."""
    return chosen.nonzero().flatten().to(images.device, non_blocking=True)


def replaced(images: torch.Tensor, place: torch.Tensor, changed: torch.Tensor) -> torch.Tensor:
    """A copy of `images` (B, ...) with `changed` at `place` (N,)."""
    import torch

    # Rows of long integers are copied seven times as fast as rows of bytes.
    if images.dtype == torch.uint8 and images[:1].numel() % 8 == 0 and len(place):
        words = images.flatten(1).view(torch.int64)
        done = words.index_copy(0, place, changed.contiguous().flatten(1).view(torch.int64))
        return done.view(torch.uint8).view(images.shape)
    return images.index_copy(0, place, changed)
