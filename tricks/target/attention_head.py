"""The head of counterfactual attention: a classifier on features pooled by attention maps."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from tricks.errors import BadInput
from tricks.target.attention import bilinear_pooling

if TYPE_CHECKING:
    import torch

SCALE = 100.0  # factor of the pooled features (of length 1) in front of the classifier


@cache
def head_class() -> Any:
    """Attention maps over features, a classifier on pooled features, and centres of classes."""
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F

    class AttentionHead(nn.Module):
        centres: Tensor  # (K, M·C): centres of the pooled features of each class

        def __init__(self, channels: int, classes: int, maps: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(channels, maps, 1, bias=False)
            self.bn = nn.BatchNorm2d(maps, eps=1e-3)
            self.act = nn.ReLU(inplace=True)
            self.fc = nn.Linear(maps * channels, classes, bias=False)
            nn.init.normal_(self.fc.weight, std=0.001)  # inputs are large
            self.register_buffer("centres", torch.zeros(classes, maps * channels))

        def maps(self, features: Tensor) -> Tensor:
            """Features (B, C, H, W) -> attention maps (B, M, H, W), at least 0."""
            return self.act(self.bn(self.conv(features)))

        def pooled_and_logits(self, features: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
            """(B, M·C) of length 1 and (B, K), in fp32 also under autocast."""
            with torch.autocast(features.device.type, enabled=False):
                pooled = bilinear_pooling(features.float(), maps.float())
                return pooled, self.fc(SCALE * pooled)

        def forward(self, features: Tensor, parts: bool = False) -> Any:
            """Logits (B, K); with `parts` also their effect, the pooled features and the maps.

            The effect is the logits minus the logits for random attention from U(0, 2).
            """
            maps = self.maps(features)
            pooled, logits = self.pooled_and_logits(features, maps)
            if not parts:
                return logits
            anywhere = torch.empty_like(maps).uniform_(0, 2)
            return logits, logits - self.pooled_and_logits(features, anywhere)[1], pooled, maps

        def spread(self, pooled: Tensor, y: Tensor, beta: float) -> Tensor:
            """Mean squared distance of `pooled` (B, M·C) from the centres of its classes.

            y (B, K) weights the classes. Each centre then moves by `beta` towards its images' mean.
            """
            centres = F.normalize(self.centres.float(), dim=1)
            with torch.autocast(pooled.device.type, enabled=False):
                squares = pooled.square().sum(1, True) + centres.square().sum(1)
                loss = (y * (squares - 2 * pooled @ centres.T)).sum(1).mean()
            with torch.no_grad():
                share = y.sum(0).unsqueeze(1)
                way = (y.T @ pooled - share * centres) / share.clamp_min(1)
                self.centres.add_(way.to(self.centres.dtype), alpha=beta)
            return loss

    return AttentionHead


@cache
def attentive(cls: Any) -> Any:
    """A subclass of `cls` that passes its feature maps to the classifier without pooling."""

    def forward(self: Any, x: torch.Tensor) -> torch.Tensor:
        """Images (B, C, H, W) -> logits (B, K)."""
        logits: torch.Tensor = self.get_classifier()(self.forward_features(x))
        return logits

    return type(cls.__name__, (cls,), {"forward": forward})


def attention_head(model: torch.nn.Module) -> Any:
    """The attention head of `model`. Raises BadInput if it has none."""
    ask: Any = getattr(model, "get_classifier", None)
    head = ask() if ask is not None else None
    if not isinstance(head, head_class()):
        raise BadInput(
            f"{type(model).__name__} has no attention maps: name counterfactual-attention among "
            "the tricks, not as the objective alone"
        )
    return head


def attention_maps(model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Attention maps (B, M, h, w), at least 0, of images (B, C, H, W); see attention_head."""
    head, network = attention_head(model), untyped(model)
    maps: torch.Tensor = head.maps(network.forward_features(x))
    return maps


def untyped(model: torch.nn.Module) -> Any:
    """`model` without its type, since type checkers do not know its methods."""
    return model
