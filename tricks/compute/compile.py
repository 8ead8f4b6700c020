"""Compile: fuse the network's operations into custom kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Compile(Trick):
    """Compile the network's forward and backward pass before the first step.

    The mathematics is the same (sums differ in their last digits). It costs about a minute at the
    start of each run, so it pays in long runs on a GPU; on a CPU it gave no speed-up. Tricks that
    change the network from step to step (progressive resizing, head-first) cause recompilations.
    After a few of them torch continues uncompiled. Evaluation is never compiled.
    """

    name: ClassVar[str] = "compile"
    source: ClassVar[str] = "Ansel et al. 2024, ASPLOS; torch.compile"

    backend: str = "inductor"  # of torch.compile

    def __post_init__(self) -> None:
        if not self.backend.isidentifier():
            raise ValueError(f"backend must be a name such as inductor, not {self.backend!r}")

    def edits(self) -> Edits:
        return Edits(sets={"compiled": self})

    def wrap(self, model: nn.Module) -> nn.Module:
        """A compiled network with the same weights. Raises BadInput for an unknown backend."""
        import torch

        from tricks.errors import unknown

        known = torch.compiler.list_backends(exclude_tags=())
        if self.backend not in known:
            raise unknown("backend", self.backend, known)
        torch.compiler.reset()  # each run of a process starts without earlier compilations
        compiled: Any = torch.compile(model, backend=self.backend)
        return compiled
