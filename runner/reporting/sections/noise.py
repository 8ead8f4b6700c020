"""Noise: the gain from more runs or test images, and intervals for other test images."""

from __future__ import annotations

from runner.analysis.result import Analysis
from runner.reporting.contents import section
from runner.reporting.document import (
    Block,
    Cell,
    Details,
    Emphasis,
    Note,
    Paragraph,
    Section,
    Table,
    present,
)
from runner.reporting.material import Material
from runner.reporting.noise_sentences import floor_lines, pairing_text, what_more_buys
from runner.reporting.numbers import interval_cell, plain, signed_cell
from runner.reporting.plots.noise_panel import noise_panel
from runner.reporting.plotting import figure
from runner.reporting.tables import Row, basis, row_name, table
from runner.reporting.wording import confidence

PANEL = (
    "Expected half-width of the middle effect's {confidence} interval, with more runs (left) "
    "or more test images (right) than now."
)
GROUPS_NOTE = (
    "These intervals assume independent images. They are too narrow if images come in groups "
    "(digits of one writer, photographs of one animal)."
)
KINDS = Note(
    "On these test images: run-to-run noise alone, since all runs are scored on the same images. "
    "In general: images are a second random factor, crossed with the runs (two-way analysis of "
    "right and wrong predictions, Satterthwaite's df)."
)


@section(place=60)
def noise(m: Material) -> Section | None:
    """Sentences on noise, the noise panel, and the table of both kinds of interval."""
    a = m.analysis
    picture = figure("noise", "expected gain from more runs or test images", noise_panel, a)
    panel = Note(PANEL.format(confidence=confidence(a)))
    blocks = present(
        *map(Paragraph, _sentences(a)),
        *((picture, panel, basis(a)) if picture else ()),
        *_both(a),
    )
    return Section("Noise", blocks) if blocks else None


def _sentences(a: Analysis) -> list[str]:
    if a.noise.seeds is not None:
        return [text for text in (*what_more_buys(a), pairing_text(a)) if text]
    why = [f"No intervals in general: {a.noise.reason}."]
    return why + [f"{line}." for line in floor_lines(a)]


def _both(a: Analysis) -> tuple[Block, ...]:
    found = in_general(a)
    if found is None:
        return ()
    what = f"Intervals on these test images and in general, {confidence(a)}"
    return (
        Paragraph(
            (Emphasis("In general"), f": for other test images of the same kind. {GROUPS_NOTE}")
        ),
        Details(what, (found, KINDS)),
    )


def in_general(a: Analysis) -> Table | None:
    """The effects on these test images and in general; None without stored predictions."""
    rows: list[Row] = []
    for e in a.effects:
        general = e.population
        if general is None or general.ci_low is None:
            continue
        rows.append(
            [
                row_name(e), signed_cell(e.effect), interval_cell(e.ci_low, e.ci_high),
                e.verdict, interval_cell(general.ci_low, general.ci_high),
                Cell(plain(general.df, 0), general.df), str(e.verdict_population),
            ]
        )  # fmt: skip
    header = ["trick", f"effect ({a.unit})", "on these test images", "verdict"]
    return table([*header, "in general", "df", "verdict in general"], rows)
