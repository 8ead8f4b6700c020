"""`start=`: a file of weights, or a recorded run, at the command line and in a study's file."""

from __future__ import annotations

import pytest

import tricks_bench as tb

LINE = ("run", "--tricks", "none", "--seeds", "1", "--dry-run")
FIELDS = ("--set", "epochs=2", "--set", "batch_size=16", "--set", "train_images=128")


def ids(cli, *more):
    return cli(*LINE, *FIELDS, *more)


def test_a_run_s_id_is_its_saved_model(cli, kept):
    id = kept[0]["id"]
    told = ids(cli, "--factor", f"start=scratch,{id[:8]}")
    assert f"start: scratch, results/models/{id}.safetensors" in told.out
    by_file = ids(cli, "--factor", f"start=scratch,results/models/{id}.safetensors")
    assert by_file.out == told.out
    told = ids(cli, "--set", f"start={id[:8]}", "--factor", "lr_scale=1,2")
    assert f"start = results/models/{id}.safetensors in all arms" in told.out


def test_a_study_s_file_starts_from_a_run(cli, kept, tmp_path):
    id = kept[0]["id"]
    (tmp_path / "s.toml").write_text(
        f'tricks = []\n[levels.start]\nfresh = ""\nmine = "start={id[:8]} + epochs=3"\n'
    )
    told = cli(*LINE, "--study", "s.toml", "--json").json
    assert told["arms"] == 2
    (tmp_path / "s.toml").write_text(f'tricks = ["cosine"]\n[set]\nstart = "{id[:8]}"\n')
    told = cli("run", "--dry-run", "--study", "s.toml")
    assert f"start = results/models/{id}.safetensors in all arms" in told.out


def test_python_takes_a_run_s_id_or_its_start_too(kept, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    id, settings = kept[0]["id"], {"epochs": 2, "batch_size": 16, "train_images": 128}
    file = f"results/models/{id}.safetensors"
    by_file = tb.study(tricks=[], factor={"start": ["scratch", file]}, settings=settings)
    for text in (id, id[:8]):
        study = tb.study(tricks=[], factor={"start": ["scratch", text]}, settings=settings)
        assert study.as_stored() == by_file.as_stored()
    held = tb.study(
        tricks=["cosine"], settings={**settings, "start": id[:8]}, results=tmp_path / "results"
    )
    assert held.settings["start"] == str(tmp_path / file)
    with pytest.raises(tb.BadInput, match="unknown run 'fffffff'"):
        tb.study(tricks=["cosine"], settings={"start": "fffffff"})
    with pytest.raises(tb.BadInput, match="start must be scratch, pretrained, or a file"):
        tb.study(tricks=["cosine"], settings={"start": id[:8]}, results="elsewhere")


def test_training_goes_on_from_a_saved_model(cli, kept):
    id = kept[0]["id"]
    done = cli("run", *LINE[1:5], *FIELDS, "--factor", f"start=scratch,{id[:8]}", "--name", "on")
    assert done.code == 0, done.err
    assert "tensors loaded" in done.out + done.err
    rows = cli("export", "on", "-o", "on.csv")
    assert rows.code == 0, rows.err


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("warm", "start must be scratch, pretrained, or a file of weights"),
        ("nowhere.safetensors", "start: the weights nowhere.safetensors: No such file"),
        ("fffffff", "unknown run 'fffffff'"),
    ],
)
def test_a_start_that_is_none(cli, kept, start, message):
    done = cli(*LINE, "--set", f"start={start}", "--factor", "lr_scale=1,2")
    assert done.code == 2
    assert message in done.err


def test_a_run_without_a_saved_model(cli, kept):
    done = cli(*LINE, "--set", f"start={kept[2]['id']}", "--factor", "lr_scale=1,2")
    assert done.code == 2
    assert "--save-models" in done.err
