"""A real run leaves examples and predictions, and its report shows both without torch."""

import pytest

pytestmark = pytest.mark.slow


def test_a_report_shows_what_the_runs_kept(cli, tmp_path):
    line = ("run", "--tricks", "randaugment", "--seeds", "2", "--set", "epochs=1", "--set",
            "train_images=128", "--workers", "1", "--yes")  # fmt: skip
    done = cli(*line)
    assert done.code == 0, done.err
    assert len(list(tmp_path.glob("results/examples/*/*.npz"))) == 2
    assert cli("report").code == 0
    text = (tmp_path / "reports/digits-add-one/report.md").read_text()
    for name in ("augmentations.png", "class-changes.png", "confusion.png", "losses.png"):
        assert (name in text) == (name != "losses.png"), "one epoch makes no curve of losses"
        assert (tmp_path / "reports/digits-add-one" / name).exists() == (name in text)
    assert cli("doctor").code == 0
    assert cli("export", "digits-add-one", "-o", "kept").code == 0
    assert len(list(tmp_path.glob("kept/examples/*.npz"))) == 2
    assert cli("report", "kept", "--out", "again").code == 0
    assert "augmentations.png" in (tmp_path / "again/report.md").read_text()
