"""run --quick: a proxy that fits the hours, named before it starts and at the report's head."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from runner.planning import probe_run
from runner.planning.probe_run import Timed
from runner.planning.proxy import GOOD_STEPS, LEAST_STEPS, SEEDS, SHARE, Full, size
from runner.records.store import Store
from runner.records.studies import load_study
from runner.studies.quick import changes, weights_at_hand
from runner.tasks.fine_tuning import FINE_TUNING
from runner.tasks.registry import find
from tricks.errors import BadInput
from tricks.recipe import Recipe

FULL = st.builds(
    lambda epochs, images, batch, step, fixed, classes, set_epochs, set_images: Full(
        epochs, images, batch, step, fixed,
        epochs if set_epochs else min(5, epochs), images if set_images else min(images, classes),
    ),
    st.integers(1, 300), st.integers(10, 100_000), st.integers(1, 512), st.floats(1e-3, 5),
    st.floats(0.1, 60), st.integers(2, 200), st.booleans(), st.booleans(),
)  # fmt: skip


def steps(full, found):
    return found.epochs * full.steps(found.images)


@settings(deadline=None, max_examples=400)
@given(FULL, st.integers(2, 30), st.floats(0.01, 48), st.integers(1, 16))
def test_what_is_chosen_fits_the_hours_and_the_recipe(full, arms, hours, workers):
    try:
        found = size(full, lambda seeds: arms * seeds, arms, hours, workers)
    except BadInput:
        return
    assert found.seeds in SEEDS
    assert full.least_epochs <= found.epochs <= full.epochs
    assert full.least_images <= found.images <= full.images
    rounds = math.ceil(arms * found.seeds / workers)
    assert found.wall * 3600 == pytest.approx(rounds * full.seconds(found.images, found.epochs))
    assert found.wall <= SHARE * hours * (1 + 1e-9)
    if found.seeds > min(SEEDS):  # more seeds only where every run has its steps
        least = min(GOOD_STEPS, full.epochs * full.steps(full.images))
        assert steps(full, found) > least - full.steps(found.images) - found.epochs


@settings(deadline=None, max_examples=200)
@given(FULL, st.integers(2, 30), st.floats(0.01, 24), st.integers(1, 16))
@example(Full(1, 2240, 1, 0.01, 3.1, 1, 2), 24, 0.1, 3)
def test_more_hours_never_train_less(full, arms, hours, workers):
    def total(of):
        try:
            found = size(full, lambda seeds: arms * seeds, arms, of, workers, seeds=3)
        except BadInput:
            return 0
        return found.images, found.epochs * full.steps(found.images)

    less, more = total(hours), total(2 * hours)
    if less:
        assert more
        assert more[0] >= less[0]


@settings(deadline=None, max_examples=200)
@given(FULL, st.integers(3, 30), st.integers(1, 16))
def test_the_hours_that_are_asked_for_do(full, arms, workers):
    def runs(seeds):
        return arms * seeds

    with pytest.raises(BadInput) as told:
        size(full, runs, arms, 1e-9, workers)
    hours = float(str(told.value).split("--hours ")[1].split(",")[0])
    found = size(full, runs, arms, hours, workers)
    assert found.seeds >= 3


def test_by_hand():
    # 30 minutes of two workers, 4 arms, 1 s a step: 12 runs in 6 rounds of 255 s, so 250 steps.
    full = Full(30, 10_000, 64, 1.0, 5.0, 5, 10)
    found = size(full, lambda seeds: 4 * seeds, 4, 0.5, 2)
    assert (found.seeds, found.epochs, found.images) == (3, 5, 50 * 64)
    assert found.wall == pytest.approx(6 * 255 / 3600)
    # Ten times as fast: 2,500 steps fit with three seeds, 300 with 22, so ten seeds.
    fast = size(Full(30, 10_000, 64, 0.1, 5.0, 5, 10), lambda seeds: 4 * seeds, 4, 0.5, 2)
    assert fast.seeds == 10
    assert fast.epochs * (fast.images // 64) == 715
    with pytest.raises(BadInput, match=r"4 arms with 3 seeds take .* or --tricks with 1 tricks"):
        size(full, lambda seeds: 4 * seeds, 4, 0.08, 2)
    assert LEAST_STEPS == 60


def test_the_network_is_a_small_pretrained_one_where_weights_are_at_hand(tmp_path):
    assert weights_at_hand(tmp_path) is None
    for name in ("resnet18.a1_in1k", "tf_efficientnet_lite0.in1k"):
        place = tmp_path / f"models--timm--{name}" / "snapshots" / "1"
        place.mkdir(parents=True)
        (place / "model.safetensors").touch()
    (tmp_path / "models--timm--mobilenetv3_small_100.x" / "snapshots" / "1").mkdir(parents=True)
    assert weights_at_hand(tmp_path) == "tf_efficientnet_lite0.in1k"
    assert changes(FINE_TUNING, "resnet18.a1_in1k", ()) == {
        "model": "resnet18.a1_in1k", "resolution": 128, "stored_side": 146,
    }  # fmt: skip


def test_without_weights_it_is_a_small_network_from_scratch():
    assert changes(FINE_TUNING, None, ()) == {
        "model": "small-image-resnet50", "start": "scratch", "width": 0.125, "stem": 4,
        "lr_scale": 5.0, "resolution": 64, "stored_side": 73,
    }  # fmt: skip
    assert changes(find("digits").baseline, "resnet18", ()) == {}
    assert changes(Recipe(model="resnet18", resolution=32), "resnet18", ())["model"] != "resnet18"


def test_what_the_user_has_set_stays():
    kept = ("model", "resolution", "stored_side")
    assert changes(FINE_TUNING, "resnet18", kept) == {}
    assert set(changes(FINE_TUNING, None, ("resolution", "lr_scale"))) == {
        "model", "start", "width", "stem", "stored_side",
    }  # fmt: skip


@pytest.fixture
def images(tmp_path, monkeypatch):
    """A folder of two classes, and hours by a step of 1 s."""
    monkeypatch.setattr("runner.launch.quick.weights_at_hand", lambda: None)

    def measured(specs, work, at_a_time=1):
        [train] = {spec.data["train_images"] for spec in specs}
        return [Timed(0.4, 0.001, train or 2000, 300, 100, 400, 2, 64) for _ in specs]

    monkeypatch.setattr(probe_run, "measured_steps", measured)
    monkeypatch.setattr(probe_run, "check_networks", lambda specs, work: [])
    rng = np.random.default_rng(0)
    for kind in ("cat", "dog"):
        (tmp_path / "pets" / kind).mkdir(parents=True)
        for i in range(8):
            pixels = rng.integers(0, 255, (40, 50, 3)).astype("uint8")
            Image.fromarray(pixels).save(tmp_path / "pets" / kind / f"{i}.png")
    return "folder:pets"


LINE = ("--quick", "--hours", "0.1", "--tricks", "cosine,mixup", "--workers", "2", "--name", "pets")


def test_a_dry_run_says_all_of_it_and_writes_nothing(cli, images, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    said = cli("run", "--task", images, *LINE, "--dry-run")
    assert said.code == 0, said.err
    for text in (
        "no small pretrained network is available, so the proxy starts from scratch",
        "model small-image-resnet50 (full recipe: resnet50)", "resolution 64 (full recipe: 224)",
        "3 arms with 3 seeds: about", "run-to-run sds",
        "pets-quick: add-one", "lr_scale = 5 in all arms",
    ):  # fmt: skip
        assert text in said.out
    plan = cli("run", "--task", images, *LINE, "--dry-run", "--json").json
    assert plan["study"] == "pets-quick"
    assert plan["proxy"]["model"] == "resnet50"
    assert plan["proxy"]["train_images"] == "2000"
    assert int(plan["settings"]["train_images"]) < 2000
    assert sorted(tmp_path.rglob("*")) == before


def test_it_goes_on_as_it_was_chosen_and_the_report_says_proxy(
    cli, images, stub, monkeypatch, no_drawing
):
    line = ("run", "--task", images, *LINE, "--set", "train_images=12")
    done = cli(*line)
    assert done.code == 0, done.err
    held = load_study(Store("results", create=False), "pets-quick").asked
    assert held.proxy["model"] == "resnet50"
    assert "train_images" not in held.proxy
    trained = len(stub.ids)
    monkeypatch.setattr(probe_run, "measured_steps", None)  # nothing is chosen anew
    again = cli(*line)
    assert again.code == 0, again.err
    assert "continues with the proxy as it was chosen" in again.out
    assert len(stub.ids) == trained
    assert cli("run", "--study", "pets-quick", "--dry-run", "--json").json["missing"] == 0
    assert cli("report").code == 0
    with open("reports/pets-quick/report.md") as file:
        head = file.read().partition("\n## ")[0]
    assert "These are figures of a proxy, not of the full recipe: model small-image" in head
    notes = cli("analyze", "--json").json["notes"]
    assert any("figures of a proxy" in note for note in notes)


MISTAKES = [
    ("--hours 1", "--hours is for --quick"),
    ("--quick --hours 0", "must be a number above 0"),
    ("--quick --tune lr_scale=1,2", "does not go with --tune"),
    ("--quick --until decided", "does not go with --until"),
    ("--quick --equal time", "does not go with --equal"),
    ("--quick --smoke", "do not go together"),
    ("--quick --factor epochs=5,10", "chooses the epochs itself"),
    ("--quick --hours 0.001", "hours at least"),
]


@pytest.mark.parametrize(("line", "said"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_one_line(cli, images, line, said):
    result = cli("run", "--task", images, "--tricks", "cosine,mixup", *line.split(), "--dry-run")
    assert result.code == 2
    assert said in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.slow
def test_a_real_quick_study(cli, tmp_path):
    line = ("run", "--tricks", "cosine", "--quick", "--hours", "0.01", "--workers", "2")
    result = cli(*line)
    assert result.code == 0, result.err
    assert {row["state"] for row in Store("results").rows().values()} <= {"ok", "diverged"}
