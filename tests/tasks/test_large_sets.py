"""ImageNet's splits, from labels only: images are read when they are needed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torchvision

from runner.tasks.bundled.torchvision_names import fingerprint
from runner.tasks.registry import find

CLASSES, EACH = 1000, 45


class Labels:
    """A data set with labels like torchvision's ImageNet."""

    def __init__(self, root: Path, split: str) -> None:
        self.targets = [i % CLASSES for i in range(CLASSES * (EACH if split == "train" else 5))]

    def __len__(self) -> int:
        return len(self.targets)


def test_imagenet_holds_out_a_fixed_number_and_probes_each_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torchvision.datasets, "ImageNet", Labels)
    splits = find("imagenet").load(tmp_path, None)
    assert len(splits.validation) == 20_000
    assert splits.validation.labels.bincount().tolist() == [20] * CLASSES
    assert len(splits.train) == CLASSES * EACH - 20_000
    assert len(splits.test) == 5 * CLASSES
    assert splits.probe.labels.bincount().tolist() == [1] * CLASSES


def test_what_is_held_out_is_in_the_identity(tmp_path: Path) -> None:
    for name in ("ImageNet", "Imagenette"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    assert fingerprint("ImageNet", tmp_path)["split"] == [20_000, 0.15]
    assert fingerprint("Imagenette", tmp_path)["split"] == [0.15, 0.15]
