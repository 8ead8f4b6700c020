"""The end states of runs, in the words of trackers and schedulers."""

from __future__ import annotations

import pandas as pd

from tricks.errors import BadInput

COLUMNS = (
    "state", "status", "run_state", "run_status", "run state", "run status", "run.state",
    "run.status", "info.status", "sys/state",
)  # fmt: skip
STATES = ("ok", "diverged", "failed", "infra")
# The words of W&B, MLflow, Optuna, Ray, SLURM, ClearML and Comet.
MEANT = {
    "ok": ("", "ok", "done", "success", "successful", "succeeded", "finished", "complete",
           "completed", "published"),
    "diverged": ("diverged", "nan", "exploded"),
    "failed": ("failed", "fail", "failure", "crashed", "error", "errored", "out_of_memory", "oom"),
    "infra": ("infra", "killed", "aborted", "stopped", "cancelled", "canceled", "preempted",
              "preempting", "timeout", "node_fail", "boot_fail", "interrupted"),
    "unfinished": ("running", "pending", "queued", "scheduled", "created", "waiting", "paused",
                   "in_progress", "unfinished", "started", "pruned"),
}  # fmt: skip
WORDS = {word: state for state, words in MEANT.items() for word in words}


def with_states(table: pd.DataFrame, where: str) -> tuple[pd.DataFrame, list[str]]:
    """The table with `STATES` in its column `state`, and notes; unfinished runs are left out.

    Raises BadInput for an unknown word.
    """
    names = {str(name).casefold(): str(name) for name in reversed(table.columns)}
    column = next((names[name] for name in COLUMNS if name in names), None)
    if column is None:
        return table, []
    words = table[column].str.strip().str.lower().str.replace(r"[\s-]+", "_", regex=True)
    strange = ~words.isin(list(WORDS))
    if strange.any():
        row = int(strange.to_numpy().argmax())
        raise BadInput(
            f"{where}, line {table.index[row]}, column {column!r}: unknown state "
            f"{table[column].iloc[row].strip()!r}; known: {', '.join(filter(None, WORDS))}"
        )
    states = words.map(WORDS)
    goes_on = states == "unfinished"
    if goes_on.all():
        raise BadInput(f"{where}: column {column!r} says that no run has ended yet")
    notes = []
    if goes_on.any():
        said = ", ".join(sorted(set(words[goes_on])))
        notes.append(f"{int(goes_on.sum())} rows of unfinished runs ({said}) are left out.")
    bad = words[~states.isin(["ok", "unfinished"])]
    if not set(bad) <= set(STATES):
        counts = ", ".join(f"{int(n)} {word}" for word, n in bad.value_counts().items())
        notes.append(f"Some runs did not finish ({counts}): their values do not count.")
    table = table.drop(columns=column).assign(state=states)[~goes_on]
    return table, notes
