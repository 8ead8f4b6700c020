"""analyze of a table from another tool: what it reads, and its messages."""

import random

import pytest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a;accuracy\n0;90\n1;91\n", "its columns are separated by ';'"),
        ("a,accuracy\n0,90\n1,140\n", "line 3, column 'accuracy': 140 is no value in per cent"),
    ],
)
def test_a_table_that_is_none_of_per_cents(cli, tmp_path, text, said):
    (tmp_path / "t.csv").write_text(text)
    result = cli("analyze", "t.csv")
    assert result.code == 2
    assert said in result.err


def test_thirty_factors_in_twenty_runs_are_said_in_lines_to_read(cli, tmp_path):
    rng = random.Random(0)
    lines = [",".join([*(f"f{i}" for i in range(30)), "accuracy"])]
    lines += [",".join([*rng.choices("01", k=30), f"{90 + rng.random():.3f}"]) for _ in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    said = cli("analyze", "t.csv")
    assert said.code == 0
    below = said.out.split("run-to-run sd")[1].splitlines()
    assert len(below) < 20
    assert max(map(len, below)) < 250
    effects = cli("analyze", "t.csv", "--json").json["effects"]
    assert all("cannot be separated from" in effect["reason"] for effect in effects)


def test_no_p_is_printed_as_zero(cli, tmp_path):
    rows = "".join(f"{a},{50 + 40 * a + r % 7 / 100:.2f}\n" for a in (0, 1) for r in range(800))
    (tmp_path / "t.csv").write_text("a,accuracy\n" + rows)
    row = cli("analyze", "t.csv").out.splitlines()[2].split()
    assert (row[0], row[-3:]) == ("a", ["<0.001", "helps", "1,600"])


def test_a_number_too_large_to_be_squared_is_told(cli, tmp_path):
    (tmp_path / "t.csv").write_text("a,loss\n0,1\n0,2\n1,1e300\n1,3\n")
    result = cli("analyze", "t.csv", "--metric", "loss")
    assert result.code == 2
    assert "line 4, column 'loss': 1e300 is too large" in result.err


def test_a_table_is_compared_with_the_level_that_is_named(cli, tmp_path):
    rows = "".join(f"{o},{w},{90 + i + r / 10}\n" for i, o in enumerate(("adam", "SGD", "lars"))
                   for w in ("0.1", "0.20") for r in range(2))  # fmt: skip
    (tmp_path / "t.csv").write_text("optimizer,width,accuracy\n" + rows)
    line = ("analyze", "t.csv", "--reference", "optimizer=sgd", "--reference", "width=0.2")
    effects = cli(*line, "--json").json["effects"]
    assert [(e["level"], e["reference"]) for e in effects] == [
        ("adam", "SGD"), ("lars", "SGD"), ("0.1", "0.2"),
    ]  # fmt: skip
    assert effects[1]["effect"] == pytest.approx(1)
    assert "compared with: optimizer=SGD, width=0.2" in cli(*line).out
    assert "compared with: optimizer=adam, width=0.1" in cli("analyze", "t.csv").out
    for wrong, said in (("optimizer=sdg", "unknown level of optimizer 'sdg'"), ("b=1", "known: ")):
        result = cli("analyze", "t.csv", "--reference", wrong)
        assert result.code == 2
        assert said in result.err
    study = cli("analyze", "mine", "--reference", "a=1")
    assert study.code == 2
    assert "--reference is for a table" in study.err


@pytest.mark.parametrize("more", ["", ",b"])
def test_level_one_of_three_is_named(cli, tmp_path, more):
    rows = [(a, b, 90 + a + b + r / 10) for a in range(3) for b in (0, 1) for r in range(2)]
    cells = [f"{a},{y}{f',{b}' * bool(more)}" for a, b, y in rows]
    (tmp_path / "t.csv").write_text("\n".join([f"a,accuracy{more}", *cells]))
    effects = cli("analyze", "t.csv", "--json").json["effects"]
    assert [e["label"] for e in effects] == ["a=1", "a=2", *(["b"] if more else [])]


def test_levels_that_are_one_number_are_one_level(cli, tmp_path):
    (tmp_path / "t.csv").write_text("a,accuracy\n-0,90\n0,91\n0.0,90.5\n1,92\n1.0,93\n")
    assert [e["level"] for e in cli("analyze", "t.csv", "--json").json["effects"]] == ["1"]


def test_what_cannot_be_told_apart_is_said_of_each(cli, tmp_path):
    arms = [(a, a, c) for a in (0, 1) for c in (0, 1)] * 2
    rows = "".join(f"{a},{b},{c},{90 + 2 * a + i % 3}\n" for i, (a, b, c) in enumerate(arms))
    (tmp_path / "t.csv").write_text("a,b,c,accuracy\n" + rows)
    out = cli("analyze", "t.csv").out
    assert "a: cannot be separated from b\nb: cannot be separated from a\n" in out
    assert "c: " not in out


def test_a_table_made_elsewhere_is_not_sent_to_a_study(cli, stub, tmp_path):
    (tmp_path / "t.csv").write_text("a,accuracy\n0,90\n0,91\n1,92\n1,93\n")
    assert "--confirm" not in cli("analyze", "t.csv").out
    cli("run", "--tricks", "warmup", "--seeds", "2")
    assert "--confirm" in cli("analyze").out


def test_a_run_that_stands_twice_in_a_table_is_told(cli, tmp_path):
    rows = "".join(f"{a},{s},{90 + a + s / 10}\n" for a in (0, 1) for s in range(3))
    (tmp_path / "once.csv").write_text("a,seed,accuracy\n" + rows)
    (tmp_path / "twice.csv").write_text("a,seed,accuracy\n" + rows + rows)
    assert "same seed" not in cli("analyze", "once.csv").out
    assert "6 rows repeat an arm with the same seed" in cli("analyze", "twice.csv").out


def test_no_effect_helps_before_the_direction_is_told(cli, tmp_path):
    rows = "".join(f"{m},{s},{0.9 + m / 50 + s / 1000}\n" for m in (0, 1) for s in range(4))
    (tmp_path / "t.csv").write_text(f"mixup,seed,strength\n{rows}")
    line = ("analyze", "t.csv", "--metric", "strength")
    said = cli(*line)
    assert "raises" in said.out
    assert "helps" not in said.out.replace("no effect helps", "")
    assert "Say it with --larger-is-better or --smaller-is-better" in said.out
    answer = cli(*line, "--json").json
    assert (answer["larger_is_better"], answer["best"]) == (None, None)
    for flag, verdict in (("--smaller-is-better", "hurts"), ("--larger-is-better", "helps")):
        assert cli(*line, flag, "--json").json["effects"][0]["verdict"] == verdict
