"""Published effects of tricks, to compare with measured effects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """One published effect of a trick.

    effect: of top-1 accuracy, in percentage points. data: data set and network. source: where it
    was published. kind: "cumulative", on top of the tricks before it; "at the baseline"; or the
    recipe that it was added to. runs: training runs per row; None if the source does not say.
    verified: whether the number was read in its source.
    """

    effect: float
    data: str
    source: str
    kind: str
    runs: int | None = 1
    verified: bool = True


BASELINE = "at the baseline"


def goyal(effect: float, kind: str, batch: str) -> Published:
    """A comparison of Goyal et al., with means of five runs."""
    data = f"ImageNet, ResNet-50, 90 epochs, batches of {batch}"
    return Published(effect, data, "Goyal et al. 2017, arXiv:1706.02677", kind, 5)


def of_cutmix(effect: float) -> Published:
    """A row of the CutMix paper's table 3."""
    source = "CutMix paper, arXiv:1905.04899"
    data = "ImageNet, ResNet-50, 300 epochs, best epoch"
    return Published(effect, data, source, BASELINE, None)


def torchvision_recipe(effect: float, kind: str = "cumulative") -> Published:
    """A step of torchvision's new training recipe."""
    return Published(
        effect, "ImageNet, ResNet-50", "torchvision's new recipe, PyTorch blog 2021", kind
    )


def assembled_cnn(effect: float, kind: str = "cumulative") -> Published:
    """A step of the paper Assembled-CNN."""
    return Published(effect, "ImageNet, ResNet-50", "Assembled-CNN, arXiv:2001.06268", kind)


def bag_of_tricks(effect: float) -> Published:
    """A step of He et al.'s bag of tricks; their table was not read."""
    source = "He et al. 2019, arXiv:1812.01187"
    return Published(effect, "ImageNet, ResNet-50-D", source, "cumulative", verified=False)


def carrier_of_tricks(effect: float, kind: str) -> Published:
    """A row of hoya012's table on the scenes of Intel."""
    data = "Intel scenes, 3,000 test images, ResNet-50"
    return Published(effect, data, "hoya012, carrier-of-tricks", kind)
