"""EvoNorm-B0 as a separate trick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.model.evonorm import EvoNorm
from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class EvoNormB0(Trick):
    """Replace batch norm and its activation by EvoNorm-B0, which keeps batch statistics.

    x / max(sqrt(batch variance + 1e-3), v * x + sqrt(instance variance + 1e-3)) * gamma + beta.
    It can give NaN. It is the same as evonorm(kind='b0'), so that both kinds can be factors. See
    evonorm for the replaced layers and for pretrained weights.
    """

    name: ClassVar[str] = "evonorm-b0"
    source: ClassVar[str] = "Liu et al. 2020, arXiv:2004.02967; timm.layers.EvoNorm2dB0"

    def edits(self) -> Edits:
        # The value is an EvoNorm, so that the same training has the same id under both names.
        return Edits(sets={"norm": EvoNorm(kind="b0")})
