"""docs/compatibility.md: which tricks exclude each other. `python -m tests.compatibility`."""

from __future__ import annotations

import itertools
from collections import defaultdict

from tests.bag import ground
from tests.readme import ROOT, table
from tricks import Recipe, Trick, TrickConflict, compose, parse, registry
from tricks.optimizer.sgd import SGD
from tricks.schedule.step_decay import StepDecay

FILE = ROOT / "docs" / "compatibility.md"
BASELINE = Recipe(optimizer=SGD(), schedule=StepDecay())
HEAD = """# Which tricks go together

Written by `python -m tests.compatibility`; a test holds it true. All pairs of tricks that are not
named here can be composed, and a test trains each of them. Both are taken at their defaults, on a
baseline where each of them changes something.
"""


def bag() -> list[Trick]:
    """Every trick of the bag at its defaults; what a baseline has is set otherwise."""
    otherwise = {"sgd": "sgd(momentum=0.8)", "step-decay": "step-decay(gamma=0.2)"}
    names = [name for name, cls in registry().items() if cls.group() != "plugin"]
    return [parse(otherwise.get(name, name)) for name in names]


def conflicts() -> dict[tuple[str, str], str]:
    """(trick, trick) -> why they exclude each other."""
    found = {}
    for one, two in itertools.combinations(bag(), 2):
        try:
            compose(ground(one, two, baseline=BASELINE), [one, two])
        except TrickConflict as conflict:
            found[one.name, two.name] = reason(one, two, str(conflict))
    return found


def reason(one: Trick, two: Trick, message: str) -> str:
    """`message` for a table whose other columns name the tricks."""
    shared = [name for name in one.edits().sets if name in two.edits().sets]
    if "both set" in message and shared:
        return f"both set `{shared[0]}`"
    return message.partition(": ")[2]


def alternatives() -> dict[str, list[str]]:
    """Recipe field -> the tricks that set it, where there are several."""
    owners = defaultdict(list)
    for trick in bag():
        for name in trick.edits().sets:
            owners[name].append(trick.name)
    return {name: tricks for name, tricks in owners.items() if len(tricks) > 1}


def document() -> str:
    found = conflicts()
    choices = (
        (f"`{name}`", ", ".join(f"`{trick}`" for trick in tricks))
        for name, tricks in alternatives().items()
    )
    other = [
        (f"`{one}`", f"`{two}`", why)
        for (one, two), why in found.items()
        if not why.startswith("both set ")
    ]
    count = len(bag())
    pairs = count * (count - 1) // 2
    return "\n".join(
        (
            HEAD,
            f"Of {pairs} pairs of {count} tricks, {pairs - len(found)} go together.",
            "\n## One of each row\n",
            "Tricks that set the same field of the recipe are alternatives.\n",
            table(("field", "tricks"), choices),
            "\n## Other pairs that exclude each other\n",
            table(("trick", "trick", "why"), other),
            "\n## Trick by trick\n",
            table(("trick", "cannot stand with"), by_trick(found)),
            "",
        )
    )


def by_trick(found: dict[tuple[str, str], str]) -> list[tuple[str, str]]:
    """One row per trick: the tricks that exclude it, grouped by reason."""
    rows = []
    for trick in bag():
        against = defaultdict(list)
        for pair, why in found.items():
            if trick.name in pair:
                against[why].append(pair[pair[0] == trick.name])
        text = "; ".join(
            f"{', '.join(f'`{name}`' for name in names)} ({why})" for why, names in against.items()
        )
        rows.append((f"`{trick.name}`", text or "–"))
    return rows


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(document())
