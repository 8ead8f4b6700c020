"""Own weights: start from a file of weights of your own."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tricks.errors import BadInput
from tricks.files import digest
from tricks.trick import Edits, Trick

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".tar")  # of files of weights


@dataclass(frozen=True)
class OwnWeights(Trick):
    """Start from weights in a file of your own, or from those of a recorded run.

    `--set start=FILE` is the short form; there FILE may also be a run's id, whose saved model it
    takes. Safetensors, or a torch file that holds nothing but tensors. Tensors are matched by name
    and shape, before surgery or after it, wherever more of them fit; a head of another size stays
    fresh. What was loaded is told before the first run. A run's id holds the digest of the file
    (`content`), not its path: a moved file is the same run, another file another run.
    """

    name: ClassVar[str] = "own-weights"
    source: ClassVar[str] = "Yosinski et al. 2014, arXiv:1411.1792; torch.nn.Module.load_state_dict"
    aside: ClassVar[tuple[str, ...]] = ("file",)

    file: str = ""  # safetensors, or what torch.save made of a state_dict
    content: str = ""  # digest of the file, filled in: it has to be this one

    def edits(self) -> Edits:
        return Edits(sets={"start": self})

    def as_level(self) -> str:
        """The file as `start=` names it."""
        return self.file

    def resolved(self) -> OwnWeights:
        """With `content` filled in. Raises BadInput for no file, or another than was meant."""
        if not self.file:
            raise BadInput("own-weights needs a file: own-weights(file='FILE.safetensors')")
        found = digest(self.file, "start: the weights")
        if self.content not in ("", found):
            raise BadInput(
                f"start: the weights {self.file} are not those meant: their content is {found}, "
                f"not {self.content}"
            )
        return dataclasses.replace(self, content=found)


def start_of(text: str) -> str | OwnWeights | None:
    """What `start=text` means: scratch, pretrained, a file of weights; None: none of these.

    >>> start_of("pretrained"), start_of("mine.safetensors").file, start_of("warm")
    ('pretrained', 'mine.safetensors', None)
    """
    if text in ("scratch", "pretrained"):
        return text
    path = Path(text).expanduser()
    return OwnWeights(text) if path.suffix.lower() in SUFFIXES or path.is_file() else None
