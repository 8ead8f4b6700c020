"""A few training images with each augmentation of a study."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Note, Section
from runner.reporting.material import Material
from runner.reporting.plots.pictures import PictureRow, pictures
from runner.reporting.plotting import figure


@section(place=145)
def augmentations(m: Material) -> Section | None:
    """One picture: a row of original images, then one row for each trick; None without any."""
    asked = {*(m.asked.tricks or ()), *(f.name for f in m.asked.factors)}
    asked |= {level for factor in m.asked.factors for level in factor.levels}
    rows = [
        PictureRow(example.text or "original", list(example.images), [])
        for example in m.examples
        if not example.text or example.text in asked
    ]
    if len(rows) < 2:
        return None
    what = "the same images with each augmentation"
    picture = figure("augmentations", what, pictures, "", rows)
    note = Note("Training images of a run's first epoch, with each trick alone.")
    return None if picture is None else Section("Augmentations", (picture, note))
