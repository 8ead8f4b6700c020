"""A store that cannot be used, or a damaged study in it: one clear line."""

from pathlib import Path

import pytest

from runner.records.store import Store


@pytest.mark.parametrize("command", ["run --dry-run", "run", "status", "report", "analyze"])
def test_a_store_of_a_newer_schema_is_left_alone(cli, tmp_path, stub, command):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "FORMAT").write_text("tricks-bench store, schema 99\n")
    result = cli(*command.split())
    assert result.code == 2
    assert "schema 99" in result.err
    assert "upgrade tricks-bench" in result.err
    assert [p.name for p in (tmp_path / "results").iterdir()] == ["FORMAT"]


def test_a_store_that_is_a_file(cli, tmp_path, stub):
    (tmp_path / "results").write_text("mine")
    result = cli("run", "--tricks", "warmup")
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert (tmp_path / "results").read_text() == "mine"


def test_a_study_in_the_store_that_varies_nothing_is_named(cli, stub):
    cli("run", "--tricks", "warmup", "--seeds", "1")
    file = Path("results", "studies", "digits-add-one", "study.toml")
    text = "".join(x for x in file.read_text().splitlines(True) if "sha256" not in x)
    file.write_text("factors = []\n" + text[: text.index("[[factors]]")])
    for command in ("analyze", "report", "status"):
        result = cli(command)
        assert result.code == 2
        assert "study.toml: factors is not what a study has there" in result.err
        assert "`tricks-bench doctor results --repair` sets the study aside" in result.err
    cli("doctor", "results", "--repair")
    assert "2 recorded" in cli("run", "--tricks", "warmup", "--seeds", "1").out
    assert cli("analyze").code == 0


@pytest.mark.parametrize(
    ("cut", "line", "said"),
    [
        ("[[factors]]", "", "it has no factors"),
        ("seeds = 1", 'seeds = "x"', "study.toml: seeds is not what a study has there"),
    ],
)
def test_a_damaged_study_in_the_store_is_named(cli, stub, cut, line, said):
    cli("run", "--tricks", "warmup", "--seeds", "1")
    file = Store("results").root / "studies" / "digits-add-one" / "study.toml"
    text = "".join(x for x in file.read_text().splitlines(True) if "sha256" not in x)
    file.write_text(text.replace(cut, line) if line else text[: text.index(cut)])
    commands = ["run --study digits-add-one --dry-run"]
    if not line:
        commands += ["report", "analyze", "export -o x.csv", "status"]
    for command in commands:
        result = cli(*command.split())
        assert result.code == 2, command
        assert said in result.err
        assert "study.toml" in result.err
        assert result.err.count("\n") == 1


def test_a_folder_in_which_nothing_can_be_made_is_told_first(cli, stub, tmp_path):
    result = cli("run", "--tricks", "warmup", "--results", "/proc/results")
    assert result.code == 2
    assert "cannot use /proc/results as a store: /proc is not writable" in result.err
    assert not list(tmp_path.iterdir())
