"""fp16: half-size numbers of small range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class FP16(Trick):
    """Compute convolutions and matrix products in float16, with the loss scaled up.

    For GPUs without bfloat16; on a CPU it works and is slow. The loss starts at 65,536 times
    itself, so that small gradients are not lost; a step whose gradient overflows is left out and
    halves the scale, which costs a few of the first steps.
    """

    name: ClassVar[str] = "fp16"
    source: ClassVar[str] = "Micikevicius et al. 2018, arXiv:1710.03740; torch.amp.GradScaler"

    def edits(self) -> Edits:
        return Edits(sets={"precision": "fp16"})
