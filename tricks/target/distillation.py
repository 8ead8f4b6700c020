"""Distillation: learn from the class probabilities of a trained network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.errors import BadInput
from tricks.files import digest
from tricks.recipe import Recipe
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

SUFFIX = ".safetensors"
ASK = (
    "distillation needs a teacher: distillation(teacher='FILE.safetensors'), which "
    "`tricks-bench run --save-models` writes, or the name of a timm model with pretrained weights"
)


def divergence(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Mean over images of T² KL(teacher || student), both softmax(logits / T); logits (B, K).

    The factor T² keeps the gradient's size for every temperature T.
    """
    import torch
    from torch.nn import functional as F

    logs = torch.log_softmax(student.float() / temperature, 1)
    aims = torch.log_softmax(teacher.float() / temperature, 1)
    return temperature**2 * F.kl_div(logs, aims, reduction="batchmean", log_target=True)


def content(teacher: str) -> str:
    """The identity of a teacher: a digest of its file, or the name of timm's weights.

    Raises BadInput without a teacher, or for a file that cannot be read.
    """
    if not teacher:
        raise BadInput(ASK)
    if not teacher.endswith(SUFFIX):
        return teacher
    return digest(teacher, "distillation: the teacher")


@dataclass(frozen=True)
class Distillation(Trick):
    """Learn from the softened probabilities of a trained network and from the labels.

    loss = (1 - weight) CE(labels) + weight T² KL(teacher || student), with the probabilities of
    both at temperature T. The teacher sees the same augmented and mixed images. A teacher from timm
    needs as many classes as the task. It helps small networks with a large teacher, and long
    trainings. Each step needs one more forward pass, of the teacher. A run's id contains the digest
    of the teacher's file (`content`), not its path: a moved file gives the same run.
    """

    name: ClassVar[str] = "distillation"
    source: ClassVar[str] = "Hinton et al. 2015, arXiv:1503.02531"
    aside: ClassVar[tuple[str, ...]] = ("teacher",)

    teacher: str = ""  # a file of saved weights, or the name of a pretrained timm model
    temperature: float = 20.0
    weight: float = 0.9  # of the teacher's term; in the paper labels have a much smaller weight
    content: str = ""  # digest of the teacher, filled in; another teacher is refused

    def __post_init__(self) -> None:
        if not 0 < self.temperature < float("inf"):
            raise ValueError(f"temperature must be a number above 0, not {self.temperature}")
        if not 0 < self.weight <= 1:
            raise ValueError(f"weight must be above 0 and at most 1, not {self.weight}")

    def edits(self) -> Edits:
        return Edits(sets={"objective": self})

    def sees_smoothing(self, recipe: Recipe) -> bool:
        """Whether the labels have any weight."""
        return self.weight < 1

    def resolved(self) -> Distillation:
        """The trick with `content` filled in. Raises BadInput for no teacher, or another one."""
        found = content(self.teacher)
        if self.content not in ("", found):
            raise BadInput(
                f"distillation: the teacher {self.teacher} is not the one meant: its content is "
                f"{found}, not {self.content}"
            )
        return dataclasses.replace(self, content=found)

    def prepare(
        self, model: torch.nn.Module, network: Callable[[str], torch.nn.Module]
    ) -> Callable[[torch.nn.Module, torch.Tensor, torch.Tensor], torch.Tensor]:
        """The loss of (model, images (B, C, H, W), targets (B, K)); `network` gives the teacher."""
        import torch
        from torch.nn import functional as F

        self.resolved()
        teacher = network(self.teacher)

        def loss(student: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                aims = teacher(x)
            logits = student(x)
            labels = F.cross_entropy(logits, y)
            shown = divergence(logits, aims, self.temperature)
            return (1 - self.weight) * labels + self.weight * shown

        return loss
