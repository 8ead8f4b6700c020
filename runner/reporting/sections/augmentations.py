"""What the augmentations of a study do to a few training images."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Note, Section
from runner.reporting.material import Material
from runner.reporting.plots.pictures import Row, pictures
from runner.reporting.plotting import figure


@section(place=145)
def augmentations(m: Material) -> Section | None:
    """One picture: the images as they are, then a row a trick; None without examples."""
    asked = {*(m.asked.tricks or ()), *(f.name for f in m.asked.factors)}
    asked |= {level for factor in m.asked.factors for level in factor.levels}
    rows = [
        Row(example.text or "original", list(example.images), [])
        for example in m.examples
        if not example.text or example.text in asked
    ]
    if len(rows) < 2:
        return None
    what = "the same images with each augmentation"
    picture = figure("augmentations", what, pictures, "", rows)
    note = Note("Training images as a run sees them in its first epoch, each trick alone.")
    return None if picture is None else Section("Augmentations", (picture, note))
