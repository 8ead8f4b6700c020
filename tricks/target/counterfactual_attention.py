"""Counterfactual attention: attend to parts, and learn the effect of the attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from tricks.errors import BadInput
from tricks.target.attention import blanked, boxes, bright, cropped, drawn
from tricks.target.attention_head import attention_head, attentive, head_class, untyped
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

CROP_PADDING = 0.1  # share of the image around a crop while training
ASKED, ASKED_PADDING = 0.1, 0.05  # in prediction: share of the maximum and padding of the crop


@dataclass(frozen=True)
class CounterfactualAttention(Trick):
    """Pool features by learned attention maps, and train the effect of attention over chance.

    It is for classes that differ in small parts. A 1×1 convolution makes maps over the last
    features. Each map pools the features, and one classifier gets all pooled features. Two more
    views go through the network at every step: the crop of one map, and the image with the region
    of another map blanked. The loss is CE(image) / 3 + CE(effect) + 2/3 CE(views) + the distance of
    pooled features from the centre of their class. The effect is the logits minus the logits of
    random attention, for image and views.

    A step takes three times as long, and prediction twice (prediction="raw": once). Features are
    multiplied by 100 before the classifier, as published, so SGD diverges at usual rates: try a
    tenth (lr_scale 0.1). It is for timm's convolutional models and small-image-resnet50. Their maps
    must be larger than one pixel: use images of 64 pixels or more, or `finer`. Soft targets move
    every centre by their share. The classifier has many inputs (M times C). Pretrained weights
    below it are kept.
    """

    name: ClassVar[str] = "counterfactual-attention"
    source: ClassVar[str] = (
        "Rao et al. 2021 (CAL), arXiv:2108.08728; Hu and Qi 2019 (WS-DAN), arXiv:1901.09891"
    )
    stage: ClassVar[int] = 1  # after tricks that change strides, before dropout

    maps: int = 32
    crop: tuple[float, ...] = (0.4, 0.6)  # share of a map's maximum above which pixels are cropped
    drop: tuple[float, ...] = (0.2, 0.5)  # share of a map's maximum above which pixels are blanked
    beta: float = 0.05  # share of the distance that centres move at a step
    prediction: Literal["crop", "raw"] = "crop"  # crop: mean of the image's and its crop's logits
    finer: int = 0  # number of last stages of a ResNet, 0 to 3, that do not downsample

    def __post_init__(self) -> None:
        if self.maps < 1:
            raise ValueError(f"maps must be at least 1, not {self.maps}")
        for name in ("crop", "drop"):
            ends = getattr(self, name)
            if len(ends) != 2 or not 0 < ends[0] <= ends[1] <= 1:
                raise ValueError(f"{name} must be two shares such as (0.4, 0.6), not {ends}")
        if not 0 < self.beta <= 1:
            raise ValueError(f"beta must be above 0 and at most 1, not {self.beta}")
        if self.prediction not in ("crop", "raw"):
            raise ValueError(f"prediction must be crop or raw, not {self.prediction!r}")
        if not 0 <= self.finer <= 3:
            raise ValueError(f"finer must be 0 to 3, not {self.finer}")

    def edits(self) -> Edits:
        predict = {"predict": self} if self.prediction == "crop" else {}
        parts = "it calls the network's parts separately, so nothing would be compiled"
        signs = "attention maps must be at least 0, and evonorm replaces the ReLU that ensures it"
        return Edits(
            sets={"objective": self, **predict},
            adds={"surgery": self},
            needs={
                "compiled": (None, parts),
                "norm": (lambda norm: getattr(norm, "name", "") != "evonorm", signs),
            },
        )

    def operate(self, model: torch.nn.Module) -> None:
        """Give `model` the head, in place. Raises BadInput if it has no maps or no classifier."""
        from torch import nn

        ask: Any = getattr(model, "get_classifier", None)
        old = ask() if ask is not None else None
        place = next((n for n, m in model.named_modules() if m is old), None)
        if not isinstance(old, nn.Linear) or place is None:
            raise BadInput(
                f"counterfactual-attention found no linear classifier in {type(model).__name__}"
            )
        _keep_resolution(model, self.finer)
        channels = _channels(model)
        head = head_class()(channels, old.out_features, self.maps)
        model.set_submodule(place, head.to(old.weight.device))
        model.__class__ = attentive(untyped(model).__class__)

    def loss(self, model: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The batch's mean loss: images (B, C, H, W), targets (B, K)."""
        import torch
        from torch.nn import functional as F

        head, network = attention_head(model), untyped(model)
        logits, effect, pooled, maps = head(network.forward_features(x), parts=True)
        if maps.shape[-2:] == (1, 1):
            raise BadInput(
                f"counterfactual-attention sees maps of one pixel: images of {x.shape[-2]}×"
                f"{x.shape[-1]} pixels are too small; take larger ones (--set resolution=64), or "
                "counterfactual-attention(finer=2)"
            )
        total = F.cross_entropy(logits, y) / 3 + head.spread(pooled, y, self.beta)
        views = self.views(x, drawn(maps, 2))
        seen, seen_effect, _, _ = head(network.forward_features(views), parts=True)
        total = total + F.cross_entropy(seen, torch.cat([y, y])) * 2 / 3
        effects = torch.cat([effect, seen_effect])
        loss: torch.Tensor = total + F.cross_entropy(effects, torch.cat([y, y, y]))
        return loss

    def views(self, x: torch.Tensor, pair: torch.Tensor) -> torch.Tensor:
        """(2·B, C, H, W): crops by the first map of `pair` (B, 2, h, w), blanks by the second."""
        import torch

        size = (x.shape[-2], x.shape[-1])
        ends = torch.tensor([self.crop, self.drop]).to(x.device, non_blocking=True)
        low, high = ends.unbind(1)
        shares = low + (high - low) * torch.rand(len(x), 2, device=x.device)
        box = boxes(bright(pair[:, 0], shares[:, 0], size), CROP_PADDING)
        return torch.cat([cropped(x, box), blanked(x, bright(pair[:, 1], shares[:, 1], size))])

    def predict(self, model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (B, K) of images (B, C, H, W), from image and crop (by all maps)."""
        import torch

        head, network = attention_head(model), untyped(model)
        features = network.forward_features(x)
        whole = head.maps(features).mean(1)
        shares = torch.full((len(x),), ASKED, device=x.device)
        box = boxes(bright(whole, shares, (x.shape[-2], x.shape[-1])), ASKED_PADDING)
        logits = head(features) + model(cropped(x, box))
        return torch.log_softmax(logits.float() / 2, 1)


def _channels(model: torch.nn.Module) -> int:
    """The channels of the feature maps, from an image of zeros. Raises BadInput without maps."""
    import torch
    from torch import nn

    known = getattr(model, "pretrained_cfg", None) or {}
    size = known["input_size"][1:] if known.get("fixed_input_size") else (64, 64)
    training = {module: module.training for module in model.modules()}
    try:
        with torch.no_grad():
            stem = next(m for m in model.modules() if isinstance(m, nn.Conv2d))
            image = stem.weight.new_zeros(1, stem.in_channels, *size)
            shape = tuple(untyped(model.eval()).forward_features(image).shape)
    except (AttributeError, AssertionError, RuntimeError, StopIteration) as error:
        raise BadInput(
            f"counterfactual-attention found no feature maps in {type(model).__name__}: {error}"
        ) from error
    finally:
        for module, was in training.items():
            module.training = was
    # Swin gives (B, H, W, C).
    if len(shape) != 4 or getattr(model, "num_features", shape[1]) not in (shape[1], None):
        raise BadInput(
            f"counterfactual-attention needs features (B, C, H, W), and {type(model).__name__} "
            f"gives {shape}: take a convolutional network, such as resnet50"
        )
    return shape[1]


def _keep_resolution(model: torch.nn.Module, stages: int) -> None:
    """Let the last `stages` of a ResNet have stride 1; the weights stay."""
    from timm.layers import BlurPool2d
    from torch import nn

    for name in ("layer4", "layer3", "layer2")[:stages]:
        stage = getattr(model, name, None)
        if stage is None:
            raise BadInput(f"finer={stages} is for ResNets, and {type(model).__name__} is none")
        for module in list(stage.modules()):
            if isinstance(module, nn.Conv2d):
                module.stride = (1, 1)
            for place, part in module.named_children():
                if isinstance(part, nn.AvgPool2d):  # in ResNet-D's shortcuts
                    setattr(module, place, nn.Identity())
                if isinstance(part, BlurPool2d):
                    part.stride = 1
