"""The parts of a script, as the features of a recipe fill them in."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field

from runner.inference.recipe.lifting import Lifting, Unliftable
from tricks.trick import Trick

# Names of the script's own, which no lifted definition may take.
OWN = (
    "EPOCHS", "BATCH", "SIDE", "WHOLE", "DRAWS", "EXTENSIONS", "PARTS", "MIXERS", "main", "fit",
    "Images", "find", "evaluate", "prepare", "build_model", "learning_rates", "normalise",
    "as_input", "loader", "opened", "train_view", "test_view", "reestimate", "apart", "lent",
    "nn", "torch", "F", "v2", "math", "timm", "Image", "Path", "grey", "held_out", "ImageOps",
    "load_file", "save_file", "argparse", "itertools", "json", "random", "copy", "Tensor",
)  # fmt: skip

# What a training calls of a trick.
METHODS = (
    "scale", "momentum", "steps", "ramp", "operate", "hold", "surgery", "edit", "build", "arrange",
    "split", "wrap", "clip", "apply", "prepared", "mix", "loss", "begin", "update",
    "own_statistics", "predict", "pixels", "of",
)  # fmt: skip


@dataclass
class Parts:
    """Lines of each place of the script, without its indent.

    constants: at the top. network: after `model` is built. drawn: on a batch of uint8 images.
    inputs: on uint8 images, in evaluation too. mixed: on images `x` and targets `y`. before: of
    the first step. parameters: that are trained. rates: of each step, before it. gradient: around
    the loss. after: a step. ended: an epoch. refused: feature -> why a script cannot hold it.
    """

    lifting: Lifting = field(default_factory=lambda: Lifting(set(OWN)))
    constants: list[str] = field(default_factory=list)
    network: list[str] = field(default_factory=list)
    drawn: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    rates: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    held: dict[Trick, str] = field(default_factory=dict)  # by the constants that hold them

    def hold(self, trick: Trick) -> str | None:
        """Lift a trick; gives the constant that holds it, or None where a script cannot.

        One that takes several parts in a recipe, as a loss with a head of its own, is one constant.
        """
        if trick in self.held:
            return self.held[trick]
        cls = type(trick)
        try:
            name = self.lifting.trick(cls, METHODS)
        except Unliftable as error:
            self.refused[str(trick)] = str(error)
            return None
        values = [f"{f.name}={getattr(trick, f.name)!r}" for f in dataclasses.fields(trick)]
        self.held[trick] = self.constant(cls.name, f"{name}({', '.join(values)})")
        return self.held[trick]

    def constant(self, name: str, value: str) -> str:
        """Define a constant called after `name`; gives what it is called."""
        held = name.upper().replace("-", "_")
        while held in self.lifting.taken:
            held += "_"
        self.lifting.taken.add(held)
        self.constants.append(f"{held} = {value}")
        return held


def indented(lines: Iterable[str], depth: int) -> str:
    """Lines at `depth` levels; blank ones stay blank."""
    return "".join(f"{'    ' * depth}{line}\n" if line else "\n" for line in lines)
