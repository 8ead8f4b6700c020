"""tf32: products of 10-bit fractions on a GPU's tensor cores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class TF32(Trick):
    """Multiply with 10 bits of fraction in place of 23, and add and keep everything in fp32.

    On NVIDIA's GPUs since Ampere, for convolutions and matrix products, which take a fraction of
    the time there. Numbers have the range of fp32. torch does this for convolutions unless told
    otherwise; here fp32 means fp32, and this trick says what it costs to leave it. On a CPU it
    would change nothing, and is refused.
    """

    name: ClassVar[str] = "tf32"
    source: ClassVar[str] = "Kharya 2020, NVIDIA blog; torch.backends, fp32_precision"

    def edits(self) -> Edits:
        return Edits(sets={"precision": "tf32"})
