"""bf16: 16-bit numbers with the range of fp32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class BF16(Trick):
    """Compute convolutions and matrix products in bfloat16, and keep weights in full precision.

    It is faster on recent GPUs and on CPUs with bfloat16 units, and slower elsewhere. It has the
    range of fp32, so the loss needs no scaling, but only about three decimal digits.
    """

    name: ClassVar[str] = "bf16"
    source: ClassVar[str] = "Kalamkar et al. 2019, arXiv:1905.12322; torch.autocast"

    def edits(self) -> Edits:
        return Edits(sets={"precision": "bf16"})
