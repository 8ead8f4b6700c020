"""The parts of a script, which the features of a recipe fill."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field

from runner.inference.recipe.lifting import Lifting, Unliftable
from tricks.trick import Trick

# Names in every script, which no lifted definition may take.
TAKEN_NAMES = (
    "EPOCHS", "BATCH", "SIDE", "WHOLE", "DRAWS", "EXTENSIONS", "PARTS", "MIXERS", "main", "fit",
    "Images", "find", "evaluate", "prepare", "build_model", "learning_rates", "normalise",
    "as_input", "loader", "opened", "train_view", "test_view", "reestimate", "apart", "lent",
    "nn", "torch", "F", "v2", "math", "timm", "Image", "Path", "grey", "held_out", "ImageOps",
    "load_file", "save_file", "argparse", "itertools", "json", "random", "copy", "Tensor",
)  # fmt: skip

# Methods of a trick that a training calls.
METHODS = (
    "scale", "momentum", "steps", "ramp", "operate", "hold", "surgery", "edit", "build", "arrange",
    "split", "wrap", "clip", "apply", "prepared", "mix", "loss", "begin", "update",
    "own_statistics", "predict", "pixels", "of",
)  # fmt: skip


@dataclass
class Parts:
    """Lines for each place of the script, without indentation.

    constants: at the top. network: after `model` is built. drawn: for a batch of uint8 images.
    inputs: for uint8 images, in evaluation too. mixed: for images `x` and targets `y`. before:
    before the first step. rates: before each step. after: after a step. refused: feature -> why a
    script cannot contain it.
    """

    lifting: Lifting = field(default_factory=lambda: Lifting(set(TAKEN_NAMES)))
    constants: list[str] = field(default_factory=list)
    network: list[str] = field(default_factory=list)
    drawn: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    rates: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    lifted: dict[Trick, str] = field(default_factory=dict)  # trick -> the constant that holds it

    def hold(self, trick: Trick) -> str | None:
        """Lift a trick. Returns the constant that holds it, or None if a script cannot contain it.

        A trick with several parts in a recipe, such as a loss with its own head, is one constant.
        """
        if trick in self.lifted:
            return self.lifted[trick]
        cls = type(trick)
        try:
            name = self.lifting.trick(cls, METHODS)
        except Unliftable as error:
            self.refused[str(trick)] = str(error)
            return None
        values = [f"{f.name}={getattr(trick, f.name)!r}" for f in dataclasses.fields(trick)]
        self.lifted[trick] = self.constant(cls.name, f"{name}({', '.join(values)})")
        return self.lifted[trick]

    def constant(self, name: str, value: str) -> str:
        """Define a constant with a name like `name`. Returns its actual name."""
        held = name.upper().replace("-", "_")
        while held in self.lifting.taken:
            held += "_"
        self.lifting.taken.add(held)
        self.constants.append(f"{held} = {value}")
        return held


def indented(lines: Iterable[str], depth: int) -> str:
    """Lines indented by `depth` levels; blank lines stay blank."""
    return "".join(f"{'    ' * depth}{line}\n" if line else "\n" for line in lines)
