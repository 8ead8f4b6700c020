"""Own weights: start from your own file of weights."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tricks.errors import BadInput
from tricks.files import digest
from tricks.trick import Edits, Trick

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".tar")  # endings of files of weights


@dataclass(frozen=True)
class OwnWeights(Trick):
    """Start from the weights in your own file, or from the weights of a recorded run.

    `--set start=FILE` is the short form; there FILE may also be the id of a run with a saved model.
    The file is safetensors, or a torch file that holds only tensors. Tensors are matched by name
    and shape, before or after surgery, whichever matches more of them. A head of another size keeps
    its random weights. A line before the first run says how many tensors were loaded. A run's id
    contains the digest of the file (`content`), not its path: a moved file gives the same run.
    """

    name: ClassVar[str] = "own-weights"
    source: ClassVar[str] = "Yosinski et al. 2014, arXiv:1411.1792; torch.nn.Module.load_state_dict"
    aside: ClassVar[tuple[str, ...]] = ("file",)

    file: str = ""  # safetensors, or a state_dict written by torch.save
    content: str = ""  # digest of the file, filled in; another file is refused

    def edits(self) -> Edits:
        return Edits(sets={"start": self})

    def as_level(self) -> str:
        """The text of the file after `start=`."""
        return self.file

    def resolved(self) -> OwnWeights:
        """The trick with `content` filled in. Raises BadInput for no file, or another file."""
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
    """The value of `start=text`: scratch, pretrained or a file of weights; None: none of these.

    >>> start_of("pretrained"), start_of("mine.safetensors").file, start_of("warm")
    ('pretrained', 'mine.safetensors', None)
    """
    if text in ("scratch", "pretrained"):
        return text
    path = Path(text).expanduser()
    return OwnWeights(text) if path.suffix.lower() in SUFFIXES or path.is_file() else None
