"""Channels last: another layout of images and weights in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class ChannelsLast(Trick):
    """Store the channels of a pixel next to each other in memory.

    The mathematics is the same (sums differ in their last digits). Convolutions are often faster,
    most on GPUs in half precision. Layers that need the other layout cost a copy each.
    """

    name: ClassVar[str] = "channels-last"
    source: ClassVar[str] = "torch.channels_last, PyTorch's memory format tutorial"

    def edits(self) -> Edits:
        return Edits(sets={"channels_last": True})
