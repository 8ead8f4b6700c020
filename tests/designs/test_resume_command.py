"""Whether a study with an array, or with more control seeds, may continue under its name."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from runner.records.record_schema import read
from runner.records.store import Store
from runner.records.studies import load_study, save_study
from runner.studies.asked import Asked, from_stored
from runner.studies.membership import Membership
from runner.studies.recorded import check_extends
from runner.studies.study import build
from tricks import BadInput


def stored(tmp_path, asked):
    study = build(asked)
    rows = [study.row(arm, spec) for arm, spec in study.planned()]
    return save_study(Store(tmp_path / "results"), study.name, study.as_stored(), rows)


@pytest.mark.parametrize(
    ("first", "then", "said"),
    [
        ({}, {"runs": 48}, "has --runs 64, not 48: more --seeds extend it, or choose another name"),
        ({"runs": 32}, {}, "has --runs 32, not 64"),
        ({}, {"placebo": True}, "other factors need another array"),
        ({"tricks": ["warmup", "mixup", "cutmix", "cosine", "evonorm", "zero-gamma"]},
         {"tricks": ["mixup", "warmup", "cutmix", "cosine", "evonorm", "zero-gamma"]},
         "an array over warmup, mixup, .* in this order"),
    ],
)  # fmt: skip
def test_another_array_is_another_study(tmp_path, first, then, said):
    asked = stored(tmp_path, Asked(grid="fraction", **first)).asked
    check_extends(build(Asked(grid="fraction", seeds=2, **first)), asked)
    with pytest.raises(BadInput, match=said):
        check_extends(build(Asked(grid="fraction", **then)), asked)


def test_a_screen_of_other_factors_is_another_study(tmp_path):
    asked = stored(tmp_path, Asked(grid="screen")).asked
    check_extends(build(Asked(grid="screen", seeds=3)), asked)
    with pytest.raises(BadInput, match="another"):
        check_extends(build(Asked(grid="screen", reference={"optimizer": "lars"})), asked)


def test_a_fraction_from_before_one_could_choose_has_64_runs(tmp_path):
    asked = stored(tmp_path, Asked(grid="fraction")).asked
    asked = replace(asked, runs=None)
    check_extends(build(Asked(grid="fraction", runs=64)), asked)
    with pytest.raises(BadInput, match="has --runs 64, not 48"):
        check_extends(build(Asked(grid="fraction", runs=48)), asked)


def test_a_stored_array_is_planned_again_as_it_was(tmp_path):
    for asked in (Asked(grid="fraction", runs=48, placebo=True), Asked(grid="screen", seeds=2)):
        study = stored(tmp_path, asked)
        again = build(from_stored(study.asked, Path("study.toml")))
        assert {spec.id for _, spec in again.planned()} == set(study.ids)


def test_more_seeds_for_the_control_extend_a_study(tmp_path):
    small = {"tricks": ["warmup", "mixup", "cosine", "cutmix"]}
    stored(tmp_path, Asked(seeds=2, control_seeds=3, **small))
    assert len(load_study(Store(tmp_path / "results")).runs) == 4 * 2 + 3
    study = stored(tmp_path, Asked(seeds=2, control_seeds="auto", **small))
    assert study.asked.control_seeds == "auto"
    assert len(study.runs) == 4 * 2 + 4
    study = stored(tmp_path, Asked(seeds=3, **small))
    assert (study.asked.seeds, study.asked.control_seeds) == (3, "auto")
    again = build(from_stored(study.asked, Path("study.toml")))
    assert again.runs == 4 * 3 + 6


def test_a_number_below_the_seeds_is_dropped(tmp_path):
    small = {"tricks": ["warmup", "mixup"]}
    stored(tmp_path, Asked(seeds=2, control_seeds=3, **small))
    study = stored(tmp_path, Asked(seeds=5, **small))
    assert study.asked.control_seeds is None
    assert study.asked == load_study(Store(tmp_path / "results")).asked


@pytest.mark.parametrize(
    "asked",
    [
        Asked(tricks=["warmup", "mixup", "lars"], control_seeds=5, placebo=True),
        Asked(tricks=["warmup", "mixup", "cutmix", "evonorm"], grid="full", placebo=True),
        Asked(grid="fraction", placebo=True, seeds=2),
    ],
)
def test_a_record_is_led_back_to_its_arm(asked):
    """As for grids that are too large to list: each planned run is found exactly once."""
    study = build(asked)
    membership = Membership(study)
    specs = [spec for _, spec in study.planned()]
    records = [read({"id": spec.id, "state": "ok", **spec.to_json()}) for spec in specs]
    assert [membership.count(record) for record in records] == [1] * study.runs
    strange = [replace(record, seed=2**40) for record in records]
    assert not any(membership.count(record) for record in strange)
