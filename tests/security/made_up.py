"""Words, tables, studies, records and exports that hypothesis makes up, some nearly right."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from hypothesis import strategies as st

from runner.records.record import COLUMNS

GOLDEN = Path(__file__).parents[1] / "records" / "golden" / "schema-1"

words = st.sampled_from(
    ["mixup", "warmup", "cosine", "optimizer", "sgd", "adamw", "epochs", "lr_scale", "alpha", "off",
     "on", "none", "digits", "full", "accuracy", "seed", "state", "nan", "inf", "-1", "1e999", "0",
     "1", "", "=", "(", ")", ",", "'", '"', "mixup(alpha=0.4)", "warmup(epochs=2)", "auto", "#"]
)  # fmt: skip
text = words | st.text(max_size=12)
joined = st.lists(text, max_size=6).map("".join)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | text
    | st.sampled_from([10**400, -(2**63), 1e308, -0.0])
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)

KEYS = ("task", "grid", "tricks", "factor", "set", "seeds", "name", "reference", "order", "runs",
        "control_seeds", "tune", "tune_seeds", "placebo", "confirm", "until",
        "sequential")  # fmt: skip
sensible = {
    "task": st.sampled_from(["digits", "digit", "folder:x", "csv:x#y"]),
    "grid": st.sampled_from(["add-one", "full", "pairs", "cumulative", "screen", "fraction"]),
    "tricks": st.lists(words, max_size=3),
    "seeds": st.integers(-1, 5),
    "factor": st.dictionaries(words, st.lists(scalars, max_size=3), max_size=2),
    "set": st.dictionaries(words, scalars, max_size=2),
}
studies = st.dictionaries(st.sampled_from(KEYS) | text, values, max_size=5) | st.fixed_dictionaries(
    {}, optional={**sensible, **{k: values for k in KEYS if k not in sensible}}
)


@st.composite
def tables(draw: st.DrawFn) -> str:
    """A CSV that is a table of runs, or nearly."""
    if draw(st.booleans()):
        share = st.floats(80, 99).map(lambda x: f"{x:.2f}")
        cell = [st.sampled_from(["0", "1"]), st.sampled_from(["off", "on", "x\x1b"]), share]
        rows = draw(st.lists(st.tuples(*cell), min_size=2, max_size=16))
        return "a,b,accuracy\n" + "".join(f"{','.join(row)}\n" for row in rows)
    names = draw(st.lists(text, min_size=1, max_size=4))
    names += draw(st.sampled_from([[], ["accuracy"], ["seed", "accuracy"]]))
    level = st.sampled_from(["0", "1", "off", "on"]) | text
    number = st.floats(-1, 101).map(str) | st.sampled_from(["90", "91.5"]) | text
    cells = [number if name == "accuracy" else level for name in names]
    rows = draw(st.lists(st.tuples(*cells), max_size=12))
    if draw(st.booleans()):
        rows += rows[:3]
    out = io.StringIO()
    lines = csv.writer(out, delimiter=draw(st.sampled_from(",,,;")))
    lines.writerows([names, *rows])
    return out.getvalue()


GOOD = json.loads(next((GOLDEN / "results" / "runs").glob("*/*.json")).read_bytes())
records = st.dictionaries(st.sampled_from([*sorted(GOOD), "plugins"]) | text, values, max_size=3)

cells = st.fixed_dictionaries(
    {
        "column": st.sampled_from(["id", "size", "changed", "state", "seed", *COLUMNS]),
        "row": st.integers(0, 8),
        "cell": scalars,
    }
)

stored = st.fixed_dictionaries(
    {
        "asked": st.dictionaries(
            st.sampled_from([*KEYS, "factors", "settings", "arms", "excluded", "saved", "level",
                             "looks", "seeds", "places"]) | text,
            values, max_size=1,
        ),
        "swap": st.just(("off", "off"))
        | st.tuples(st.sampled_from(["off", "on", "0", "id", "seed", ",", "\n", "a"]), text),
    }
)  # fmt: skip

parts = st.sampled_from(["study.toml", "runs.csv", "epochs.csv.gz", "records.jsonl.gz"])
exports = st.tuples(parts, st.binary(max_size=60) | joined | records.map(json.dumps))
