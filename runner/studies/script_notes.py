"""Notes on the results of a script: best epochs, and seeds that changed nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.records.studies import StoredStudy
from runner.text import counted

if TYPE_CHECKING:
    import pandas

RESULTS = ("accuracy", "val_accuracy", "loss", "val_loss")


def script_notes(stored: StoredStudy, runs: pandas.DataFrame) -> list[str]:
    """The notes beside every result; none for studies of recipes."""
    if stored.asked.script is None:
        return []
    best = sorted(stored.asked.script.remarks())
    told = []
    if best:
        told.append(
            f"{', '.join(best)}: the value of the best epoch, which was chosen on the "
            "same images: it is too good by an amount that differs between arms; "
            'take = "last" avoids this.'
        )
    return [*told, *identical(stored, runs)]


def identical(stored: StoredStudy, runs: pandas.DataFrame) -> list[str]:
    """A line if in all arms with several seeds the result does not depend on the seed."""
    script = stored.asked.script
    own = (script.main,) if script else ()
    columns = [name for name in dict.fromkeys((*RESULTS, *own)) if name in runs]
    fine = runs[runs["state"].eq("ok")].drop_duplicates("id")
    if "stage" in fine:
        fine = fine[fine["stage"].eq("fixed")]
    columns = [name for name in columns if fine[name].notna().any()]
    if not columns or fine.empty:
        return []
    arms = fine.groupby(list(stored.levels))[columns]
    several = arms.size() > 1
    same = (arms.nunique() <= 1).all(axis=1) & several
    if not several.any() or not same[several].all():
        return []
    return [
        f"All seeds of {counted(int(several.sum()), 'arm')} gave identical results: the script "
        "does not seem to use {seed}, and intervals between its runs mean nothing."
    ]
