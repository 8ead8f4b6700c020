"""scikit-learn's digits with Lightning and its command line."""

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.cli import LightningCLI
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Digits(LightningModule):
    """A network of one hidden layer."""

    def __init__(self, smoothing: float = 0.0, width: int = 64) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))
        self.criterion = nn.CrossEntropyLoss(label_smoothing=smoothing)
        x, y = load_digits(return_X_y=True)
        self.data = TensorDataset(torch.tensor(x).float() / 16, torch.tensor(y))

    def part(self, start: int, end: int, shuffle: bool = False) -> DataLoader:
        return DataLoader([self.data[i] for i in range(start, end)], 64, shuffle=shuffle)

    def train_dataloader(self) -> DataLoader:
        return self.part(0, 900, shuffle=True)

    def val_dataloader(self) -> DataLoader:
        return self.part(900, 1100)

    def training_step(self, batch: list[torch.Tensor]) -> torch.Tensor:
        return self.criterion(self.net(batch[0]), batch[1])

    def validation_step(self, batch: list[torch.Tensor]) -> None:
        self.log("val_acc", (self.net(batch[0]).argmax(1) == batch[1]).float().mean())


if __name__ == "__main__":
    LightningCLI(Digits)
