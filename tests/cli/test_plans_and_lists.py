"""Commands without training: plans, lists, recipes, help."""

import pytest

from runner.commands.listing import Row, print_rows


def test_dry_run_keeps_the_contract(cli, tmp_path):
    plan = cli("run", "--grid", "full", "--dry-run", "--json").json
    assert plan["study"] == "digits-full"
    assert (plan["task"], plan["grid"], plan["arms"], plan["excluded"]) == (
        "digits", "full", 768, 0,
    )  # fmt: skip
    assert (plan["runs"], plan["recorded"], plan["missing"]) == (768, 0, 768)
    assert {factor["name"]: factor["levels"] for factor in plan["factors"]}["mixup"] == [
        "off", "on",
    ]  # fmt: skip
    assert not list(tmp_path.iterdir()), "a dry run writes nothing"


def test_impossible_arms_are_counted_aloud(cli):
    line = ("run", "--grid", "full", "--tricks", "cosine,step-decay(gamma=0.5),warmup", "--dry-run")
    plan = cli(*line, "--json").json
    assert (plan["arms"], plan["excluded"]) == (6, 2)
    assert "2 impossible arms are left out: cosine and step-decay" in cli(*line).out


def test_what_all_on_means_is_said_aloud(cli):
    line = ("run", "--grid", "leave-one-out", "--tricks", "warmup,lars,adamw", "--dry-run")
    assert '"all on" means optimizer=lars; adamw is not used' in cli(*line).out
    chosen = cli(*line, "--reference", "optimizer=adamw", "--json").json
    assert chosen["factors"][1]["levels"] == ["sgd", "adamw"]


def test_list_tricks_keeps_the_contract(cli):
    tricks = {trick["name"]: trick for trick in cli("list", "tricks", "--json").json}
    assert {"name", "group", "factor", "source", "parameters", "standard"} <= tricks["mixup"].keys()
    assert tricks["mixup"]["parameters"] == {"alpha": 0.2}
    assert tricks["lars"]["factor"] == "optimizer"
    assert sum(trick["standard"] for trick in tricks.values()) == 10
    lines = {line.split()[0]: line for line in cli("list", "tricks").out.splitlines()}
    for name, trick in tricks.items():
        assert f"[{trick['group']}, " in lines[name]
        assert lines[name].endswith("]")


def test_a_long_text_goes_on_below_itself_on_a_terminal(capsys, monkeypatch):
    rows = [Row("mixup", "word " * 30, {}), Row("lars", "short", {})]
    print_rows(rows)
    assert len(capsys.readouterr().out.splitlines()) == 2
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    print_rows(rows)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= 60
    assert lines[1].startswith("       word")


@pytest.mark.parametrize("what", ["tricks", "tasks", "grids", "studies"])
def test_lists_print(cli, what):
    result = cli("list", what)
    assert result.code == 0
    lines = [line for line in result.out.splitlines() if not line.startswith("`tricks-bench")]
    assert len(cli("list", what, "--json").json) == (
        len(lines) if "no studies" not in result.out else 0
    )


def test_a_results_folder_that_is_no_store_yet_has_no_studies(cli, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "README.md").write_text("what will be here")
    listed = cli("list", "studies")
    assert listed.code == 0
    assert "digits-learning-rates" in listed.out
    assert cli("run", "--study", "nobody", "--dry-run").code == 2


def test_a_shipped_study_is_what_its_flags_would_be(cli):
    flags = (
        "--grid", "full", "--tricks", "lars(lr=8),adamw(lr=0.02),adam(lr=0.02),lion(lr=0.006)",
        "--factor", "lr_scale=0.25,0.5,1,2,4",
        "--seeds", "2", "--name", "digits-learning-rates",
    )  # fmt: skip
    shipped = cli("run", "--study", "digits-learning-rates", "--dry-run", "--json")
    assert shipped.code == 0
    assert shipped.out == cli("run", *flags, "--dry-run", "--json").out


def test_show_a_trick(cli):
    out = cli("show", "mixup(alpha=0.4)").out
    for text in ("mixup(alpha=0.4)", "mix (standard bag)", "alpha = 0.4", "1710.09412", "mixers"):
        assert text in out


def test_show_a_recipe_and_what_differs(cli):
    result = cli("show", "baseline+mixup(alpha=0.4)+cosine")
    assert "mixers: none -> mixup(alpha=0.4)" in result.out
    assert "2 of" in result.out
    assert cli("show", "baseline+lars", "--json").json["changed"] == ["optimizer"]
    assert "0 of" in cli("show", "baseline").out


def test_help_and_version(cli):
    for line in ("--help", "run --help", "analyze --help", "--version"):
        result = cli(*line.split())
        assert result.code == 0, line
        assert "tricks-bench" in result.out
        assert result.err == ""


def test_flags_override_the_study_file(cli, tmp_path):
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\ngrid = "full"\ntricks = ["warmup"]\nseeds = 2\n'
        "[set]\nepochs = 3\nbatch_size = 32\n[factor]\nlr_scale = [0.5, 1, 2.0]\n"
    )
    line = ("run", "--study", "mine.toml", "--dry-run", "--json")
    plan = cli(*line).json
    assert (plan["study"], plan["arms"], plan["runs"]) == ("mine", 6, 12)
    assert plan["settings"] == {"epochs": "3", "batch_size": "32"}
    assert plan["factors"][1]["levels"] == ["1", "0.5", "2"]
    over = cli(*line, "--set", "epochs=4", "--seeds", "1", "--tricks", "warmup,cosine").json
    assert (over["runs"], over["settings"]["epochs"]) == (12, "4")


def test_recorded_runs_of_a_grid_too_large_to_list(cli, stub, monkeypatch):
    line = ("--grid", "full", "--tricks", "warmup,lars,mixup,cutmix", "--factor", "lr_scale=1,2,4")
    cli("run", *line, "--seeds", "1")
    cli("run", "--tricks", "randaugment,warmup", "--set", "epochs=3", "--name", "other")
    listed = cli("run", *line, "--seeds", "2", "--dry-run", "--json").json["recorded"]
    fewer = ("run", "--grid", "full", "--tricks", "warmup,lars", "--name", "few", "--dry-run",
             "--json")  # fmt: skip
    few = cli(*fewer).json["recorded"]
    monkeypatch.setattr("runner.studies.recorded.LISTED", 0)
    assert cli("run", *line, "--seeds", "2", "--dry-run", "--json").json["recorded"] == listed == 48
    assert cli(*fewer).json["recorded"] == few == 4


def test_doctor(cli):
    result = cli("doctor", "--json")
    assert result.code == 0
    assert {"python", "torch", "cores", "device", "store", "plugins"} <= result.json.keys()


def test_no_arguments_print_help(cli):
    result = cli()
    assert "Commands:" in result.out + result.err


def test_what_the_baseline_cannot_take_is_left_out_of_the_standard_bag(cli):
    line = ("run", "--set", "start=pretrained", "--dry-run")
    result = cli(*line)
    assert result.code == 0
    assert "left out of the standard bag: zero-gamma needs start=scratch" in result.out
    assert cli(*line, "--tricks", "zero-gamma").code == 2
