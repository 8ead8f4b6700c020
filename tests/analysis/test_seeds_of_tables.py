"""Seeds in tables of runs: their columns and forms, rows without one, and rows of no run."""

import pytest
from tracker_tables import RUNS, effect, written

from runner.analysis.data.runs_file import from_file
from tricks.errors import BadInput


@pytest.mark.parametrize("seed", ["training.seed", "config.trainer.seed", "random_state"])
def test_a_nested_seed_is_no_factor(tmp_path, seed):
    # Only config's columns are settings of the runs once one has this prefix.
    mixup = "config.mixup" if seed.startswith("config.") else "mixup"
    rows = "".join(f"{s},{m},{a}\n" for m, s, a in RUNS)
    found = from_file(written(tmp_path, f"{seed},{mixup},accuracy\n{rows}"))
    assert effect(found).effect == pytest.approx(2)
    assert found.runs["seed"].tolist() == [0, 1, 2, 3] * 2


def test_a_seed_of_the_data_beside_that_of_the_network_is_no_factor(tmp_path):
    rows = "".join(f"{s},{s % 2},{m},{a}\n" for m, s, a in RUNS)
    found = from_file(written(tmp_path, f"model.seed,data.seed,mixup,accuracy\n{rows}"))
    assert effect(found).effect == pytest.approx(2)


def test_a_seed_written_as_a_float_is_the_same_seed(tmp_path):
    rows = "".join(f"{s},{m},{a}\n{s}.0,{m},{a}\n" for m, s, a in RUNS)
    found = from_file(written(tmp_path, f"seed,mixup,accuracy\n{rows}"))
    assert any("8 rows repeat an arm with the same seed" in note for note in found.notes)


def test_a_table_without_seeds_that_was_appended_twice_is_told(tmp_path):
    rows = "".join(f"{m},{a}\n" for m, _, a in RUNS)
    found = from_file(written(tmp_path, f"mixup,accuracy\n{rows}{rows}"))
    assert any("8 rows repeat another row in every column" in note for note in found.notes)
    once = from_file(written(tmp_path, f"mixup,accuracy\n{rows}"))
    assert not any("repeat" in note for note in once.notes)


def test_rows_without_a_seed_leave_the_seeds_out(tmp_path):
    rows = "".join(f"{s or ''},{m},{a},{a / 7}\n" for m, s, a in RUNS)
    found = from_file(written(tmp_path, f"seed,mixup,accuracy,val_loss\n{rows}"))
    assert effect(found).effect == pytest.approx(2)
    assert "2 rows have no seed: seeds are not used." in found.notes


def test_runs_that_failed_need_no_seed_and_repeat_nothing(tmp_path):
    rows = "".join(f"{s},{m},{a},ok\n" for m, s, a in RUNS) + 2 * ",on,,failed\n"
    found = from_file(written(tmp_path, f"seed,mixup,accuracy,state\n{rows}"))
    assert "seed" in found.runs
    assert not found.notes
    rows = "".join(f"{m},{a},ok\n" for m, s, a in RUNS) + 2 * "on,,failed\n"
    assert not from_file(written(tmp_path, f"mixup,accuracy,state\n{rows}")).notes


def test_seeds_that_are_words_beside_numbers_stay_words(tmp_path):
    rows = "".join(f"{s or 'a'},{m},{a},{a / 7}\n" for m, s, a in RUNS)
    found = from_file(written(tmp_path, f"seed,mixup,accuracy,val_loss\n{rows}"))
    assert effect(found).effect == pytest.approx(2)
    assert found.runs["seed"].tolist() == ["a", "1", "2", "3"] * 2


@pytest.mark.parametrize("word", ["mean", "Average", " STD "])
def test_a_row_that_summarises_others_is_no_run(tmp_path, word):
    rows = "".join(f"{s},{m},{a}\n" for m, s, a in RUNS)
    path = written(tmp_path, f"seed,mixup,accuracy\n{rows}{word},0,90.15\n")
    with pytest.raises(BadInput, match=r"line 10, column 'seed': .* summarise other rows"):
        from_file(path)
