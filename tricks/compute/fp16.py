"""fp16: 16-bit numbers with a small range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class FP16(Trick):
    """Compute convolutions and matrix products in float16, with the loss scaled up.

    It is for GPUs without bfloat16; on a CPU it works but is slow. The loss is first multiplied by
    65,536, so that small gradients are not lost. A step whose gradient overflows is skipped and
    halves the factor, which costs a few of the first steps.
    """

    name: ClassVar[str] = "fp16"
    source: ClassVar[str] = "Micikevicius et al. 2018, arXiv:1710.03740; torch.amp.GradScaler"

    def edits(self) -> Edits:
        return Edits(sets={"precision": "fp16"})
