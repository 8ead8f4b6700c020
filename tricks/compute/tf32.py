"""tf32: products with 10 bits of fraction on a GPU's tensor cores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class TF32(Trick):
    """Multiply with 10 instead of 23 bits of fraction, and add and store in fp32.

    It is for convolutions and matrix products on NVIDIA GPUs since Ampere, where they take a
    fraction of the time. Numbers have the range of fp32. torch uses tf32 for convolutions by
    default; here fp32 means fp32, and this trick measures the effect of tf32. On a CPU it
    would change nothing, so it is refused.
    """

    name: ClassVar[str] = "tf32"
    source: ClassVar[str] = "Kharya 2020, NVIDIA blog; torch.backends, fp32_precision"

    def edits(self) -> Edits:
        return Edits(sets={"precision": "tf32"})
