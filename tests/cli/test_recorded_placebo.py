"""A placebo on the command line."""

from pathlib import Path

from runner.records.store import Store

LINE = ("run", "--grid", "screen", "--tricks", "warmup,cosine,mixup", "--placebo")


def test_an_old_study_named_by_its_flags_goes_on_as_it_was(cli, stub):
    """Its study.toml does not mention the placebo's column, the same in all replicates."""
    Path("old.toml").write_text(
        'grid = "screen"\ntricks = ["warmup", "cosine", "mixup"]\nplacebo = true\n'
        'placebo_level = "column"\n'
    )
    assert cli("run", "--study", "old.toml", "--seeds", "1").code == 0
    before = list(stub.ids)
    stored = Store("results").root / "studies" / "digits-screen" / "study.toml"
    assert "placebo_level" not in stored.read_text()
    plan = cli(*LINE, "--seeds", "2", "--dry-run", "--json").json
    assert (plan["recorded"], plan["missing"]) == (24, 24)
    done = cli(*LINE, "--seeds", "2")
    assert done.code == 0, done.err
    assert (stub.ids[:24], len(stub.ids)) == (before, 48)
    assert "placebo_level" not in stored.read_text()
    assert cli("status", "--json").json["planned"] == 48


def test_a_new_study_draws_it(cli, stub):
    assert cli(*LINE, "--seeds", "1").code == 0
    stored = Store("results").root / "studies" / "digits-screen" / "study.toml"
    assert 'placebo_level = "drawn"' in stored.read_text()
