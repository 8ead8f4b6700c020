"""Compile: fuse the network's operations into kernels of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Compile(Trick):
    """Compile the network's forward and backward pass before the first step.

    The mathematics is the same, sums differ in their last digits. It costs a minute or so at the
    start of each run, so it pays in long ones on a GPU; on a CPU it gave nothing. What changes the
    network from step to step (progressive resizing, head-first) makes it compile anew, a few
    times, after which torch goes on uncompiled. Evaluation stays uncompiled.
    """

    name: ClassVar[str] = "compile"
    source: ClassVar[str] = "Ansel et al. 2024, ASPLOS; torch.compile"

    backend: str = "inductor"  # as torch.compile's

    def __post_init__(self) -> None:
        if not self.backend.isidentifier():
            raise ValueError(f"backend must be a name such as inductor, not {self.backend!r}")

    def edits(self) -> Edits:
        return Edits(sets={"compiled": self})

    def wrap(self, model: nn.Module) -> nn.Module:
        """A compiled network of the same weights. Raises BadInput for an unknown backend."""
        import torch

        from tricks.errors import unknown

        known = torch.compiler.list_backends(exclude_tags=())
        if self.backend not in known:
            raise unknown("backend", self.backend, known)
        torch.compiler.reset()  # a process of many runs starts each like a fresh one
        compiled: Any = torch.compile(model, backend=self.backend)
        return compiled
