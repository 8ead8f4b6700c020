"""The baseline for the user's own images: a pretrained network, fine-tuned at 224 pixels."""

from __future__ import annotations

from tricks.optimizer.sgd import SGD
from tricks.recipe import Recipe
from tricks.schedule.step_decay import StepDecay

FINE_TUNING = Recipe(
    model="resnet50", start="pretrained", resolution=224, crop="random-resized", flip=True,
    epochs=30, batch_size=64, optimizer=SGD(), schedule=StepDecay(), channels_last=True,
)  # fmt: skip
# Not tuned here: usual values for fine-tuning at batches of 64.
FINE_TUNING_RATES = {"sgd": 0.01, "lars": 1.0, "adamw": 3e-4}
