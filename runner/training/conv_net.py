"""conv-net-5: five blocks of two convolutions, for small images."""

from __future__ import annotations

from torch import Tensor, nn

CHANNELS = (64, 128, 256, 512, 512)  # of the blocks; half of them at width 0.5


class ConvBlock(nn.Module):
    """Two 3×3 convolutions, each with batch norm and LeakyReLU, and a pool that halves the map."""

    def __init__(self, inputs: int, outputs: int, pool: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.act1 = nn.LeakyReLU(inplace=True)
        self.drop_block: nn.Module = nn.Identity()  # drop-block goes here
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.act2 = nn.LeakyReLU(inplace=True)
        self.pool = nn.MaxPool2d(2, ceil_mode=True) if pool else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, C, H, W) -> (B, C', ⌈H/2⌉, ⌈W/2⌉); the last block keeps H and W."""
        x = self.drop_block(self.act1(self.bn1(self.conv1(x))))
        return self.pool(self.act2(self.bn2(self.conv2(x))))


class ConvNet5(nn.Module):
    """Ten convolutions in five blocks (VGG's plan with batch norm), and a linear classifier.

    layer0 to layer4; images of 32 pixels per side become maps of 2. No residual branches. The
    classifier gets the mean of each map; the trick dropout acts in front of it.
    """

    def __init__(self, classes: int, channels: int, width: float) -> None:
        """`channels` of the input images; `width` multiplies every channel count."""
        super().__init__()
        sizes = (channels, *(max(1, round(width * c)) for c in CHANNELS))
        for i in range(5):
            self.add_module(f"layer{i}", ConvBlock(sizes[i], sizes[i + 1], pool=i < 4))
        self.fc = nn.Linear(sizes[-1], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=0.01, mode="fan_out")

    def forward_features(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) -> feature maps (B, C', H', W')."""
        for i in range(5):
            x = self.get_submodule(f"layer{i}")(x)
        return x

    def get_classifier(self) -> nn.Module:
        """The last layer, by timm's name for it."""
        return self.fc

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) -> logits (B, K)."""
        return self.fc(self.forward_features(x).mean((2, 3)))
